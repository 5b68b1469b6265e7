using Puff.Engine.Numerics;
using Puff.Engine.Vectors;

namespace Puff.Engine.Tests.Vectors;

/// <summary>Searches as the planner would ask for them, and exact search to compare with. Hits are (set, document), nearest first, ties by number.</summary>
internal static unsafe class TestSearch
{
    public static (int Set, int Document)[] Run(
        VectorSpace space, float[] query, int count, SearchSet[] sets, SearchStrategy strategy, ClusterTree? tree, out SearchStatistics statistics)
    {
        using var scorer = space.Scorer(query);
        var part = new SearchPart
        {
            Strategy = strategy,
            FirstSet = 0,
            SetCount = sets.Length,
            Tree = tree,
            Probes = ProbeTable.Create([], 0.95f),
            Codes = sets.Sum(s => s.Index.Count),
            Matches = sets.Sum(s => s.MatchCount),
        };
        return Run(space, query, count, scorer, sets, [part], out statistics);
    }

    public static (int Set, int Document)[] Run(
        VectorSpace space, float[] query, int count, ExactScorer scorer, SearchSet[] sets, SearchPart[] parts, out SearchStatistics statistics)
    {
        var request = new SearchRequest
        {
            Query = space.ToIndex(query),
            Scorer = scorer,
            CodeScale = space.CodeScale,
            Count = count,
            Sets = sets,
            Parts = parts,
        };
        var scratch = SearchScratchPool.Rent(space.Rotation.PaddedDimensions);
        statistics = VectorSearch.Run(request, scratch);
        var hits = scratch.Hits.Span.ToArray();
        SearchScratchPool.Return(scratch);
        return First(hits, count);
    }

    public static (int Set, int Document)[] Exact(VectorSpace space, float[] query, int count, SearchSet[] sets)
    {
        using var scorer = space.Scorer(query);
        var hits = new List<SearchHit>();
        foreach (var set in sets)
        {
            for (int document = set.Matches.NextSet(0); document >= 0; document = set.Matches.NextSet(document + 1))
            {
                hits.Add(new SearchHit(scorer.Distance(set.Rows.Row(document)), set.Number, document));
            }
        }

        return First([.. hits], count);
    }

    private static (int Set, int Document)[] First(SearchHit[] hits, int count) =>
        [.. hits.OrderBy(h => h.Distance).ThenBy(h => h.Set).ThenBy(h => h.Document).Take(count).Select(h => (h.Set, h.Document))];
}
