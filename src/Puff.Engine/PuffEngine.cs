using Puff.Engine.Diagnostics;
using Puff.Engine.Formats;
using Puff.Engine.Indexing;
using Puff.Engine.Namespaces;
using Puff.Engine.Queries;
using Puff.Engine.Schema;
using Puff.Engine.Storage;

namespace Puff.Engine;

/// <summary>
/// The front door: namespaces on an object store. Thread-safe. Every method throws <see cref="PuffException"/> and nothing else but cancellation.
/// </summary>
public sealed class PuffEngine : IAsyncDisposable
{
    private readonly EngineContext context;
    private readonly NamespaceRegistry registry;
    private readonly Maintenance maintenance;
    private readonly JobAnnouncer announcer;
    private readonly IndexMetrics indexing;
    private readonly SearchMetrics searching = new();
    private readonly RecallSampling sampling;
    private readonly Cloner cloner;
    private readonly Restorer restorer;
    private readonly EngineComponents components;
    private readonly CacheMetrics caching;
    private readonly TokenWaits waits;
    private bool disposed;

    private PuffEngine(EngineSettings settings, EngineComponents components)
    {
        this.components = components;
        context = new EngineContext(settings, components);
        indexing = new IndexMetrics(() => context.PublicationsLost);
        sampling = new RecallSampling(context, searching);
        maintenance = new Maintenance(context, indexing);
        announcer = new JobAnnouncer(context, indexing);
        registry = new NamespaceRegistry(context, settings.RunIndexer ? maintenance : announcer);
        cloner = new Cloner(context);
        restorer = new Restorer(context, cloner);
        waits = new TokenWaits(context.Time);
        caching = new CacheMetrics(() => CacheStatistics);
    }

    /// <summary>Whether everything this process was told to index and merge is done: what a measurement waits for.</summary>
    internal bool IsIndexingIdle => maintenance.IsIdle;

    /// <summary>Opens the engine on a store that has passed its self-test and starts the background work the settings ask for.</summary>
    public static Task<PuffEngine> OpenAsync(EngineSettings settings, EngineComponents components, CancellationToken cancellation = default)
    {
        cancellation.ThrowIfCancellationRequested();
        var engine = new PuffEngine(settings, components);
        if (settings.RunIndexer)
        {
            engine.maintenance.Start(engine.registry);
        }
        else if (settings.UseIndexQueue)
        {
            engine.announcer.Start(engine.registry);
        }

        return Task.FromResult(engine);
    }

    /// <summary>Applies a write; when it returns, the write is durable and visible to every strong read on any node.</summary>
    /// <remarks>Cancelling stops the waiting, not the write.</remarks>
    public async Task<WriteResult> WriteAsync(string name, WriteRequest request, CancellationToken cancellation = default)
    {
        using var lease = Open(name);
        var source = request.BranchFromNamespace ?? request.CopyFromNamespace;
        if (source is null)
        {
            return await lease.Namespace.WriteAsync(request).WaitAsync(cancellation);
        }

        CheckAlone(request);
        using var origin = Open(source);
        return request.BranchFromNamespace is not null
            ? await cloner.BranchAsync(origin.Namespace, lease.Namespace)
            : await cloner.CopyAsync(origin.Namespace, lease.Namespace);
    }

    public async Task<QueryResult> QueryAsync(
        string name, QueryRequest request, Consistency consistency = Consistency.Strong, CancellationToken cancellation = default)
    {
        var reads = ReadRecord.Begin();
        using var lease = Open(name);
        using var pass = await lease.Namespace.Queries.EnterAsync(WeightOf(request), cancellation);
        using var snapshot = await lease.Namespace.ReadAsync(consistency == Consistency.Strong, cancellation);
        var result = QueryExecutor.Execute(snapshot, request, cancellation);
        sampling.Offer(lease.Namespace, snapshot, request);
        return result with { Cost = result.Cost with { Reads = QueryReads.Of(reads) } };
    }

    public async Task<MultiQueryResult> QueryAsync(
        string name, MultiQueryRequest request, Consistency consistency = Consistency.Strong, CancellationToken cancellation = default)
    {
        var reads = ReadRecord.Begin();
        using var lease = Open(name);
        using var pass = await lease.Namespace.Queries.EnterAsync(request.Queries.Sum(WeightOf), cancellation);
        using var snapshot = await lease.Namespace.ReadAsync(consistency == Consistency.Strong, cancellation);
        var result = QueryExecutor.Execute(snapshot, request, cancellation);
        foreach (var query in request.Queries)
        {
            sampling.Offer(lease.Namespace, snapshot, query);
        }

        return result with { Cost = result.Cost with { Reads = QueryReads.Of(reads) } };
    }

