using Puff.Engine.Namespaces;
using Puff.Engine.Queries;
using Puff.Engine.Schema;

namespace Puff.Engine;

/// <summary>The front door: namespaces on an object store. Thread-safe. Every method throws <see cref="PuffException"/> and nothing else but cancellation.</summary>
public sealed class PuffEngine : IAsyncDisposable
{
    private PuffEngine()
    {
    }

    /// <summary>Opens the store (self-test included) and starts the background work the settings ask for.</summary>
    public static Task<PuffEngine> OpenAsync(EngineSettings settings, EngineComponents components, CancellationToken cancellation = default) => throw new NotImplementedException();

    /// <summary>Applies a write; when it returns, the write is durable and visible to every strong read on any node.</summary>
    public Task<WriteResult> WriteAsync(string name, WriteRequest request, CancellationToken cancellation = default) => throw new NotImplementedException();

    public Task<QueryResult> QueryAsync(string name, QueryRequest request, Consistency consistency = Consistency.Strong, CancellationToken cancellation = default) => throw new NotImplementedException();

    public Task<MultiQueryResult> QueryAsync(string name, MultiQueryRequest request, Consistency consistency = Consistency.Strong, CancellationToken cancellation = default) => throw new NotImplementedException();

    /// <summary>The plan of a query as text, after running it.</summary>
    public Task<string> ExplainAsync(string name, MultiQueryRequest request, Consistency consistency = Consistency.Strong, CancellationToken cancellation = default) => throw new NotImplementedException();

    public Task<NamespaceInfo> GetInfoAsync(string name, CancellationToken cancellation = default) => throw new NotImplementedException();

    public Task<NamespaceInfo> PatchMetadataAsync(string name, MetadataPatch patch, CancellationToken cancellation = default) => throw new NotImplementedException();

    /// <summary>The schema this node knows without asking the store, or null: a hint for parsers, never an answer.</summary>
    public NamespaceSchema? PeekSchema(string name) => throw new NotImplementedException();

    public Task<NamespaceSchema> UpdateSchemaAsync(string name, SchemaUpdate update, CancellationToken cancellation = default) => throw new NotImplementedException();

    public Task DeleteAsync(string name, CancellationToken cancellation = default) => throw new NotImplementedException();

    /// <param name="prefix">Names must begin with this; empty for all.</param>
    /// <param name="after">Names must be greater than this; null to begin.</param>
    /// <param name="limit">1..1000.</param>
    public Task<NamespacePage> ListAsync(string prefix, string? after, int limit, CancellationToken cancellation = default) => throw new NotImplementedException();

    /// <summary>Starts loading a namespace and returns at once; NotFound when it does not exist.</summary>
    public Task WarmAsync(string name, CancellationToken cancellation = default) => throw new NotImplementedException();

    public Task<RecallResult> MeasureRecallAsync(string name, RecallRequest request, CancellationToken cancellation = default) => throw new NotImplementedException();

    /// <summary>Stops background work, waits for writes in flight. The store belongs to the caller.</summary>
    public ValueTask DisposeAsync() => throw new NotImplementedException();
}
