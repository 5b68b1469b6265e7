namespace Puff.Engine.Queries;

/// <summary>
/// Keeps the first <paramref name="capacity"/> entries of a stream in the order of a comparer: a binary heap whose root is the last one kept. The comparer
/// is a struct, so that its calls are inlined; it must be a total order, so that the outcome does not depend on the order of arrival.
/// </summary>
internal sealed class BoundedHeap<TEntry, TComparer>(int capacity, TComparer comparer)
    where TComparer : struct, IComparer<TEntry>
{
    private TEntry[] entries = new TEntry[Math.Min(capacity, 64)];
    private int count;

    public bool IsFull => count == capacity;

    /// <summary>The last entry kept; only when <see cref="IsFull"/>.</summary>
    public ref readonly TEntry Worst => ref entries[0];

    public void Offer(in TEntry entry)
    {
        if (count < capacity)
        {
            if (count == entries.Length)
            {
                Array.Resize(ref entries, Math.Min(capacity, count * 2));
            }

            SiftUp(count++, entry);
        }
        else if (comparer.Compare(entry, entries[0]) < 0)
        {
            SiftDown(entry);
        }
    }

    /// <summary>What was kept, in order. The heap is not used afterwards.</summary>
    public TEntry[] DrainSorted()
    {
        Array.Resize(ref entries, count);
        entries.AsSpan().Sort(comparer);
        return entries;
    }

    private void SiftUp(int hole, in TEntry entry)
    {
        while (hole > 0)
        {
            int parent = (hole - 1) / 2;
            if (comparer.Compare(entry, entries[parent]) <= 0)
            {
                break;
            }

            entries[hole] = entries[parent];
            hole = parent;
        }

        entries[hole] = entry;
    }

    /// <summary>Replaces the root.</summary>
    private void SiftDown(in TEntry entry)
    {
        int hole = 0;
        while (true)
        {
            int child = 2 * hole + 1;
            if (child >= count)
            {
                break;
            }

            if (child + 1 < count && comparer.Compare(entries[child + 1], entries[child]) > 0)
            {
                child++;
            }

            if (comparer.Compare(entry, entries[child]) >= 0)
            {
                break;
            }

            entries[hole] = entries[child];
            hole = child;
        }

        entries[hole] = entry;
    }
}
