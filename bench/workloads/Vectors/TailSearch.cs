using System.Diagnostics;
using Puff.Engine.Queries;

namespace Puff.Workloads.Vectors;

/// <summary>
/// Strong queries while many documents wait in the log's tail: the first half of a set is indexed and merged, of the rest so many are written to a process that
/// does not index.
/// </summary>
internal static class TailSearch
{
    public static async Task RunAsync(Options options, VectorSet set)
    {
        int tail = Math.Min(options.Number("tail", 50_000), set.Documents.Rows / 2);
        int k = options.Number("k", 10);
        int indexed = set.Documents.Rows - tail;
        using var folder = options.Folder();
        await using (var indexer = await PuffStore.OpenAsync(folder.Path, runIndexer: true))
        {
            await indexer.WriteAsync(set, [.. Enumerable.Range(0, indexed).Select(i => (i, i))]);
            await indexer.SettleAsync();
        }

        await using var puff = await PuffStore.OpenAsync(folder.Path, runIndexer: false);
        await puff.WriteAsync(set, [.. Enumerable.Range(indexed, tail).Select(i => (i, i))]);
        var truth = GroundTruth.OfAll(set).First(t => t.Selectivity.IsUnfiltered);
        for (int round = 0; round < 2; round++)
        {
            var samples = new QuerySamples();
            for (int query = 0; query < set.Queries.Rows; query++)
            {
                long start = Stopwatch.GetTimestamp();
                var result = await puff.QueryAsync(set, query, k, Selectivity.All[0], Consistency.Strong);
                samples.Add(PuffStore.IdsOf(result), Stopwatch.GetElapsedTime(start), PuffStore.ScannedShareOf(result));
            }

            var point = samples.Summarize("tail", set, truth, k, ProcessMemory.OfThis());
            Console.WriteLine(FormattableString.Invariant(
                $"tail     {indexed} documents indexed, {tail} in the tail, {(round == 0 ? "first" : "second")} round: recall@{k} {point.Recall:F4}, ")
                + FormattableString.Invariant($"p50 {point.P50:F3} ms, p99 {point.P99:F3} ms, scanned {point.Scanned * 100:F2} %"));
        }
    }
}
