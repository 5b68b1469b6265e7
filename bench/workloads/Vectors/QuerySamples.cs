namespace Puff.Workloads.Vectors;

/// <summary>
/// Answers and latencies of queries run one after the other; recall is counted afterwards, so that counting disturbs nothing. Of a query that was asked several
/// times the median counts.
/// </summary>
internal sealed class QuerySamples
{
    private readonly List<int[]> answers = [];
    private readonly List<List<double>> latencies = [];
    private readonly List<double> scanned = [];

    /// <summary>The query that took longest.</summary>
    public int Slowest
    {
        get
        {
            var medians = Medians();
            return medians.IndexOf(medians.Max());
        }
    }

    /// <param name="answer">Document numbers, nearest first. Answers come in the order of the queries.</param>
    /// <param name="latency">Time it took.</param>
    /// <param name="scannedShare">Share of the documents that something was compared with; null when unknown.</param>
    public void Add(int[] answer, TimeSpan latency, double? scannedShare = null)
    {
        answers.Add(answer);
        latencies.Add([latency.TotalMilliseconds]);
        if (scannedShare is { } share)
        {
            scanned.Add(share);
        }
    }

    /// <summary>The same query asked once more.</summary>
    public void AddRepeat(int query, TimeSpan latency) => latencies[query].Add(latency.TotalMilliseconds);

    public RecallPoint Summarize(string setting, VectorSet set, GroundTruth truth, int k, ProcessMemory memory)
    {
        var recall = new RecallCount(set, truth, k);
        for (int query = 0; query < answers.Count; query++)
        {
            recall.Add(query, answers[query]);
        }

        var milliseconds = Medians();
        return new RecallPoint(
            setting, truth.Selectivity.Name, recall.Recall,
            1000 / milliseconds.Average(), Percentiles.Of(milliseconds, 0.5), Percentiles.Of(milliseconds, 0.99),
            scanned.Count == 0 ? null : scanned.Average(), memory.Resident, memory.Anonymous, memory.Managed);
    }

    private List<double> Medians() => [.. latencies.Select(repeats => Percentiles.Of([.. repeats], 0.5))];
}
