namespace Puff.Workloads.Vectors;

/// <summary>The nearest so far, ascending by distance and then by number, so that equal distances have one answer.</summary>
internal sealed class NeighborList(int capacity)
{
    private readonly float[] distances = new float[capacity];
    private readonly int[] numbers = new int[capacity];

    public int Count { get; private set; }

    /// <summary>A candidate at this distance or above cannot enter.</summary>
    public float Bound { get; private set; } = float.PositiveInfinity;

    public ReadOnlySpan<int> Numbers => numbers.AsSpan(0, Count);

    /// <summary>Offers candidates in ascending order of number.</summary>
    public void Offer(int number, float distance)
    {
        if (!(distance < Bound))
        {
            return;
        }

        int place = Count < capacity ? Count++ : capacity - 1;
        for (; place > 0 && distances[place - 1] > distance; place--)
        {
            distances[place] = distances[place - 1];
            numbers[place] = numbers[place - 1];
        }

        distances[place] = distance;
        numbers[place] = number;
        Bound = Count < capacity ? float.PositiveInfinity : distances[^1];
    }
}