    /// <summary>The plan of a query as text, after running it.</summary>
    public async Task<string> ExplainAsync(
        string name, MultiQueryRequest request, Consistency consistency = Consistency.Strong, CancellationToken cancellation = default)
    {
        ReadRecord.Begin();
        using var lease = Open(name);
        using var pass = await lease.Namespace.Queries.EnterAsync(request.Queries.Sum(WeightOf), cancellation);
        using var snapshot = await lease.Namespace.ReadAsync(consistency == Consistency.Strong, cancellation);
        return QueryExecutor.Explain(snapshot, request, cancellation) + sampling.Describe(lease.Namespace, snapshot);
    }

    public async Task<NamespaceInfo> GetInfoAsync(string name, CancellationToken cancellation = default)
    {
        using var lease = Open(name);
        await lease.Namespace.FreshenAsync().WaitAsync(cancellation);
        return lease.Namespace.Describe(context.Settings);
    }

    /// <summary>The tokens a namespace holds now, in ascending order of names; none when it does not exist.</summary>
    public async Task<IReadOnlyList<NamespaceToken>> GetTokensAsync(string name, CancellationToken cancellation = default)
    {
        using var lease = Open(name);
        await lease.Namespace.FreshenAsync().WaitAsync(cancellation);
        return lease.Namespace.View is { State: { IsLive: true } state } ? state.Tokens : [];
    }

    /// <summary>
    /// Returns when every token of a namespace has come to a position: a strong query then sees what was written up to there. Unavailable when it has not in
    /// time, also when nobody feeds the namespace.
    /// </summary>
    public async Task WaitForTokenAsync(string name, string position, TimeSpan timeout, CancellationToken cancellation = default)
    {
        using var lease = Open(name);
        await waits.WaitAsync(lease.Namespace, position, timeout, cancellation);
    }

    /// <summary>The greatest position somebody waits for on this node; null when nobody does. Tells a feeder to move an idle token on.</summary>
    public string? GetAwaitedPosition(string name) => waits.Greatest(name);

    public async Task<NamespaceInfo> PatchMetadataAsync(string name, MetadataPatch patch, CancellationToken cancellation = default)
    {
        using var lease = Open(name);
        await lease.Namespace.PatchAsync(patch).WaitAsync(cancellation);
        context.Warmer.Follow(lease.Namespace);
        return lease.Namespace.Describe(context.Settings);
    }

    /// <summary>The schema this node knows without asking the store, or null: a hint for parsers, never an answer.</summary>
    public NamespaceSchema? PeekSchema(string name) => registry.Peek(name) is { State: { IsLive: true } state } ? state.Schema : null;

    public async Task<NamespaceSchema> UpdateSchemaAsync(string name, SchemaUpdate update, CancellationToken cancellation = default)
    {
        using var lease = Open(name);
        await lease.Namespace.WriteAsync(new WriteRequest { Schema = update }).WaitAsync(cancellation);
        using var snapshot = lease.Namespace.Snapshot();
        return snapshot.Schema;
    }

    public async Task DeleteAsync(string name, CancellationToken cancellation = default)
    {
        using var lease = Open(name);
        await lease.Namespace.DeleteAsync().WaitAsync(cancellation);
    }

    /// <summary>The moments a namespace, existing or deleted, can be restored to; NotFound when nothing is stored of it.</summary>
    public async Task<NamespaceHistory> GetHistoryAsync(string name, CancellationToken cancellation = default)
    {
        using var lease = Open(name);
        return await restorer.DescribeAsync(lease.Namespace, cancellation);
    }

    /// <summary>Makes a branch of a namespace as it was at a moment (<see cref="EngineSettings.History"/>).</summary>
    /// <param name="name">What is restored, existing or deleted.</param>
    /// <param name="moment">To which moment. Invalid with the oldest possible one when it is too long ago; NotFound when there was no namespace then.</param>
    /// <param name="target">A name that does not exist: a new one, or <paramref name="name"/> itself when it was deleted. Conflict when it exists.</param>
    /// <param name="cancellation">Stops between steps.</param>
    public async Task<RestoreResult> RestoreAsync(string name, RestoreMoment moment, string target, CancellationToken cancellation = default)
    {
        using var source = Open(name);
        using var restored = Open(target);
        return await restorer.RestoreAsync(source.Namespace, moment, restored.Namespace, cancellation);
    }

    /// <summary>
    /// Copies a namespace to another store as it is at a moment of the call, verified, while it is written to. What the target has of it is not copied again:
    /// an interrupted copy goes on, a repeated one brings a backup up to date. Nobody may write to the copy in between.
    /// </summary>
    /// <param name="name">NotFound when it does not exist.</param>
    /// <param name="target">Where to, under the same root and name. Conflict when a namespace is there that is no copy, or one that was written to.</param>
    /// <param name="options">Null for the defaults.</param>
    /// <param name="cancellation">Stops between objects; the next copy goes on.</param>
    public Task<CopyReport> CopyToAsync(string name, IObjectStore target, CopyOptions? options = null, CancellationToken cancellation = default)
    {
        ThrowIfDisposed();
        NamespaceKeys.CheckName(name);
        var there = new EngineContext(context.Settings with { History = TimeSpan.Zero }, components with { Store = target });
        return new StoreCopier(context, there).CopyAsync(name, options ?? new CopyOptions(), cancellation);
    }

