namespace Puff.Engine.Queries;

/// <summary>
/// Chooses how a vector ranking is answered. kNN and the tail are always scanned; ANN may use the index of a set that has one. No set has one
/// in this version, so both are exact.
/// </summary>
internal static class NearestNeighbors
{
    /// <param name="count">Rows wanted.</param>
    public static RankedDocument[] Run(QueryRun run, BoundVectorRank rank, int count)
    {
        var heap = new RankedHeap(run, count);
        foreach (var view in run.Views)
        {
            rank.Query.Scan(run, view, heap);
            run.RowsScanned += view.MatchCount;
        }

        return heap.DrainSorted();
    }
}
