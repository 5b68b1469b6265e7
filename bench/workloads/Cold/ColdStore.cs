using Puff.Engine;
using Puff.Engine.Namespaces;
using Puff.Engine.Storage;

namespace Puff.Workloads.Cold;

/// <summary>
/// A directory store as if it were far away: nothing is mapped, requests take what <see cref="LatencyModel.Typical"/> says, and are counted. Every query gets a
/// fresh engine with nothing in memory.
/// </summary>
internal sealed class ColdStore(string folder, string name)
{
    private int runs;

    /// <summary>Makes the opening object, as an indexer does on a store that maps nothing. Returns its length.</summary>
    public async Task<long> PrepareAsync()
    {
        await using var store = new ExtentObjectStore(new Unmapped(await DirectoryObjectStore.OpenAsync(folder)), new ExtentStoreOptions());
        var context = new EngineContext(new EngineSettings { RunIndexer = false }, new EngineComponents { Store = store });
        var keys = context.KeysOf(name);
        var current = await new ManifestStore(context, keys).ReadAsync(null, CancellationToken.None);
        return await new OpeningWriter(store).WriteAsync(keys, current!.Manifest, CancellationToken.None);
    }

    /// <summary>One cold query.</summary>
    /// <param name="model">Null for no latency.</param>
    /// <param name="ask">The query.</param>
    public async Task<ColdSample<T>> AskAsync<T>(LatencyModel? model, Func<PuffEngine, Task<T>> ask)
    {
        IObjectStore remote = new Unmapped(await DirectoryObjectStore.OpenAsync(folder));
        if (model is not null)
        {
            remote = new LatencyObjectStore(remote, model, TimeProvider.System, new Random(runs++));
        }

        var counting = new CountingObjectStore(remote);
        await using var store = new ExtentObjectStore(counting, new ExtentStoreOptions());
        await using var engine = await PuffEngine.OpenAsync(new EngineSettings { RunIndexer = false }, new EngineComponents { Store = store });
        long start = System.Diagnostics.Stopwatch.GetTimestamp();
        var answer = await ask(engine);
        var elapsed = System.Diagnostics.Stopwatch.GetElapsedTime(start);
        return new ColdSample<T>(answer, elapsed.TotalMilliseconds, counting.Snapshot().Total);
    }

    private sealed class Unmapped(IObjectStore inner) : DelegatingObjectStore(inner)
    {
        public override StoreCapabilities Capabilities => Inner.Capabilities with { SupportsMapping = false };
    }
}

/// <param name="Answer">What the query gave.</param>
/// <param name="Milliseconds">From asking to the answer.</param>
/// <param name="Requests">All that the store was asked, what nobody waited for too.</param>
internal sealed record ColdSample<T>(T Answer, double Milliseconds, StoreCount Requests);
