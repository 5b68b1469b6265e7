using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using Puff.Engine;
using Puff.Engine.Namespaces;
using Puff.Engine.Queries;
using Puff.Engine.Schema;
using Puff.Engine.Storage;

namespace Puff.Workloads.Cold;

/// <summary>
/// Goal: how long a commit takes on a cloud store, and what a million writes and queries cost there. Method: one node that indexes, in front of a store in
/// memory with the latencies of <see cref="LatencyModel.Typical"/>; commits of 512 KB one after the other, then warm strong queries; the requests are counted,
/// those of indexing included, and multiplied with a large provider's list prices.
/// </summary>
internal static class CloudBill
{
    /// <summary>Dollars a request, standard storage class: PUT, COPY, LIST; GET. Deletes are free.</summary>
    private const double WritePrice = 5.0e-6;
    private const double ReadPrice = 0.4e-6;

    private const int DocumentBytes = 2_048;
    private const int Documents = 256;

    public static async Task RunAsync(Options options)
    {
        Machine.Print();
        int commits = options.Number("commits", 300);
        int queries = options.Number("queries", 1_000);
        var log = new LogPuts(new LatencyObjectStore(new Remote(), LatencyModel.Typical, TimeProvider.System, new Random(1)));
        var counting = new CountingObjectStore(log);
        await using var store = new ExtentObjectStore(counting, new ExtentStoreOptions());
        await using var engine = await PuffEngine.OpenAsync(new EngineSettings(), new EngineComponents { Store = store });
        await engine.WriteAsync("docs", Commit(0));
        log.Times.Clear();
        await MeasureAsync("commit of 512 KB", commits, counting, i => engine.WriteAsync("docs", Commit(i + 1)), () => WhenQuietAsync(counting));
        List<double> puts = [.. log.Times];
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"         the store's part, PUTs of the log: p50 {Percentiles.Of(puts, 0.5):F0} ms, p99 {Percentiles.Of(puts, 0.99):F0} ms, {puts.Count} in all"));
        var request = new QueryRequest { RankBy = new OrderRank([new OrderKey("n", true)]), Limit = 10 };
        await engine.QueryAsync("docs", request);
        await MeasureAsync("warm strong query", queries, counting, _ => engine.QueryAsync("docs", request), () => Task.CompletedTask);
    }

    /// <summary>Until the store has been left alone for longer than an idle namespace waits to be merged.</summary>
    private static async Task WhenQuietAsync(CountingObjectStore counting)
    {
        long known = -1;
        for (int quiet = 0; quiet < 13; quiet++)
        {
            await Task.Delay(1_000);
            long now = counting.Snapshot().Total.Requests;
            quiet = now == known ? quiet : 0;
            known = now;
        }
    }

    private static async Task MeasureAsync(string what, int count, CountingObjectStore counting, Func<int, Task> act, Func<Task> settle)
    {
        var before = counting.Snapshot();
        var times = new List<double>(count);
        for (int i = 0; i < count; i++)
        {
            long start = Stopwatch.GetTimestamp();
            await act(i);
            times.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
        }

        await settle();
        var counts = counting.Snapshot().Since(before);
        StoreOperation[] dear = [StoreOperation.Put, StoreOperation.Write, StoreOperation.Copy, StoreOperation.List];
        StoreOperation[] cheap = [StoreOperation.Get, StoreOperation.Head, StoreOperation.Map];
        double writes = dear.Sum(o => (double)counts.Of(o).Requests) / count;
        double reads = cheap.Sum(o => (double)counts.Of(o).Requests) / count;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{what}: p50 {Percentiles.Of(times, 0.5):F0} ms, p99 {Percentiles.Of(times, 0.99):F0} ms; requests each: {writes:F2} at the price of a PUT, "
            + $"{reads:F2} at that of a GET; {(writes * WritePrice + reads * ReadPrice) * 1e6:F2} dollars a million"));
        foreach (var purpose in Enum.GetValues<StorePurpose>())
        {
            var of = counts.Of(purpose);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"         {purpose}: {(double)of.Requests / count:F3} requests each"));
        }
    }

    private static WriteRequest Commit(int number) => new()
    {
        Upserts =
        [
            .. Enumerable.Range(0, Documents).Select(i => new DocumentRow(
                Value.Int((number * Documents) + i), [new("text", Value.String(new string((char)('a' + (i % 26)), DocumentBytes))), new("n", Value.Int(i))])),
        ],
        Schema = new SchemaUpdate([new AttributeUpdate("text") { Type = "string", Filterable = false }]),
    };

    /// <summary>How long the PUTs of log entries take.</summary>
    private sealed class LogPuts(IObjectStore inner) : DelegatingObjectStore(inner)
    {
        public ConcurrentQueue<double> Times { get; } = new();

        public override async ValueTask<PutResult> PutAsync(
            string key, ReadOnlyMemory<byte> content, PutCondition condition, StorePurpose purpose, CancellationToken cancellation)
        {
            long start = Stopwatch.GetTimestamp();
            var result = await Inner.PutAsync(key, content, condition, purpose, cancellation);
            if (purpose == StorePurpose.Wal)
            {
                Times.Enqueue(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            }

            return result;
        }
    }

    private sealed class Remote() : DelegatingObjectStore(new MemoryObjectStore())
    {
        public override StoreCapabilities Capabilities => Inner.Capabilities with { SupportsMapping = false };
    }
}
