namespace Puff.Workloads.Vectors;

/// <summary>Answers and latencies of queries run one after the other; recall is counted afterwards, so that counting disturbs nothing.</summary>
internal sealed class QuerySamples
{
    private readonly List<int[]> answers = [];
    private readonly List<double> milliseconds = [];
    private readonly List<double> scanned = [];

    /// <summary>The query that took longest.</summary>
    public int Slowest => milliseconds.IndexOf(milliseconds.Max());

    /// <param name="answer">Document numbers, nearest first. Answers come in the order of the queries.</param>
    /// <param name="latency">Time it took.</param>
    /// <param name="scannedShare">Share of the documents that something was compared with; null when unknown.</param>
    public void Add(int[] answer, TimeSpan latency, double? scannedShare = null)
    {
        answers.Add(answer);
        milliseconds.Add(latency.TotalMilliseconds);
        if (scannedShare is { } share)
        {
            scanned.Add(share);
        }
    }

    public RecallPoint Summarize(string setting, VectorSet set, GroundTruth truth, int k, ProcessMemory memory)
    {
        var recall = new RecallCount(set, truth, k);
        for (int query = 0; query < answers.Count; query++)
        {
            recall.Add(query, answers[query]);
        }

        return new RecallPoint(
            setting, truth.Selectivity.Name, recall.Recall,
            1000 / milliseconds.Average(), Percentiles.Of(milliseconds, 0.5), Percentiles.Of(milliseconds, 0.99),
            scanned.Count == 0 ? null : scanned.Average(), memory.Resident, memory.Anonymous, memory.Managed);
    }
}
