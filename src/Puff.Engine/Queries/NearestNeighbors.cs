using Puff.Engine.Vectors;

namespace Puff.Engine.Queries;

/// <summary>
/// Answers a vector ranking. kNN, and sets without an index such as the tail, are scanned; ANN searches the index of the others, with bounds that
/// the scanned ones have set already. Every distance reported is exact.
/// </summary>
internal static class NearestNeighbors
{
    /// <param name="count">Rows wanted.</param>
    public static RankedDocument[] Run(QueryRun run, BoundVectorRank rank, int count)
    {
        var heap = new RankedHeap(run, count);
        List<SearchSet>? indexed = null;
        List<LateInteractionSet>? tokens = null;
        foreach (var view in run.Views)
        {
            if (view.MatchCount == 0)
            {
                continue;
            }

            if (!rank.Exact && rank.Query is DenseVectorQuery && view.Set.GetIndex(rank.Attribute) is { } index)
            {
                if (index.Count > 0)
                {
                    (indexed ??= []).Add(new SearchSet(view.Index, index, view.Set.GetExactRows(rank.Attribute)!, view.Matches, view.MatchCount));
                }

                continue;
            }

            if (!rank.Exact && rank.Query is MultiVectorQuery && view.Set.GetTokenCodes(rank.Attribute) is { } codes)
            {
                (tokens ??= []).Add(new LateInteractionSet(view.Index, codes, view.Matches));
                continue;
            }

            rank.Query.Scan(run, view, heap);
            run.RowsScanned += view.MatchCount;
        }

        if (indexed is not null)
        {
            Search(run, rank, indexed, heap, count);
        }

        if (tokens is not null)
        {
            MultiVectorSearch.Run(run, (MultiVectorQuery)rank.Query, tokens, heap, count);
        }

        return heap.DrainSorted();
    }

    private static void Search(QueryRun run, BoundVectorRank rank, List<SearchSet> indexed, RankedHeap heap, int count)
    {
        var query = (DenseVectorQuery)rank.Query;
        var (sets, parts) = SearchPlanner.Plan(indexed, run.Snapshot, rank.Attribute, count);
        var request = new SearchRequest
        {
            Query = query.Vector,
            Scorer = query.Scorer,
            CodeScale = query.IsCosine ? 2 : 1,
            Count = count,
            Limit = (float)heap.Bound,
            Sets = sets,
            Parts = parts,
            Cancellation = run.Cancellation,
        };
        var scratch = SearchScratchPool.Rent(sets[0].Index.PaddedDimensions);
        try
        {
            var statistics = VectorSearch.Run(request, scratch);
            foreach (ref readonly var hit in scratch.Hits.Span)
            {
                heap.Offer(hit.Distance, hit.Set, hit.Document);
            }

            run.VectorsScored += statistics.ExactDistances;
            run.Search = new SearchReport(parts, statistics);
        }
        finally
        {
            SearchScratchPool.Return(scratch);
        }
    }
}

/// <summary>How an index was searched, for the plan in words and the costs.</summary>
internal sealed record SearchReport(SearchPart[] Parts, SearchStatistics Statistics);
