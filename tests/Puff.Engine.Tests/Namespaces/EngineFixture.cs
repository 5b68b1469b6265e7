using Puff.Engine.Filters;
using Puff.Engine.Indexing;
using Puff.Engine.Namespaces;
using Puff.Engine.Queries;
using Puff.Engine.Schema;
using Puff.Engine.Storage;

namespace Puff.Engine.Tests.Namespaces;

/// <summary>An engine on a memory store whose background work runs only when a test asks for it.</summary>
internal sealed class EngineFixture : IAsyncDisposable
{
    private readonly List<PuffEngine> engines = [];
    private MemoryObjectStore? memory;
    private int nodes;

    public MemoryObjectStore Memory => memory ??= new MemoryObjectStore(Time);

    public IObjectStore Store => Memory;

    /// <summary>What the engines logged.</summary>
    public LogLines Log { get; } = new();

    public EngineSettings Settings { get; set; } = new() { RunIndexer = false };

    public TimeProvider Time { get; set; } = TimeProvider.System;

    /// <summary>Makes the chance of all nodes repeatable; null for ids of their own in every run.</summary>
    public int? Seed { get; set; }

    /// <summary>Another node on the same store, seen perhaps through a store that counts or fails.</summary>
    public async Task<PuffEngine> OpenAsync(IObjectStore? store = null)
    {
        var engine = await PuffEngine.OpenAsync(Settings, Components(store));
        engines.Add(engine);
        return engine;
    }

    /// <summary>The parts that background work is made of, on an identity of their own.</summary>
    public EngineContext NewContext(IObjectStore? store = null) => new(Settings, Components(store));

    /// <summary>A namespace without an engine around it, for tests of its parts. The caller closes it.</summary>
    public Namespace OpenNamespace(string name, IObjectStore? store = null) => new(NewContext(store), name, new SilentObserver());

    /// <summary>Turns the tail of a namespace into a segment, as another node's indexer would.</summary>
    public Task<bool> FlushAsync(string name) => BackgroundAsync(name, (context, target) => new Flusher(context).FlushAsync(target, default));

    /// <summary>Merges as long as the policy finds something.</summary>
    public Task<int> MergeAsync(string name) => BackgroundAsync(name, async (context, target) =>
    {
        int merges = 0;
        while (await new Merger(context).MergeAsync(target, isIdle: false, default))
        {
            merges++;
        }

        return merges;
    });

    /// <summary>One turn of the collector; how many objects it deleted.</summary>
    public Task<int> CollectAsync(string name) => BackgroundAsync(name, (context, target) => new Collector(context).CollectAsync(target, default));

    /// <summary>Every key under a prefix, in order.</summary>
    public async Task<List<string>> KeysAsync(string prefix)
    {
        var keys = new List<string>();
        await foreach (var item in ObjectListing.ListAsync(Store, prefix, StorePurpose.User, default))
        {
            keys.Add(item.Key);
        }

        return keys;
    }

    private EngineComponents Components(IObjectStore? store)
    {
        var components = new EngineComponents { Store = store ?? Store, Time = Time, Logging = Log };
        return Seed is { } seed ? components with { Random = new Random(seed * 1_000 + nodes++) } : components;
    }

    private async Task<T> BackgroundAsync<T>(string name, Func<EngineContext, Namespace, Task<T>> work)
    {
        var target = OpenNamespace(name);
        try
        {
            await target.FreshenAsync();
            return await work(NewContext(), target);
        }
        finally
        {
            target.Close();
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var engine in engines)
        {
            await engine.DisposeAsync();
        }

        Log.Dispose();
    }

    public static DocumentRow Row(ulong id, params (string Name, Value Value)[] attributes) =>
        new(Value.UInt(id), attributes.Select(a => KeyValuePair.Create(a.Name, a.Value)).ToArray());

    public static WriteRequest Upsert(params DocumentRow[] rows) => new() { Upserts = rows };

    public static async Task<ulong[]> IdsAsync(PuffEngine engine, string name, Filter? filter = null, Consistency consistency = Consistency.Strong)
    {
        var result = await engine.QueryAsync(
            name, new QueryRequest { RankBy = new OrderRank([new OrderKey("id", false)]), Limit = 10_000, Filters = filter }, consistency);
        return result.Rows!.Select(r => r.Id.AsUInt).ToArray();
    }

    /// <summary>Ids as a sequence: spans do not survive an await.</summary>
    public static IEnumerable<ulong> Ids(params ulong[] ids) => ids;

    public static Filter Eq(string attribute, Value value) => new AttributeFilter(attribute, FilterOperator.Eq, value);
}

/// <summary>Nobody indexes what grew.</summary>
internal sealed class SilentObserver : INamespaceObserver
{
    public void TailGrew(Namespace changed)
    {
    }
}
