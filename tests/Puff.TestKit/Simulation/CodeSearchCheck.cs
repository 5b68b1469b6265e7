using Puff.Engine.Namespaces;
using Puff.Engine.Numerics;
using Puff.Engine.Schema;
using Puff.Engine.Segments;
using Puff.Engine.Vectors;

namespace Puff.TestKit.Simulation;

/// <summary>
/// Searches all codes of a namespace, whatever their trees, and compares with the exact nearest documents. Bounds of codes hold with a probability, so a miss is
/// counted and not complained about.
/// </summary>
internal static class CodeSearchCheck
{
    private const int Wanted = 5;

    /// <returns>How many of the nearest documents were found, and how many there were to find.</returns>
    public static (int Found, int Wanted) Run(NamespaceSnapshot snapshot, int draw)
    {
        if (snapshot.Schema.Find("vec") is not { } attribute)
        {
            return default;
        }

        float[] query = [draw % 9, draw];
        using var scorer = ExactScorer.Create(ElementType.F32, query.Length, cosine: false, query);
        var sets = snapshot.Sets.Where(s => s.GetIndex(attribute) is { Count: > 0 }).Select((set, number) => SetOf(set, number, attribute))
            .OrderBy(s => s.Index.Tree?.Id ?? 0).ToArray();
        if (sets.Length == 0)
        {
            return default;
        }

        var strategy = draw % 2 == 0 ? SearchStrategy.Exhaustive : SearchStrategy.FilterFirst;
        var request = new SearchRequest
        {
            Query = query, Scorer = scorer, CodeScale = 1, Count = Wanted, Sets = sets, Parts = PartsOf(sets, strategy),
        };
        using var scratch = new SearchScratch(sets[0].Index.PaddedDimensions);
        VectorSearch.Run(request, scratch);
        float[] found = [.. scratch.Hits.Span.ToArray().Select(h => h.Distance).Order().Take(Wanted)];
        float[] nearest = [.. sets.SelectMany(s => DistancesOf(s, scorer)).Order().Take(Wanted)];
        return (found.Zip(nearest).Count(p => p.First == p.Second), nearest.Length);
    }

    private static SearchSet SetOf(DocumentSet set, int number, AttributeDefinition attribute) =>
        new(number, set.GetIndex(attribute)!, set.GetExactRows(attribute)!, set.Live, set.Live.PopCount());

    private static SearchPart[] PartsOf(SearchSet[] sets, SearchStrategy strategy)
    {
        var parts = new List<SearchPart>();
        for (int first = 0; first < sets.Length;)
        {
            int end = first + 1;
            while (end < sets.Length && sets[first].Index.Tree is { } tree && ReferenceEquals(tree, sets[end].Index.Tree))
            {
                end++;
            }

            parts.Add(new SearchPart
            {
                Strategy = strategy,
                FirstSet = first,
                SetCount = end - first,
                Tree = sets[first].Index.Tree,
                Probes = ProbeTable.Uncalibrated,
                Codes = sets[first..end].Sum(s => s.Index.Count),
                Matches = sets[first..end].Sum(s => s.MatchCount),
            });
            first = end;
        }

        return [.. parts];
    }

    private static unsafe List<float> DistancesOf(SearchSet set, ExactScorer scorer)
    {
        var distances = new List<float>();
        byte* buffer = stackalloc byte[set.Index.PaddedDimensions * sizeof(float)];
        for (int document = set.Matches.NextSet(0); document >= 0; document = set.Matches.NextSet(document + 1))
        {
            byte* row = set.Rows.Row(document, buffer);
            if (row != null)
            {
                distances.Add(scorer.Distance(row));
            }
        }

        return distances;
    }
}
