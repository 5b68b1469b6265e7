namespace Puff.Engine.Queries;

/// <summary>
/// Ranks documents by attribute values. Keeps only the rows asked for, so that ordering a million documents does not sort them.
/// </summary>
internal static class AttributeOrder
{
    public static RankedDocument[] Run(QueryRun run, BoundOrder order, int count)
    {
        var comparer = new OrderComparer(run, order.Keys);
        var heap = new BoundedHeap<OrderEntry, OrderComparer>(count, comparer);
        foreach (var view in run.Views)
        {
            if (OrderedWalk.TryCreate(view, order.Keys[0], count) is { } walk)
            {
                walk.Run(run, comparer, heap);
            }
            else
            {
                Scan(run, view, comparer, heap);
            }
        }

        return Array.ConvertAll(heap.DrainSorted(), e => new RankedDocument(0, e.Set, e.Document));
    }

    private static void Scan(QueryRun run, SetView view, OrderComparer comparer, BoundedHeap<OrderEntry, OrderComparer> heap)
    {
        var matches = view.Matches;
        for (int document = matches.NextSet(0); document >= 0; document = matches.NextSet(document + 1))
        {
            if ((++run.RowsScanned & 1023) == 0)
            {
                run.Cancellation.ThrowIfCancellationRequested();
            }

            var entry = comparer.EntryOf(view.Index, document);
            if (!heap.IsFull || !entry.IsSurelyAfter(heap.Worst))
            {
                heap.Offer(entry);
            }
        }
    }
}

/// <summary>A document with what decides most comparisons under its first key: null or not, and the value's prefix (complemented when descending).</summary>
internal readonly struct OrderEntry(byte nullRank, ulong prefix, int set, int document)
{
    public byte NullRank { get; } = nullRank;

    public ulong Prefix { get; } = prefix;

    public int Set { get; } = set;

    public int Document { get; } = document;

    public bool IsSurelyAfter(in OrderEntry other) => NullRank != other.NullRank ? NullRank > other.NullRank : Prefix > other.Prefix;
}

/// <summary>Compares documents of all sets of a query key by key.</summary>
internal readonly struct OrderComparer : IComparer<OrderEntry>
{
    private readonly bool[] descending;

    /// <summary>[set][key]</summary>
    private readonly SortColumn[][] columns;

    public OrderComparer(QueryRun run, IReadOnlyList<BoundOrderKey> keys)
    {
        descending = keys.Select(k => k.Descending).ToArray();
        columns = Array.ConvertAll(run.Views, view => keys.Select(k => new SortColumn(view.GetColumn(k.Attribute))).ToArray());
    }

    public OrderEntry EntryOf(int set, int document)
    {
        bool isPresent = columns[set][0].TryGetPrefix(document, out ulong prefix);

        // Nulls come first ascending and last descending: in both directions they are the smallest value.
        return descending[0] ? new OrderEntry((byte)(isPresent ? 0 : 1), isPresent ? ~prefix : 0, set, document)
            : new OrderEntry((byte)(isPresent ? 1 : 0), prefix, set, document);
    }

    public int Compare(OrderEntry left, OrderEntry right)
    {
        if (left.NullRank != right.NullRank)
        {
            return left.NullRank.CompareTo(right.NullRank);
        }

        if (left.Prefix != right.Prefix)
        {
            return left.Prefix.CompareTo(right.Prefix);
        }

        var leftColumns = columns[left.Set];
        var rightColumns = columns[right.Set];
        for (int key = 0; key < descending.Length; key++)
        {
            int order = leftColumns[key].Compare(left.Document, rightColumns[key], right.Document);
            if (order != 0)
            {
                return descending[key] ? -order : order;
            }
        }

        return 0;
    }
}
