namespace Puff.Engine.Queries;

/// <summary>Ranks documents by a score expression, highest first; documents it does not score are left out. The expression is prepared.</summary>
internal static class ScoreOrder
{
    public static RankedDocument[] Run(QueryRun run, BoundScore rank, int count)
    {
        var heap = new RankedHeap(run, count);
        var plan = TextPlan.Create(rank.Expression);
        foreach (var view in run.Views)
        {
            if ((plan is null || !TextRanking.TrySearch(run, view, rank.Expression, plan, count, heap))
                && (rank.Expression is not SparseScoreNode sparse || !sparse.TrySearch(run, view, count, heap)))
            {
                Scan(run, view, rank.Expression.Open(view, run.Cancellation), heap);
            }
        }

        // Documents with nothing but an attribute's 0 come last: lists and bounds do not find them.
        return plan is { ScoresOthers: true } && !heap.IsFull ? ScanAll(run, rank.Expression, count) : heap.DrainSorted();
    }

    private static RankedDocument[] ScanAll(QueryRun run, ScoreNode expression, int count)
    {
        var heap = new RankedHeap(run, count);
        foreach (var view in run.Views)
        {
            Scan(run, view, expression.Open(view, run.Cancellation), heap);
        }

        return heap.DrainSorted();
    }

    private static void Scan(QueryRun run, SetView view, ScoreReader reader, RankedHeap heap)
    {
        var documents = new int[ScoreReader.ChunkRows];
        var scores = new double[ScoreReader.ChunkRows];
        var scored = new bool[ScoreReader.ChunkRows];
        int document = view.Matches.NextSet(0);
        while (document >= 0)
        {
            run.Cancellation.ThrowIfCancellationRequested();
            int length = 0;
            for (; document >= 0 && length < documents.Length; document = view.Matches.NextSet(document + 1))
            {
                documents[length++] = document;
            }

            run.RowsScanned += length;
            reader.Read(documents.AsSpan(0, length), scores, scored);
            for (int i = 0; i < length; i++)
            {
                if (scored[i])
                {
                    heap.Offer(KeyOf(scores[i]), view.Index, documents[i]);
                }
            }
        }
    }

    /// <summary>Smaller keys rank first; a score that is no number ranks as 0.</summary>
    public static double KeyOf(double score) => double.IsNaN(score) ? 0 : -score;
}
