namespace Puff.Engine.Vectors;

/// <summary>
/// The k smallest of all numbers offered, of which only the largest is asked for: the threshold a search prunes by. A sorted list when k is small, where
/// shifting a few numbers is faster than any tree; a binary heap with the largest on top otherwise.
/// </summary>
internal sealed unsafe class SmallestValues : IDisposable
{
    private const int LargestSorted = 32;

    private readonly ScratchList<float> values = new();
    private int capacity;
    private int count;
    private float limit;

    /// <summary>Whether k numbers, or the limit, bound what is still of interest.</summary>
    public bool IsFull => count == capacity;

    /// <summary>The k-th smallest so far, or the limit if that is smaller. Positive infinity until there are k.</summary>
    public float Threshold { get; private set; }

    /// <param name="wanted">k, at least 1.</param>
    /// <param name="upperLimit">Numbers above are of no interest, or positive infinity.</param>
    public void Reset(int wanted, float upperLimit)
    {
        capacity = wanted;
        count = 0;
        limit = upperLimit;
        Threshold = upperLimit;
        values.SetCount(wanted);
    }

    /// <summary>Numbers that are not smaller than the threshold, and NaN, are ignored.</summary>
    public void Offer(float value)
    {
        if (!(value < Threshold))
        {
            return;
        }

        if (capacity <= LargestSorted)
        {
            Insert(value);
        }
        else if (count < capacity)
        {
            SiftUp(value);
        }
        else
        {
            SiftDown(value);
        }

        if (count == capacity)
        {
            Threshold = MathF.Min(limit, capacity <= LargestSorted ? values.Items[count - 1] : values.Items[0]);
        }
    }

    public void Dispose() => values.Dispose();

    private void Insert(float value)
    {
        float* sorted = values.Items;
        int hole = count < capacity ? count++ : count - 1;
        for (; hole > 0 && sorted[hole - 1] > value; hole--)
        {
            sorted[hole] = sorted[hole - 1];
        }

        sorted[hole] = value;
    }

    private void SiftUp(float value)
    {
        float* heap = values.Items;
        int hole = count++;
        while (hole > 0 && heap[(hole - 1) / 2] < value)
        {
            heap[hole] = heap[(hole - 1) / 2];
            hole = (hole - 1) / 2;
        }

        heap[hole] = value;
    }

    /// <summary>Replaces the largest.</summary>
    private void SiftDown(float value)
    {
        float* heap = values.Items;
        int hole = 0;
        while (true)
        {
            int child = (2 * hole) + 1;
            if (child >= count)
            {
                break;
            }

            if (child + 1 < count && heap[child + 1] > heap[child])
            {
                child++;
            }

            if (heap[child] <= value)
            {
                break;
            }

            heap[hole] = heap[child];
            hole = child;
        }

        heap[hole] = value;
    }
}
