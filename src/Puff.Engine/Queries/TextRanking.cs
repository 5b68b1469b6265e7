using Puff.Engine.Encoding;
using Puff.Engine.Text;

namespace Puff.Engine.Queries;

/// <summary>Ranks by expressions around BM25 through the posting lists of a set, as a <see cref="TextPlan"/> says.</summary>
internal static class TextRanking
{
    private const int MorePlannedRows = 16;

    /// <summary>Offers the best documents of a set.</summary>
    /// <returns>False when they cannot be told apart by their sums: every document has to be scored.</returns>
    public static bool TrySearch(QueryRun run, SetView view, ScoreNode expression, TextPlan plan, int count, RankedHeap heap)
    {
        int[] known = [];
        foreach (var sum in plan.Sums)
        {
            int[] found = Find(run, view, sum, count, plan.Saturate is null ? -heap.Bound : double.NegativeInfinity);
            if (plan.Saturate is { } saturate && !AreAllFound(run, view, saturate, found, count))
            {
                return false;
            }

            // What is among the best of two sums is offered once.
            int[] fresh = known.Length == 0 ? found : [.. found.Except(known)];
            bool areFew = plan.PrefersRows && fresh.Length <= count + ScoreReader.ChunkRows;
            var reader = areFew ? expression.OpenRows(view.Set) : expression.Open(view, run.Cancellation);
            Offer(run, view, reader, fresh, heap);
            known = known.Length == 0 ? found : [.. known, .. fresh];
        }

        return true;
    }

    private static int[] Find(QueryRun run, SetView view, TextSum sum, int count, double least)
    {
        if (view.MatchCount == 0)
        {
            return [];
        }

        var filters = sum.Filters.ConvertAll(f => new SearchBits(f.Filter.Matches(view, run.Cancellation), f.Factor));
        try
        {
            AddedScores? added = sum.Others.Count == 0 ? null : new OtherScores(sum, view, run.Cancellation);
            var lists = new TextLists(Terms(view, sum), [.. filters, .. Prefixes(view, sum)], added);
            return TextSearch.Run(lists, view.Matches, view.MatchCount == view.Set.Count, count, least, view.Text, run.Cancellation);
        }
        catch (CorruptDataException damage) when (sum.Clauses.Count > 0)
        {
            throw sum.Clauses[0].Clause.Find(view.Set).Text.Source.Damaged(damage);
        }
        finally
        {
            filters.ForEach(f => BitSetPool.Return(f.Documents));
        }
    }

    /// <summary>
    /// Whether no document that was not found may be saturated to the same number as the last one wanted, where ids would decide. Those found include all whose
    /// sum is nearly the last one's.
    /// </summary>
    private static bool AreAllFound(QueryRun run, SetView view, SaturateScoreNode saturate, int[] found, int count)
    {
        if (found.Length < count)
        {
            return true;
        }

        var sums = new List<double>(found.Length);
        Read(run, saturate.Term.Open(view, run.Cancellation), found, (_, score) => sums.Add(score));
        sums.Sort();
        double last = sums.Count < count ? 0 : sums[^count];
        return last <= 0 ? sums.Count < count : saturate.Of(last * (1 - 1e-9)) < saturate.Of(last);
    }

    private static List<SearchTerm> Terms(SetView view, TextSum sum)
    {
        var terms = new List<SearchTerm>();
        foreach (var (clause, factor) in sum.Clauses)
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

    private static IEnumerable<SearchBits> Prefixes(SetView view, TextSum sum)
    {
        foreach (var (clause, factor) in sum.Clauses)
        {
            if (clause.Find(view.Set).Prefix is { } prefix)
            {
                yield return new SearchBits(prefix, factor);
            }
        }
    }

    private static void Offer(QueryRun run, SetView view, ScoreReader reader, int[] found, RankedHeap heap)
    {
        PlanRows(run, view, found);
        run.RowsScanned += found.Length;
        view.Text.Scored += found.Length;
        Read(run, reader, found, (document, score) => heap.Offer(ScoreOrder.KeyOf(score), view.Index, document));
    }

    /// <summary>What the answer carries of the documents found, if they are few: most will be in it, and their ids decide between equal scores.</summary>
    private static void PlanRows(QueryRun run, SetView view, int[] found)
    {
        if (run.Reads is { } reads && found.Length <= (2 * (run.Query.Offset + run.Query.Limit)) + MorePlannedRows)
        {
            foreach (int document in found)
            {
                run.PlanRow(view.Index, document, isKnown: false);
            }

            reads.Run();
        }
    }

    private static void Read(QueryRun run, ScoreReader reader, ReadOnlySpan<int> found, Action<int, double> take)
    {
        var scores = new double[ScoreReader.ChunkRows];
        var scored = new bool[ScoreReader.ChunkRows];
        while (found.Length > 0)
        {
            run.Cancellation.ThrowIfCancellationRequested();
            var chunk = found[..Math.Min(found.Length, ScoreReader.ChunkRows)];
            reader.Read(chunk, scores, scored);
            for (int i = 0; i < chunk.Length; i++)
            {
                if (scored[i])
                {
                    take(chunk[i], scores[i]);
                }
            }

            found = found[chunk.Length..];
        }
    }

    /// <summary>The parts of a sum that are computed.</summary>
    private sealed class OtherScores(TextSum sum, SetView view, CancellationToken cancellation) : AddedScores
    {
        private readonly (ScoreReader Reader, double Factor)[] readers = [.. sum.Others.Select(o => (o.Node.Open(view, cancellation), o.Factor))];
        private readonly double[] scores = new double[ScoreReader.ChunkRows];
        private readonly bool[] scored = new bool[ScoreReader.ChunkRows];

        public override double Largest { get; } = sum.LargestOfOthers;

        public override double LargestIn(int first, int end)
        {
            double largest = 0;
            for (int i = 0; i < readers.Length; i++)
            {
                largest += readers[i].Factor * Math.Clamp(readers[i].Reader.LargestIn(first, end), 0, sum.Others[i].Node.LargestScore);
            }

            return largest;
        }

        public override void Add(ReadOnlySpan<int> documents, Span<float> sums)
        {
            for (int from = 0; from < documents.Length; from += ScoreReader.ChunkRows)
            {
                var chunk = documents.Slice(from, Math.Min(documents.Length - from, ScoreReader.ChunkRows));
                foreach (var (reader, factor) in readers)
                {
                    reader.Read(chunk, scores, scored);
                    for (int i = 0; i < chunk.Length; i++)
                    {
                        sums[from + i] += scored[i] && scores[i] > 0 ? (float)(factor * scores[i]) : 0;
                    }
                }
            }
        }
    }
}
