using System.Diagnostics;
using Puff.Engine;
using Puff.Engine.Namespaces;
using Puff.Engine.Queries;
using Puff.Engine.Schema;
using Puff.Engine.Storage;

namespace Puff.Workloads;

/// <summary>
/// Goal: what ten thousand namespaces cost a process that has written and queried them all and now idles. Method: one engine on the directory store; memory
/// before
/// and after, without file pages, after a full collection.
/// </summary>
internal static class IdleNamespaces
{
    public static async Task RunAsync(Options options)
    {
        Machine.Print();
        using var folder = options.Folder();
        int count = options.Number("namespaces", 10_000);
        await using var store = await DirectoryObjectStore.OpenAsync(folder.Path, new DirectoryStoreOptions { Durable = false });
        await using var engine = await PuffEngine.OpenAsync(new EngineSettings(), new EngineComponents { Store = store });
        await TouchAsync(engine, "warm-up");
        long before = Settle();
        long clock = Stopwatch.GetTimestamp();
        for (int i = 0; i < count; i++)
        {
            await TouchAsync(engine, $"namespace-{i:D6}");
        }

        double seconds = Stopwatch.GetElapsedTime(clock).TotalSeconds;
        long after = Settle();
        Console.WriteLine($"idle     {count} namespaces, each written and queried once: {(after - before) >> 20} MiB more than before "
            + $"({(after - before) / count} bytes each); process without file pages {after >> 20} MiB, {count / seconds:F0} namespaces/s");
    }

    private static async Task TouchAsync(PuffEngine engine, string name)
    {
        var rows = Enumerable.Range(0, 10).Select(
            i => new DocumentRow(Value.Int(i), [new("text", Value.String("some text")), new("n", Value.Int(i))])).ToArray();
        await engine.WriteAsync(name, new WriteRequest { Upserts = rows });
        await engine.QueryAsync(name, new QueryRequest { RankBy = new OrderRank([new OrderKey("id", false)]), Limit = 5 });
    }

    private static long Settle()
    {
        GC.Collect(2, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        GC.WaitForPendingFinalizers();
        GC.Collect(2, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        return ProcessMemory.OfThis().Anonymous;
    }
}
