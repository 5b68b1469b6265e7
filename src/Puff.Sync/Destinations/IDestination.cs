using Puff.Engine.Filters;
using Puff.Engine.Namespaces;
using Puff.Engine.Schema;

namespace Puff.Sync.Destinations;

/// <summary>
/// Receives batches of documents: the engine in this process, a remote endpoint, files, or nothing. Namespaces are named as they are stored, prefix included.
/// </summary>
internal interface IDestination : IAsyncDisposable
{
    /// <summary>Whether a write can carry a token that is stored atomically with its documents.</summary>
    bool HasTokens { get; }

    /// <summary>What is there of a namespace, and its token of this name, before anything is written.</summary>
    Task<NamespaceState> OpenAsync(string name, string token, CancellationToken cancellation);

    /// <summary>
    /// Writes a batch: when it returns, the batch is durable, whole. A batch whose outcome is unknown may be sent again unchanged.
    /// Throws <see cref="DestinationException"/> and nothing else but cancellation.
    /// </summary>
    Task WriteAsync(DestinationBatch batch, CancellationToken cancellation);

    /// <summary>The documents that exist of these ids, with these attributes (all when null).</summary>
    Task<IReadOnlyList<DocumentRow>> FetchAsync(string name, IReadOnlyList<Value> ids, IReadOnlyList<string>? attributes, CancellationToken cancellation);

    /// <summary>A page of documents in the order of ids, after the given one: what verification walks.</summary>
    Task<IReadOnlyList<DocumentRow>> ScanAsync(
        string name, Value? after, int limit, IReadOnlyList<string> attributes, Filter? filter, CancellationToken cancellation);

    /// <summary>
    /// The greatest position that somebody waits for in a namespace, in the form of tokens: an idle mapping that has passed it writes its token alone, so that
    /// the waiting ends. Null when nobody waits, and of destinations that cannot tell.
    /// </summary>
    string? GetAwaitedPosition(string name) => null;

    /// <summary>Deletes the namespace; that it does not exist is fine.</summary>
    Task DropAsync(string name, CancellationToken cancellation);
}

/// <param name="Exists">Whether the namespace exists.</param>
/// <param name="Token">The last token stored under the asked name; null when there is none or the destination has no tokens.</param>
/// <param name="Documents">About how many documents it has.</param>
internal sealed record NamespaceState(bool Exists, WriteToken? Token, long Documents);

/// <summary>How far a mapping is, stored in the same atomic write as the documents (exactly-once effect).</summary>
/// <param name="Name">"{pipeline}/{mapping}/{generation}".</param>
/// <param name="Position">In the fixed-width form of positions: compares as text.</param>
/// <param name="Payload">What else has to be restored with it: a snapshot's cursor. Opaque, at most 64 KiB.</param>
internal sealed record WriteToken(string Name, string Position, string? Payload);

/// <summary>One write. Each id stands in it at most once.</summary>
internal sealed record DestinationBatch(string Namespace)
{
    public IReadOnlyList<DocumentRow> Upserts { get; init; } = [];

    public IReadOnlyList<DocumentRow> Patches { get; init; } = [];

    public IReadOnlyList<Value> Deletes { get; init; } = [];

    /// <summary>Documents that are removed beside, in partial steps until none is left (truncate).</summary>
    public Filter? DeleteByFilter { get; init; }

    public SchemaUpdate? Schema { get; init; }

    public DistanceMetric? Metric { get; init; }

    public Filter? UpsertCondition { get; init; }

    public Filter? PatchCondition { get; init; }

    public Filter? DeleteCondition { get; init; }

    /// <summary>Stored with the batch; null for destinations without tokens.</summary>
    public WriteToken? Token { get; init; }

    /// <summary>The token the namespace must hold for the write to happen; null when it must hold none. Only read when <see cref="Token"/> is given.</summary>
    public WriteToken? Expected { get; init; }
}

internal enum DestinationFailure
{
    /// <summary>The same batch may succeed later; the outcome of this one may be unknown.</summary>
    Temporary,

    /// <summary>The body is too large: smaller batches may pass.</summary>
    TooLarge,

    /// <summary>The mapping cannot write there (rights, schema, metric): trying rows one by one is useless.</summary>
    Mapping,

    /// <summary>Something in the batch is refused: one of its rows.</summary>
    Row,

    /// <summary>Another runner has written since (the expected token is not there).</summary>
    Fenced,
}

/// <summary>A refused or failed write.</summary>
/// <param name="code">Of the failure catalogue: destination_down, destination_unauthorized, destination_conflict, fenced …</param>
/// <param name="retryAfter">What the destination asked for.</param>
internal sealed class DestinationException(
    DestinationFailure failure, string code, string message, TimeSpan? retryAfter = null, Exception? inner = null) : Exception(message, inner)
{
    public DestinationFailure Failure { get; } = failure;

    public string Code { get; } = code;

    public TimeSpan? RetryAfter { get; } = retryAfter;
}
