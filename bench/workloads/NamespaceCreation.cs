using System.Collections.Concurrent;
using System.Diagnostics;
using Puff.Engine;
using Puff.Engine.Namespaces;
using Puff.Engine.Queries;
using Puff.Engine.Schema;
using Puff.Engine.Storage;

namespace Puff.Workloads;

/// <summary>
/// Goal: how many namespaces a second one node creates, by their first writes, and how many it then finds again. Method: so many clients in process, each
/// with one request in flight; a memory store behind the latency model of a cloud store, or the directory store. Then another engine, which knows none of them,
/// queries each once. Every answer is checked.
/// </summary>
internal static class NamespaceCreation
{
    public static async Task RunAsync(Options options)
    {
        Machine.Print();
        using var folder = options.Folder();
        int count = options.Number("count", 10_000);
        int parallel = options.Number("parallel", 64);
        bool isModel = options.Text("store", "model") == "model";
        await using IObjectStore inner = isModel
            ? new LatencyObjectStore(new MemoryObjectStore(), LatencyModel.Typical, TimeProvider.System, new Random(1))
            : await DirectoryObjectStore.OpenAsync(folder.Path);
        var store = new CountingObjectStore(inner);
        await using (var writer = await OpenAsync(store))
        {
            await MeasureAsync("create", count, parallel, store, async i => await writer.WriteAsync(NameOf(i), new WriteRequest { Upserts = [RowOf(i)] }));
        }

        await using var reader = await OpenAsync(store);
        await MeasureAsync("query cold", count, parallel, store, i => QueryAsync(reader, i));
        await MeasureAsync("query warm", Math.Min(count, 1_000), parallel, store, i => QueryAsync(reader, count - 1 - i));
    }

    private static Task<PuffEngine> OpenAsync(IObjectStore store) =>
        PuffEngine.OpenAsync(new EngineSettings(), new EngineComponents { Store = store });

    private static async Task QueryAsync(PuffEngine engine, int number)
    {
        var query = new QueryRequest
        {
            RankBy = new OrderRank([new OrderKey("id", false)]), Limit = 5, Select = new AttributeSelection(true, null, null),
        };
        var result = await engine.QueryAsync(NameOf(number), query);
        if (result.Rows is not [var row] || row.Id.AsUInt != (ulong)number)
        {
            throw new InvalidOperationException($"namespace {NameOf(number)} does not hold what was written to it");
        }
    }

    private static async Task MeasureAsync(string what, int count, int parallel, CountingObjectStore store, Func<int, Task> request)
    {
        var samples = new ConcurrentBag<double>();
        var before = store.Snapshot();
        int next = -1;
        long clock = Stopwatch.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, parallel).Select(async _ =>
        {
            for (int i = Interlocked.Increment(ref next); i < count; i = Interlocked.Increment(ref next))
            {
                long begin = Stopwatch.GetTimestamp();
                await request(i);
                samples.Add(Stopwatch.GetElapsedTime(begin).TotalMilliseconds);
            }
        }));
        double seconds = Stopwatch.GetElapsedTime(clock).TotalSeconds;
        var sorted = samples.ToList();
        double requests = (double)store.Snapshot().Since(before).Total.Requests / count;
        Console.WriteLine($"{what,-11} {count} namespaces by {parallel} clients: {count / seconds:F0}/s, p50 {Percentiles.Of(sorted, 0.5):F1} ms, "
            + $"p99 {Percentiles.Of(sorted, 0.99):F1} ms, {requests:F2} requests each");
    }

    private static string NameOf(int number) => $"namespace-{number:D6}";

    private static DocumentRow RowOf(int number) => new(Value.UInt((ulong)number), [new("text", Value.String("some text")), new("n", Value.Int(number))]);
}
