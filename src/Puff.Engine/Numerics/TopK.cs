namespace Puff.Engine.Numerics;

/// <summary>Something found and how far it is from what was asked for.</summary>
internal readonly record struct Ranked<T>(float Distance, T Item);

/// <summary>A document as a search meets it: its set (by position in the snapshot) and its number there.</summary>
internal readonly record struct Candidate(int Set, int Document);

/// <summary>
/// Keeps the <see cref="Capacity"/> nearest of all items offered, in a heap with the farthest on top. Equal distances are ordered by the comparer given,
/// so that the result does not depend on the order of the offers. For scores, of which more is better, offer the negated score.
/// Allocates only when created; <see cref="Clear"/> makes it ready for the next search. Not for several threads at once.
/// </summary>
/// <param name="capacity">At least 1.</param>
/// <param name="ties">Orders items of equal distance; a total order, such as that of document ids.</param>
internal sealed class TopK<T>(int capacity, IComparer<T> ties)
{
    private readonly Ranked<T>[] heap = capacity >= 1
        ? new Ranked<T>[capacity]
        : throw new ArgumentOutOfRangeException(nameof(capacity), capacity, "at least one item has to be kept");

    public int Capacity => heap.Length;

    public int Count { get; private set; }

    /// <summary>
    /// The largest distance that can still enter: a farther item is refused, one exactly as far may win the tie. Positive infinity until full.
    /// </summary>
    public float Threshold => Count < heap.Length ? float.PositiveInfinity : heap[0].Distance;

    public void Clear()
    {
        Array.Clear(heap, 0, Count);
        Count = 0;
    }

    /// <summary>Considers an item. False when it is not among the nearest so far; items whose distance is not a number never are.</summary>
    public bool Offer(float distance, T item)
    {
        var offered = new Ranked<T>(distance, item);
        if (Count < heap.Length)
        {
            if (float.IsNaN(distance))
            {
                return false;
            }

            SiftUp(Count++, offered);
            return true;
        }

        // Written so that a distance that is not a number fails the comparison.
        if (!(distance <= heap[0].Distance) || !IsFarther(heap[0], offered))
        {
            return false;
        }

        SiftDown(offered, heap.Length);
        return true;
    }

    /// <summary>Offers everything that another heap holds; how the results of parallel scans come together.</summary>
    public void OfferAll(TopK<T> other)
    {
        for (int i = 0; i < other.Count; i++)
        {
            Offer(other.heap[i].Distance, other.heap[i].Item);
        }
    }

    /// <summary>Empties the heap into <paramref name="destination"/>, nearest first, and returns how many items that were.</summary>
    /// <param name="destination">At least <see cref="Count"/> long.</param>
    public int Drain(Span<Ranked<T>> destination)
    {
        int total = Count;
        destination = destination[..total];
        for (int last = total - 1; last >= 0; last--)
        {
            destination[last] = heap[0];
            Count = last;
            if (last > 0)
            {
                SiftDown(heap[last], last);
            }

            heap[last] = default;
        }

        return total;
    }

    /// <summary>Empties the heap into a new array, nearest first.</summary>
    public Ranked<T>[] Drain()
    {
        var result = new Ranked<T>[Count];
        Drain(result);
        return result;
    }

    private bool IsFarther(in Ranked<T> left, in Ranked<T> right) =>
        left.Distance > right.Distance || (left.Distance == right.Distance && ties.Compare(left.Item, right.Item) > 0);

    private void SiftUp(int hole, in Ranked<T> item)
    {
        while (hole > 0)
        {
            int parent = (hole - 1) / 2;
            if (!IsFarther(item, heap[parent]))
            {
                break;
            }

            heap[hole] = heap[parent];
            hole = parent;
        }

        heap[hole] = item;
    }

    /// <summary>Replaces the top of the first <paramref name="count"/> items.</summary>
    private void SiftDown(Ranked<T> item, int count)
    {
        int hole = 0;
        while (true)
        {
            int child = 2 * hole + 1;
            if (child >= count)
            {
                break;
            }

            if (child + 1 < count && IsFarther(heap[child + 1], heap[child]))
            {
                child++;
            }

            if (!IsFarther(heap[child], item))
            {
                break;
            }

            heap[hole] = heap[child];
            hole = child;
        }

        heap[hole] = item;
    }
}
