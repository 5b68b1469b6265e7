using System.Diagnostics;
using Puff.Engine.Queries;

namespace Puff.Workloads.Vectors;

/// <summary>
/// Recall while documents change. The namespace begins with the first 87 % of the vectors; in ten rounds half of the churn gives documents new vectors from the
/// rest and half deletes documents. True neighbours are found anew for what is left.
/// </summary>
internal sealed class Churn
{
    private const int Rounds = 10;

    /// <summary>Bucket of a row that is in no document.</summary>
    private const int Absent = 1000;

    private readonly VectorSet set;
    private readonly PuffStore puff;
    private readonly int k;
    private readonly int[] rowOf;
    private readonly int[] buckets;

    private Churn(VectorSet set, PuffStore puff, int initial, int k)
    {
        this.set = set;
        this.puff = puff;
        this.k = k;
        rowOf = [.. Enumerable.Range(0, initial)];
        buckets = new int[set.Documents.Rows];
        Array.Fill(buckets, Absent, initial, buckets.Length - initial);
    }

    public static async Task RunAsync(Options options, VectorSet set)
    {
        double share = options.Number("churn", 30) / 100.0;
        int initial = (int)(set.Documents.Rows / (1 + share / 2));
        using var folder = options.Folder();
        await using var puff = await PuffStore.OpenAsync(folder.Path, runIndexer: true);
        await puff.WriteAsync(set, [.. Enumerable.Range(0, initial).Select(i => (i, i))]);
        await puff.SettleAsync();
        var churn = new Churn(set, puff, initial, options.Number("k", 10));
        await churn.PrintAsync("before");
        int updates = (int)(initial * share / 2);
        int deletions = Math.Min(updates, initial - updates);
        int[] victims = Shuffled(initial, (ulong)options.Number("seed", 1));
        var clock = Stopwatch.StartNew();
        for (int round = 0; round < Rounds; round++)
        {
            await churn.UpdateAsync(victims.AsMemory(0, updates), initial, Part(updates, round), Part(updates, round + 1));
            await churn.DeleteAsync(victims[(updates + Part(deletions, round))..(updates + Part(deletions, round + 1))]);
            if (round % 3 == 2)
            {
                await churn.PrintAsync($"round {round + 1}");
            }
        }

        double written = clock.Elapsed.TotalSeconds;
        await puff.SettleAsync();
        await churn.PrintAsync("after, settled");
        Console.WriteLine($"churn    {updates} updates and {deletions} deletions written in {written:F1} s, settled after {clock.Elapsed.TotalSeconds:F1} s");
    }

    private static int Part(int total, int round) => (int)((long)total * round / Rounds);

    private async Task UpdateAsync(ReadOnlyMemory<int> ids, int firstRow, int first, int end)
    {
        var documents = new List<(int Id, int Row)>();
        for (int i = first; i < end; i++)
        {
            int id = ids.Span[i];
            documents.Add((id, firstRow + i));
            buckets[rowOf[id]] = Absent;
            rowOf[id] = firstRow + i;
            buckets[firstRow + i] = 0;
        }

        await puff.WriteAsync(set, documents);
    }

    private async Task DeleteAsync(int[] ids)
    {
        foreach (int id in ids)
        {
            buckets[rowOf[id]] = Absent;
        }

        await puff.DeleteAsync(ids);
    }

    private async Task PrintAsync(string moment)
    {
        var truth = BruteForce.Find(set, buckets, [new Selectivity(Absent)])[0];
        var samples = new QuerySamples();
        for (int query = 0; query < set.Queries.Rows; query++)
        {
            long start = Stopwatch.GetTimestamp();
            var result = await puff.QueryAsync(set, query, k, Selectivity.All[0], Consistency.Strong);
            var latency = Stopwatch.GetElapsedTime(start);
            int[] rows = Array.ConvertAll(PuffStore.IdsOf(result), id => rowOf[id]);
            samples.Add(rows, latency, PuffStore.ScannedShareOf(result));
        }

        var point = samples.Summarize(moment, set, truth, k, ProcessMemory.OfThis());
        Console.WriteLine(FormattableString.Invariant(
            $"{moment,-16} {truth.MatchCount} documents: recall@{k} {point.Recall:F4}, p50 {point.P50:F3} ms, p99 {point.P99:F3} ms, ")
            + FormattableString.Invariant($"scanned {point.Scanned * 100:F2} %"));
    }

    private static int[] Shuffled(int count, ulong seed)
    {
        int[] order = [.. Enumerable.Range(0, count)];
        var bits = new SeededBits(seed);
        for (int i = count - 1; i > 0; i--)
        {
            int j = (int)(bits.Next() % (ulong)(i + 1));
            (order[i], order[j]) = (order[j], order[i]);
        }

        return order;
    }
}
