namespace Puff.Engine.Queries;

/// <summary>A document with its rank: smaller keys first (a distance, or a score with its sign turned).</summary>
internal readonly struct RankedDocument(double key, int set, int document)
{
    public double Key { get; } = key;

    /// <summary>Index of the document set in the snapshot.</summary>
    public int Set { get; } = set;

    public int Document { get; } = document;
}

/// <summary>By key, then by id. Ids are read only for equal keys.</summary>
internal readonly struct RankedComparer(IdOrder ids) : IComparer<RankedDocument>
{
    public int Compare(RankedDocument left, RankedDocument right)
    {
        int order = left.Key.CompareTo(right.Key);
        return order != 0 ? order : ids.Compare(left.Set, left.Document, right.Set, right.Document);
    }
}

/// <summary>The order of ids over all sets of a query, read in place.</summary>
internal sealed class IdOrder(QueryRun run)
{
    private readonly SortColumn?[] columns = new SortColumn?[run.Views.Length];

    public int Compare(int leftSet, int leftDocument, int rightSet, int rightDocument)
    {
        var sets = run.Snapshot.Sets;

        // A column that has to be fetched is fetched as a whole, for a few ids.
        return run.Reads is not null && (sets[leftSet].IsDemandLoaded || sets[rightSet].IsDemandLoaded)
            ? sets[leftSet].GetId(leftDocument).CompareTo(sets[rightSet].GetId(rightDocument))
            : ColumnOf(leftSet).Compare(leftDocument, ColumnOf(rightSet), rightDocument);
    }

    private SortColumn ColumnOf(int set) => columns[set] ??= new SortColumn(run.Views[set].GetColumn(run.Query.Schema.IdAttribute));
}

/// <summary>Collects the best documents of a ranking over all sets.</summary>
internal sealed class RankedHeap(QueryRun run, int capacity)
{
    private readonly BoundedHeap<RankedDocument, RankedComparer> heap = new(capacity, new RankedComparer(new IdOrder(run)));

    /// <summary>Documents with a larger key cannot enter any more; an equal key may, by its id.</summary>
    public double Bound { get; private set; } = double.PositiveInfinity;

    /// <summary>As many documents as are wanted were offered.</summary>
    public bool IsFull => heap.IsFull;

    public void Offer(double key, int set, int document)
    {
        if (key > Bound)
        {
            return;
        }

        heap.Offer(new RankedDocument(key, set, document));
        if (heap.IsFull)
        {
            Bound = heap.Worst.Key;
        }
    }

    public RankedDocument[] DrainSorted() => heap.DrainSorted();
}