    /// <summary>A page of the namespaces that exist now.</summary>
    /// <param name="prefix">Names must begin with this; empty for all.</param>
    /// <param name="after">Names must be greater than this; null to begin.</param>
    /// <param name="limit">1..1000.</param>
    /// <param name="cancellation">Stops the waiting.</param>
    public Task<NamespacePage> ListAsync(string prefix, string? after, int limit, CancellationToken cancellation = default)
    {
        ThrowIfDisposed();
        return limit is < 1 or > 1000
            ? throw PuffException.Invalid($"page size {limit} is out of range: 1 to 1000")
            : new NamespaceListing(context).ListAsync(prefix, after, limit, cancellation);
    }

    /// <summary>Loads a namespace from a remote store, up to <see cref="EngineSettings.WarmBytes"/>; NotFound when it does not exist.</summary>
    public async Task<WarmResult> WarmAsync(string name, CancellationToken cancellation = default)
    {
        using var lease = Open(name);
        long before = CacheStatistics?.Requests ?? 0;
        using var snapshot = await lease.Namespace.ReadAsync(isStrong: true, cancellation);
        var result = await context.Warmer.RunAsync(snapshot, lease.Namespace.View?.State.Entries.Count ?? 0, cancellation);
        return result with { Requests = (CacheStatistics?.Requests ?? 0) - before };
    }

    /// <summary>Opens a namespace and loads the rest of it when this has returned; NotFound when it does not exist.</summary>
    public async Task StartWarmingAsync(string name, CancellationToken cancellation = default)
    {
        using var lease = Open(name);
        using var snapshot = await lease.Namespace.ReadAsync(isStrong: true, cancellation);
        context.Warmer.Start(lease.Namespace);
    }

    /// <summary>
    /// Gives up what the cache has of a namespace, but for what it holds as long as the namespace is open. Returns the bytes; NotFound when there is no such
    /// namespace.
    /// </summary>
    public async Task<long> PurgeCacheAsync(string name, CancellationToken cancellation = default)
    {
        using var lease = Open(name);
        using var snapshot = await lease.Namespace.ReadAsync(isStrong: true, cancellation);
        int blocks = (context.Store as ExtentObjectStore)?.Cache?.Purge(ExtentCache.ShareNameOf(lease.Namespace.Keys.Folder)) ?? 0;
        return (long)blocks << LocalCopy.BlockShift;
    }

    /// <summary>What was fetched of remote objects, and what the cache has; null when the store's objects are mapped in place.</summary>
    public CacheStatistics? CacheStatistics => (context.Store as ExtentObjectStore)?.Statistics;

    /// <summary>
    /// A query that gets nothing from memory or cache and leaves nothing there: the namespace is opened anew for it, as a node that starts would.
    /// </summary>
    public async Task<MultiQueryResult> QueryPastCacheAsync(string name, MultiQueryRequest request, CancellationToken cancellation = default)
    {
        var reads = ReadRecord.Begin();
        using var lease = Open(name);
        using var pass = await lease.Namespace.Queries.EnterAsync(request.Queries.Sum(WeightOf), cancellation);
        var store = context.Store is ExtentObjectStore cached ? cached.WithoutCache() : context.Store;
        return await OnFreshAsync(store, name, snapshot =>
        {
            var result = QueryExecutor.Execute(snapshot, request, cancellation);
            return result with { Cost = result.Cost with { Reads = QueryReads.Of(reads) } };
        }, cancellation);
    }

    /// <summary>
    /// What a query would ask of the store on a node that has nothing of the namespace. Opens the namespace anew, and does not run the query. A store whose
    /// objects are mapped in place is looked at as if it were remote.
    /// </summary>
    /// <param name="name">The namespace.</param>
    /// <param name="request">Null, or a query that the namespace cannot answer: only what opening takes.</param>
    /// <param name="cancellation">Stops it.</param>
    public async Task<ColdPlan> PreviewColdAsync(string name, QueryRequest? request, CancellationToken cancellation = default)
    {
        var reads = ReadRecord.Begin();
        using var lease = Open(name);
        bool isHeld = registry.Peek(name) is { State: not null };
        using var pass = await lease.Namespace.Queries.EnterAsync(request is null ? 1 : WeightOf(request), cancellation);
        var store = context.Store is ExtentObjectStore { Capabilities.SupportsMapping: false } cached ? cached.WithoutCache()
            : new ExtentObjectStore(new UnmappedObjectStore(context.Store), new ExtentStoreOptions { HedgedShare = 0 });
        return await OnFreshAsync(store, name, snapshot =>
        {
            var opening = QueryReads.Of(reads).Kinds;
            var (first, rows) = request is null ? ([], 0) : QueryExecutor.Preview(snapshot, request, cancellation);
            return new ColdPlan(opening, first, rows, (int)opening.Where(k => k.Kind == "wal").Sum(k => k.Requests), isHeld);
        }, cancellation);
    }

