using Puff.Engine.Encoding;
using Puff.Engine.Text;

namespace Puff.Engine.Queries;

/// <summary>Ranks by BM25 and by weighted sums of it, over one or more attributes, through the posting lists of a set.</summary>
internal static class TextRanking
{
    /// <summary>The BM25 clauses that an expression is a sum of, with their factors; null when it is anything else.</summary>
    public static IReadOnlyList<(Bm25ScoreNode Clause, double Factor)>? Flatten(ScoreNode expression)
    {
        var clauses = new List<(Bm25ScoreNode, double)>();
        return TryFlatten(expression, 1, clauses) ? clauses : null;
    }

    /// <summary>Offers the best documents of a set.</summary>
    public static void Search(
        QueryRun run, SetView view, ScoreNode expression, IReadOnlyList<(Bm25ScoreNode Clause, double Factor)> clauses, int count, RankedHeap heap)
    {
        var terms = Terms(view, clauses);
        if (terms.Count == 0 || view.MatchCount == 0)
        {
            return;
        }

        int[] found;
        try
        {
            found = TextSearch.Run(terms, view.Matches, view.MatchCount == view.Set.Count, count, -heap.Bound, view.Text, run.Cancellation);
        }
        catch (CorruptDataException damage)
        {
            throw clauses[0].Clause.Find(view.Set).Text.Source.Damaged(damage);
        }

        Offer(run, view, expression.Open(view, run.Cancellation), found, heap);
    }

    private static bool TryFlatten(ScoreNode node, double factor, List<(Bm25ScoreNode Clause, double Factor)> clauses)
    {
        switch (node)
        {
            case Bm25ScoreNode { Query.Prefix: null } text:
                clauses.Add((text, factor));
                return true;
            case SumScoreNode sum:
                return sum.Terms.All(t => TryFlatten(t, factor, clauses));
            case ProductScoreNode { Weight: > 0 } product:
                return TryFlatten(product.Term, factor * product.Weight, clauses);
            default:
                return false;
        }
    }

    private static List<SearchTerm> Terms(SetView view, IReadOnlyList<(Bm25ScoreNode Clause, double Factor)> clauses)
    {
        var terms = new List<SearchTerm>();
        foreach (var (clause, factor) in clauses)
        {
            var open = clause.Find(view.Set);
            TextField? field = null;
            for (int term = 0; term < open.Lists.Length; term++)
            {
                if (open.Lists[term] is { } list)
                {
                    field ??= new TextField(open.Text.Source.Index, clause.Formula);
                    terms.Add(new SearchTerm(field, list, factor * clause.Weights[term]));
                }
            }
        }

        return terms;
    }

    private static void Offer(QueryRun run, SetView view, ScoreReader reader, ReadOnlySpan<int> found, RankedHeap heap)
    {
        var scores = new double[ScoreReader.ChunkRows];
        var scored = new bool[ScoreReader.ChunkRows];
        run.RowsScanned += found.Length;
        view.Text.Scored += found.Length;
        while (found.Length > 0)
        {
            run.Cancellation.ThrowIfCancellationRequested();
            var chunk = found[..Math.Min(found.Length, ScoreReader.ChunkRows)];
            reader.Read(chunk, scores, scored);
            for (int i = 0; i < chunk.Length; i++)
            {
                if (scored[i])
                {
                    heap.Offer(-scores[i], view.Index, chunk[i]);
                }
            }

            found = found[chunk.Length..];
        }
    }
}
