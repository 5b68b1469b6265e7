using Puff.Engine.Vectors;
using Xunit;

namespace Puff.Engine.Tests.Vectors;

/// <summary>Searches as the planner would ask for them, and exact search to compare with. Hits are (set, document), nearest first, ties by number.</summary>
internal static unsafe class TestSearch
{
    /// <summary>The share of the exact nearest that is found, averaged over queries.</summary>
    public static double Recall(
        VectorSpace space, float[][] queries, int count, SearchSet[] sets, SearchStrategy strategy, ClusterTree? tree,
        ProbeTable? probes = null) => queries.Average(query =>
    {
        var truth = Exact(space, query, count, sets);
        var found = Run(space, query, count, sets, strategy, tree, out _, probes);
        Assert.Equal(truth.Length, found.Length);
        return truth.Length == 0 ? 1 : (double)truth.Intersect(found).Count() / truth.Length;
    });

    public static (int Set, int Document)[] Run(
        VectorSpace space, float[] query, int count, SearchSet[] sets, SearchStrategy strategy, ClusterTree? tree, out SearchStatistics statistics,
        ProbeTable? probes = null) =>
        First(Hits(space, query, count, sets, strategy, tree, float.PositiveInfinity, out statistics, probes), count);

    /// <summary>All that was measured and is not farther than <paramref name="limit"/>.</summary>
    public static SearchHit[] Hits(
        VectorSpace space, float[] query, int count, SearchSet[] sets, SearchStrategy strategy, ClusterTree? tree, float limit = float.PositiveInfinity) =>
        Hits(space, query, count, sets, strategy, tree, limit, out _);

    private static SearchHit[] Hits(
        VectorSpace space, float[] query, int count, SearchSet[] sets, SearchStrategy strategy, ClusterTree? tree, float limit, out SearchStatistics statistics,
        ProbeTable? probes = null)
    {
        using var scorer = space.Scorer(query);
        var part = new SearchPart
        {
            Strategy = strategy,
            FirstSet = 0,
            SetCount = sets.Length,
            Tree = tree,
            Probes = probes ?? ProbeTable.Uncalibrated,
            Codes = sets.Sum(s => s.Index.Count),
            Matches = sets.Sum(s => s.MatchCount),
        };
        var request = new SearchRequest
        {
            Query = space.ToQuery(query), Scorer = scorer, CodeScale = space.CodeScale, Count = count, Limit = limit, Sets = sets, Parts = [part],
        };
        var scratch = SearchScratchPool.Rent(space.Rotation.PaddedDimensions);
        statistics = VectorSearch.Run(request, scratch);
        var hits = scratch.Hits.Span.ToArray();
        SearchScratchPool.Return(scratch);
        return hits;
    }

    public static (int Set, int Document)[] Exact(VectorSpace space, float[] query, int count, SearchSet[] sets)
    {
        using var scorer = space.Scorer(query);
        var hits = new List<SearchHit>();
        byte* buffer = stackalloc byte[space.Dimensions * sizeof(float)];
        foreach (var set in sets)
        {
            for (int document = set.Matches.NextSet(0); document >= 0; document = set.Matches.NextSet(document + 1))
            {
                hits.Add(new SearchHit(scorer.Distance(set.Rows.Row(document, buffer)), set.Number, document));
            }
        }

        return First([.. hits], count);
    }

    private static (int Set, int Document)[] First(SearchHit[] hits, int count) =>
        [.. hits.OrderBy(h => h.Distance).ThenBy(h => h.Set).ThenBy(h => h.Document).Take(count).Select(h => (h.Set, h.Document))];
}