    /// <summary>Opens a namespace beside the one that is open here.</summary>
    private async Task<T> OnFreshAsync<T>(IObjectStore store, string name, Func<NamespaceSnapshot, T> ask, CancellationToken cancellation)
    {
        var fresh = new Namespace(new EngineContext(context.Settings, components with { Store = store }), name, SilentIndexing.Instance);
        try
        {
            using var snapshot = await fresh.ReadAsync(isStrong: true, cancellation);
            return ask(snapshot);
        }
        finally
        {
            await fresh.DrainAsync();
            fresh.Close();
        }
    }

    public async Task<RecallResult> MeasureRecallAsync(string name, RecallRequest request, CancellationToken cancellation = default)
    {
        using var lease = Open(name);
        using var snapshot = await lease.Namespace.ReadAsync(isStrong: true, cancellation);
#pragma warning disable RS0030 // Seeded from the engine's own source of chance.
        var random = new Random(context.NextSeed());
#pragma warning restore RS0030
        return QueryExecutor.MeasureRecall(snapshot, request, random, cancellation);
    }

    /// <summary>
    /// Asks the store whether it answers: a listing, and a look at one manifest if there is any. At most two requests, nothing is cached. Unavailable, or what
    /// else the store says, when it does not.
    /// </summary>
    public Task ProbeStoreAsync(CancellationToken cancellation = default)
    {
        ThrowIfDisposed();
        return StoreProbe.RunAsync(context, cancellation);
    }

    /// <summary>Reads every stored object of a namespace (null: of all) to the last byte and follows every reference. Changes nothing.</summary>
    public Task<CheckReport> CheckAsync(string? name, CancellationToken cancellation = default)
    {
        ThrowIfDisposed();
        return new StoreChecker(context).CheckAsync(name, cancellation);
    }

    /// <summary>The manifest of a namespace in words.</summary>
    public Task<InspectionReport> InspectManifestAsync(string name, CancellationToken cancellation = default) =>
        new StoreInspector(context).InspectManifestAsync(name, cancellation);

    /// <summary>The log of a namespace in words, or one entry of it.</summary>
    public Task<InspectionReport> InspectWalAsync(string name, long? sequence, CancellationToken cancellation = default) =>
        new StoreInspector(context).InspectWalAsync(name, sequence, cancellation);

    /// <summary>One segment in words.</summary>
    public Task<InspectionReport> InspectSegmentAsync(string name, string segment, CancellationToken cancellation = default) =>
        new StoreInspector(context).InspectSegmentAsync(name, segment, cancellation);

    /// <summary>Stops background work, waits for writes in flight. The store belongs to the caller.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref disposed, true))
        {
            return;
        }

        var open = registry.OpenNamespaces;
        await Task.WhenAll(open.Select(n => n.DrainAsync()));
        await maintenance.StopAsync();
        await announcer.StopAsync();
        foreach (var item in registry.OpenNamespaces)
        {
            await item.DrainAsync();
            item.Close();
        }

        indexing.Dispose();
        caching.Dispose();
        searching.Dispose();
    }

    private NamespaceRegistry.Lease Open(string name)
    {
        ThrowIfDisposed();
        NamespaceKeys.CheckName(name);
        return registry.Open(name);
    }

    private void ThrowIfDisposed()
    {
        if (disposed)
        {
            throw new PuffException(ErrorKind.Unavailable, "the engine is shutting down; repeat the request elsewhere or later");
        }
    }

    /// <summary>kNN counts twice, an aggregation four times (turbopuffer-api 4.11).</summary>
    private static int WeightOf(QueryRequest request) => request.AggregateBy is not null ? 4 : request.RankBy is VectorRank { Exact: true } ? 2 : 1;

    private static void CheckAlone(WriteRequest request)
    {
        bool hasMore = request.Upserts is not null || request.Patches is not null || request.Deletes is not null || request.DeleteByFilter is not null
            || request.PatchByFilter is not null
                || request.Schema is not null || (request.CopyFromNamespace is not null && request.BranchFromNamespace is not null);
        if (hasMore)
        {
            throw PuffException.Invalid("copy_from_namespace and branch_from_namespace stand alone: no documents, no schema, and not both in one request");
        }
    }
}
