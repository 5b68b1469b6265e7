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

    public MemoryObjectStore Memory { get; } = new();

    public IObjectStore Store => Memory;

    public EngineSettings Settings { get; set; } = new() { RunIndexer = false };

    public TimeProvider Time { get; set; } = TimeProvider.System;

    /// <summary>Another node on the same store.</summary>
    public async Task<PuffEngine> OpenAsync()
    {
        var engine = await PuffEngine.OpenAsync(Settings, new EngineComponents { Store = Store, Time = Time });
        engines.Add(engine);
        return engine;
    }

    /// <summary>The parts that background work is made of, on an identity of their own.</summary>
    public EngineContext NewContext() => new(Settings, new EngineComponents { Store = Store, Time = Time });

    /// <summary>Turns the tail of a namespace into a segment, as another node's indexer would.</summary>
    public async Task<bool> FlushAsync(string name)
    {
        var context = NewContext();
        var target = new Namespace(context, name, new SilentObserver());
        try
        {
            await target.FreshenAsync();
            return await new Flusher(context).FlushAsync(target, default);
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
