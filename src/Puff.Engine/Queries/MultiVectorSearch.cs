using Puff.Engine.Vectors;

namespace Puff.Engine.Queries;

/// <summary>
/// Approximate late interaction over segments with codes of their token vectors: the codes choose candidates among the matching documents, exact distances
/// rank them. When few documents match, they are all candidates.
/// </summary>
internal static class MultiVectorSearch
{
    private const int CandidatesForEach = 10;
    private const int FewestCandidates = 256;

    /// <param name="run">The query.</param>
    /// <param name="query">Its vectors.</param>
    /// <param name="sets">Sets with codes, in ascending order of their numbers.</param>
    /// <param name="heap">Collects results.</param>
    /// <param name="count">Rows wanted.</param>
    public static void Run(QueryRun run, MultiVectorQuery query, List<LateInteractionSet> sets, RankedHeap heap, int count)
    {
        int wanted = (int)Math.Min(int.MaxValue, Math.Max(FewestCandidates, (long)CandidatesForEach * count));
        long matching = sets.Sum(s => (long)run.Views[s.Number].MatchCount);
        if (matching <= wanted)
        {
            PlanValues(run, query, sets.SelectMany(s => Matching(run.Views[s.Number])));
            foreach (var set in sets)
            {
                query.Scan(run, run.Views[set.Number], heap);
                run.RowsScanned += run.Views[set.Number].MatchCount;
            }

            return;
        }

        var found = LateInteractionSearch.Run(query.Vectors, query.Attribute.Type.Dimensions, sets, wanted, matching, run.Reads, run.Cancellation);
        PlanValues(run, query, found.Candidates.Select(c => (c.Set, c.Document)));
        foreach (var candidate in found.Candidates)
        {
            query.Offer(run, run.Views[candidate.Set], candidate.Document, heap);
        }

        long tokens = sets.Sum(s => (long)s.Codes.Count);
        run.LateInteraction = new LateInteractionReport(sets.Count, tokens, query.Vectors.Length / query.Attribute.Type.Dimensions, found);
    }

    private static IEnumerable<(int Set, int Document)> Matching(SetView view)
    {
        for (int document = view.Matches.NextSet(0); document >= 0; document = view.Matches.NextSet(document + 1))
        {
            yield return (view.Index, document);
        }
    }

    /// <summary>Brings the vectors of documents that are going to be compared exactly: their rows' places, then the rows that were not near those.</summary>
    private static void PlanValues(QueryRun run, MultiVectorQuery query, IEnumerable<(int Set, int Document)> documents)
    {
        if (run.Reads is not { } reads)
        {
            return;
        }

        var all = documents.ToList();
        for (int round = 0; round < 2; round++)
        {
            all.ForEach(d => run.Snapshot.Sets[d.Set].PlanRow(d.Document, [query.Attribute], reads, isKnown: round > 0));
            reads.Run();
        }
    }
}

/// <summary>How late interaction was searched, for the plan in words.</summary>
/// <param name="Segments">Searched by codes.</param>
/// <param name="Tokens">Token vectors with codes in them.</param>
/// <param name="QueryVectors">Vectors of the query.</param>
/// <param name="Result">What the first stage did.</param>
internal sealed record LateInteractionReport(int Segments, long Tokens, int QueryVectors, LateInteractionResult Result);
