using System.Diagnostics;

namespace Puff.Workloads.Vectors;

/// <summary>
/// How fast vectors are indexed and how long one waits for it. First all but the last documents as fast as they go; then the rest at a steady pace, while
/// the time from acknowledgement to being in a segment is sampled for every batch.
/// </summary>
internal static class SteadyIndexing
{
    private const int Batch = 500;

    public static async Task RunAsync(Options options, VectorSet set)
    {
        int rate = options.Number("rate", 5_000);
        int paced = Math.Min(set.Documents.Rows / 2, rate * options.Number("pace-seconds", 20));
        int bulk = set.Documents.Rows - paced;
        using var folder = options.Folder();
        await using var puff = await PuffStore.OpenAsync(folder.Path, runIndexer: true);
        await BulkAsync(set, puff, bulk);
        var lags = await PacedAsync(set, puff, bulk, paced, rate);
        Console.WriteLine(FormattableString.Invariant(
            $"lag      write to indexed p50 {Percentiles.Of(lags, 0.5):F2} s, p99 {Percentiles.Of(lags, 0.99):F2} s ")
            + $"at {rate} documents/s, {lags.Count} batches");
    }

    private static async Task BulkAsync(VectorSet set, PuffStore puff, int count)
    {
        var clock = Stopwatch.StartNew();
        await puff.WriteAsync(set, [.. Enumerable.Range(0, count).Select(i => (i, i))]);
        double acknowledged = clock.Elapsed.TotalSeconds;
        await WaitAsync(puff, count);
        double indexed = clock.Elapsed.TotalSeconds;
        await puff.SettleAsync();
        double settled = clock.Elapsed.TotalSeconds;
        Console.WriteLine(FormattableString.Invariant(
            $"indexing {count} documents: acknowledged {count / acknowledged:F0}/s, indexed {count / indexed:F0}/s, ")
            + FormattableString.Invariant($"indexed and merged {count / settled:F0}/s"));
    }

    private static async Task<List<double>> PacedAsync(VectorSet set, PuffStore puff, int first, int count, int rate)
    {
        var pending = new Queue<(long Documents, long At)>();
        var lags = new List<double>();
        bool isWriting = true;
        var watcher = Task.Run(async () =>
        {
            while (Volatile.Read(ref isWriting) || pending.Count > 0)
            {
                long indexed = await puff.IndexedAsync();
                lock (pending)
                {
                    while (pending.TryPeek(out var oldest) && oldest.Documents <= indexed)
                    {
                        lags.Add(Stopwatch.GetElapsedTime(oldest.At).TotalSeconds);
                        pending.Dequeue();
                    }
                }

                await Task.Delay(10);
            }
        });
        var clock = Stopwatch.StartNew();
        for (int done = 0; done < count; done += Batch)
        {
            int size = Math.Min(Batch, count - done);
            var documents = Enumerable.Range(first + done, size).Select(i => (i, i)).ToArray();
            await puff.WriteAsync(set, documents, size, writers: 1);
            lock (pending)
            {
                pending.Enqueue((first + done + size, Stopwatch.GetTimestamp()));
            }

            double ahead = (done + size) / (double)rate - clock.Elapsed.TotalSeconds;
            if (ahead > 0)
            {
                await Task.Delay(TimeSpan.FromSeconds(ahead));
            }
        }

        Volatile.Write(ref isWriting, false);
        await watcher;
        return lags;
    }

    private static async Task WaitAsync(PuffStore puff, long documents)
    {
        while (await puff.IndexedAsync() < documents)
        {
            await Task.Delay(10);
        }
    }
}
