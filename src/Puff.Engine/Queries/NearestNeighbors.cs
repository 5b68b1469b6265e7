using Puff.Engine.Numerics;
using Puff.Engine.Segments;
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
        Indexed? indexed = null;
        List<LateInteractionSet>? tokens = null;
        foreach (var view in run.Views)
        {
            if (view.MatchCount == 0)
            {
                continue;
            }

            if (!rank.Exact && rank.Query is DenseVectorQuery && view.Set.GetIndex(rank.Attribute) is { } index)
            {
                (indexed ??= new Indexed()).Add(view.Index, 0, index, view.Set.GetExactRows(rank.Attribute)!, view.Matches, view.MatchCount);

                continue;
            }

            if (!rank.Exact && rank.Query is MultiVectorQuery && view.Set.GetTokenCodes(rank.Attribute) is { } codes)
            {
                (tokens ??= []).Add(new LateInteractionSet(view.Index, codes, view.Matches));
                continue;
            }

            if (!rank.Exact && rank.Query is DenseVectorQuery query && view.Set.GetCodedRanges(rank.Attribute) is { Count: > 0 } ranges)
            {
                var rest = (indexed ??= new Indexed()).Add(view, ranges);
                query.Scan(run, view, rest, heap);
                run.RowsScanned += rest.PopCount();
                continue;
            }

            rank.Query.Scan(run, view, heap);
            run.RowsScanned += view.MatchCount;
        }

        if (indexed is { Sets.Count: > 0 })
        {
            Search(run, rank, indexed, heap, count);
        }

        if (tokens is not null)
        {
            MultiVectorSearch.Run(run, (MultiVectorQuery)rank.Query, tokens, heap, count);
        }

        return heap.DrainSorted();
    }

    private static void Search(QueryRun run, BoundVectorRank rank, Indexed indexed, RankedHeap heap, int count)
    {
        var query = (DenseVectorQuery)rank.Query;
        var (sets, parts) = SearchPlanner.Plan(indexed.Sets, run.Snapshot, rank, count);
        var request = new SearchRequest
        {
            Query = query.Vector,
            Scorer = query.Scorer,
            CodeScale = query.IsCosine ? 2 : 1,
            Count = count,
            Limit = (float)heap.Bound,
            Sets = sets,
            Parts = parts,
            Reads = run.Reads,
            PlanResult = run.Reads is null ? null : (number, document) =>
            {
                var (set, first) = indexed.Origins[sets[number].Number];
                run.PlanRow(set, first + document, isKnown: false);
            },
            Cancellation = run.Cancellation,
        };
        var scratch = SearchScratchPool.Rent(sets[0].Index.PaddedDimensions);
        try
        {
            var statistics = VectorSearch.Run(request, scratch);
            foreach (ref readonly var hit in scratch.Hits.Span)
            {
                var (set, first) = indexed.Origins[hit.Set];
                heap.Offer(hit.Distance, set, first + hit.Document);
            }

            run.VectorsScored += statistics.ExactDistances;
            run.Search = new SearchReport(parts, statistics);
        }
        finally
        {
            SearchScratchPool.Return(scratch);
        }
    }

    /// <summary>What is searched by codes: the documents of a segment, or some of the tail's.</summary>
    private sealed class Indexed
    {
        public List<SearchSet> Sets { get; } = [];

        /// <summary>Of the set with each number: which of the query's sets its documents belong to, and the number of the first of them there.</summary>
        public List<(int Set, int First)> Origins { get; } = [];

        public void Add(int set, int first, CodedVectors index, IExactRows rows, BitSet matches, int matchCount)
        {
            if (index.Count > 0 && matchCount > 0)
            {
                Sets.Add(new SearchSet(Origins.Count, index, rows, matches, matchCount));
                Origins.Add((set, first));
            }
        }

        /// <summary>Adds the coded documents of a set and returns the matching ones that are none of them.</summary>
        public BitSet Add(SetView view, IReadOnlyList<CodedRange> ranges)
        {
            var rest = view.Matches.Clone();
            foreach (var range in ranges)
            {
                var matches = view.Matches.Slice(range.First, range.Index.Documents);
                rest.Clear(range.First, range.First + range.Index.Documents);
                Add(view.Index, range.First, range.Index, range.Rows, matches, matches.PopCount());
            }

            return rest;
        }
    }
}

/// <summary>How an index was searched, for the plan in words and the costs.</summary>
internal sealed record SearchReport(SearchPart[] Parts, SearchStatistics Statistics);
