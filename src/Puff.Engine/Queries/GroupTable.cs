namespace Puff.Engine.Queries;

/// <summary>
/// Groups by the bytes of their key, whose order is the order of the result, as numbers from 0; with the number of documents of each and what the measures
/// hold. When there are many more groups than wanted, those that can no longer be among the first are dropped, so that memory follows the limit and not the
/// data.
/// </summary>
/// <param name="limit">Groups wanted.</param>
/// <param name="measures">What is measured of each.</param>
/// <param name="isCounting">Whether anybody asks how many documents a group has.</param>
internal sealed class GroupTable(int limit, Measure[] measures, bool isCounting)
{
    /// <summary>Stands for a group that cannot be among the first.</summary>
    public const int None = -1;

    private readonly Dictionary<byte[], int> numbers = new(KeyBytesComparer.Instance);
    private readonly Stack<int> free = [];
    private readonly List<int> dropped = [];
    private long[] counts = [];
    private int used;

    /// <summary>Keys above this cannot be among the first groups; null while unknown.</summary>
    private byte[]? ceiling;

    /// <summary>Groups in use, and those that were dropped lately: numbers are below this.</summary>
    public int End => used;

    /// <summary>
    /// Changes when groups are dropped: numbers remembered from before are void, though they may be added to until <see cref="Add"/>
    /// returns.
    /// </summary>
    public int Version { get; private set; }

    /// <summary>The number of a key, new or known, or <see cref="None"/>.</summary>
    public int Find(ReadOnlySpan<byte> key)
    {
        var lookup = numbers.GetAlternateLookup<ReadOnlySpan<byte>>();
        if (lookup.TryGetValue(key, out int number))
        {
            return number;
        }

        if (ceiling is not null && key.SequenceCompareTo(ceiling) > 0)
        {
            return None;
        }

        number = NextNumber();
        lookup[key] = number;
        if (numbers.Count >= 2 * limit + 1024)
        {
            DropLast();
            return lookup.TryGetValue(key, out number) ? number : None;
        }

        return number;
    }

    /// <summary>Adds documents of the set that the measures have open.</summary>
    public void Add(ReadOnlySpan<int> documents, ReadOnlySpan<int> groups)
    {
        if (isCounting)
        {
            var target = counts.AsSpan();
            foreach (int group in groups)
            {
                target[group]++;
            }
        }

        foreach (var measure in measures)
        {
            measure.Add(documents, groups);
        }

        dropped.ForEach(free.Push);
        dropped.Clear();
    }

    /// <summary>Adds documents that only count.</summary>
    public void AddCount(int group, long documents) => counts[group] += documents;

    /// <summary>The first groups in order.</summary>
    public (byte[] Key, int Number, long Count)[] First()
    {
        var keys = SortedKeys();
        return [.. keys.Take(limit).Select(k => (k, numbers[k], counts[numbers[k]]))];
    }

    private int NextNumber()
    {
        if (!free.TryPop(out int number))
        {
            number = used++;
            if (used > counts.Length)
            {
                Array.Resize(ref counts, Math.Max(64, 2 * counts.Length));
                Array.ForEach(measures, m => m.Reserve(counts.Length));
            }

            return number;
        }

        counts[number] = 0;
        Array.ForEach(measures, m => m.Reset(number));
        return number;
    }

    private void DropLast()
    {
        var keys = SortedKeys();
        ceiling = keys[limit - 1];
        for (int i = limit; i < keys.Length; i++)
        {
            numbers.Remove(keys[i], out int number);
            dropped.Add(number);
        }

        Version++;
    }

    private byte[][] SortedKeys()
    {
        var keys = numbers.Keys.ToArray();
        Array.Sort(keys, static (left, right) => left.AsSpan().SequenceCompareTo(right));
        return keys;
    }
}
