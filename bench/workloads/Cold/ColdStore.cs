using Puff.Engine;
using Puff.Engine.Namespaces;
using Puff.Engine.Storage;

namespace Puff.Workloads.Cold;

/// <summary>
/// A directory store as if it were far away: nothing is mapped, requests take what <see cref="LatencyModel.Typical"/> says, and are counted. Every query gets a
/// fresh engine with nothing in memory, on a node that has asked the store before: how long requests usually take is known, as hedging wants it.
/// </summary>
internal sealed class ColdStore(string folder, string name) : IAsyncDisposable
{
    private readonly Dictionary<LatencyModel, (CountingObjectStore Counting, ExtentObjectStore Store)> nodes = [];

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
        var (counting, store) = await NodeAsync(model ?? NoLatency);
        var before = counting.Snapshot();
        await using var engine = await PuffEngine.OpenAsync(new EngineSettings { RunIndexer = false }, new EngineComponents { Store = store });
        long start = System.Diagnostics.Stopwatch.GetTimestamp();
        var answer = await ask(engine);
        var elapsed = System.Diagnostics.Stopwatch.GetElapsedTime(start);
        return new ColdSample<T>(answer, elapsed.TotalMilliseconds, counting.Snapshot().Since(before).Total);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var (_, store) in nodes.Values)
        {
            await store.DisposeAsync();
        }
    }

    private static LatencyModel NoLatency { get; } = LatencyModel.Typical with { Get = new((0, 0), (1, 0)), Put = new((0, 0), (1, 0)), BytesPerSecond = 1e12 };

    private async Task<(CountingObjectStore Counting, ExtentObjectStore Store)> NodeAsync(LatencyModel model)
    {
        if (!nodes.TryGetValue(model, out var node))
        {
            IObjectStore remote = new Unmapped(await DirectoryObjectStore.OpenAsync(folder));
            remote = ReferenceEquals(model, NoLatency) ? remote : new LatencyObjectStore(remote, model, TimeProvider.System, new Random(1));
            var counting = new CountingObjectStore(remote);
            nodes.Add(model, node = (counting, new ExtentObjectStore(counting, new ExtentStoreOptions())));
        }

        return node;
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
