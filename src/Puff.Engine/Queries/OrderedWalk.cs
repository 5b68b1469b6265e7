using Puff.Engine.Formats;

namespace Puff.Engine.Queries;

/// <summary>
/// Offers the matching documents of a set in the order of the first key, by its index, and stops where no other can be among the first. Documents of one value
/// come in any order: the heap settles the other keys.
/// </summary>
internal sealed class OrderedWalk
{
    private readonly SetView view;
    private readonly AttributeIndex index;
    private readonly bool descending;

    private OrderedWalk(SetView view, AttributeIndex index, bool descending)
    {
        this.view = view;
        this.index = index;
        this.descending = descending;
    }

    /// <summary>Null when there is no index, or looking at every match is likely to be faster.</summary>
    public static OrderedWalk? TryCreate(SetView view, BoundOrderKey key, int count)
    {
        // So many documents are looked at until enough of them match, if matches are spread evenly; in the order of values each costs some three times as much.
        long expected = (long)count * view.Set.Count / Math.Max(view.MatchCount, 1);
        return expected * 3 < view.MatchCount && view.GetIndex(key.Attribute) is { HasLists: true } index ? new OrderedWalk(view, index, key.Descending) : null;
    }

    public void Run(QueryRun run, OrderComparer comparer, BoundedHeap<OrderEntry, OrderComparer> heap)
    {
        if (!descending)
        {
            OfferNulls(run, comparer, heap);
        }

        for (int i = 0; i < index.Values; i++)
        {
            int ordinal = descending ? index.Values - 1 - i : i;
            if ((i & 1023) == 0)
            {
                run.Cancellation.ThrowIfCancellationRequested();
            }

            if (heap.IsFull && comparer.EntryOf(view.Index, index.RowOf(ordinal)).IsSurelyAfter(heap.Worst))
            {
                return;
            }

            foreach (uint document in index.ListOf(ordinal))
            {
                if (view.Matches[(int)document])
                {
                    run.RowsScanned++;
                    heap.Offer(comparer.EntryOf(view.Index, (int)document));
                }
            }
        }

        if (descending)
        {
            OfferNulls(run, comparer, heap);
        }
    }

    private void OfferNulls(QueryRun run, OrderComparer comparer, BoundedHeap<OrderEntry, OrderComparer> heap)
    {
        var present = index.Rows.Present;
        for (int document = view.Matches.NextSet(0); document >= 0; document = view.Matches.NextSet(document + 1))
        {
            if (!present[document])
            {
                run.RowsScanned++;
                heap.Offer(comparer.EntryOf(view.Index, document));
            }
        }
    }
}
