namespace Puff.Engine.Storage;

/// <summary>What a request is for: every call says so, and metrics, injected faults and the cost view are kept per purpose.</summary>
public enum StorePurpose
{
    Wal,
    Manifest,
    Segment,
    Collect,
    User,

    /// <summary>Word that nodes leave for each other: the index queue and leases.</summary>
    Queue,
}

/// <summary>
/// A flat map from keys to immutable byte strings with conditional writes: the only place Puff keeps state.
/// Keys are UTF-8, '/'-separated, at most 1,024 bytes, without empty, "." or ".." parts.
/// A read that starts after a write returned sees that write (strong consistency), in listings too.
/// Absence, a failed precondition and "not modified" are values; everything else is a <see cref="StoreException"/>.
/// A method may be called from any thread, any number of times at once.
/// </summary>
public interface IObjectStore : IAsyncDisposable
{
    /// <summary>For people: "directory /var/lib/puff", "s3://bucket/prefix".</summary>
    string Description { get; }

    StoreCapabilities Capabilities { get; }

    /// <summary>Reads an object or a byte range of it. The caller releases <see cref="GetResult.Content"/>.</summary>
    ValueTask<GetResult> GetAsync(string key, GetOptions options, StorePurpose purpose, CancellationToken cancellation);

    /// <summary>
    /// Writes a whole object, durably: when this returns <see cref="PutStatus.Written"/> the content survives loss of power.
    /// Readers see the old object or the new one, never a part. With a condition, the check and the write are one step.
    /// </summary>
    ValueTask<PutResult> PutAsync(string key, ReadOnlyMemory<byte> content, PutCondition condition, StorePurpose purpose, CancellationToken cancellation);

    /// <summary>
    /// Starts an unconditional write of unknown length; memory stays bounded whatever the length. The object appears, whole and durable,
    /// when the writer completes, and never if it is disposed before.
    /// </summary>
    ValueTask<IObjectWriter> CreateAsync(string key, StorePurpose purpose, CancellationToken cancellation);

    /// <summary>Removes an object; removing an absent one is no error.</summary>
    ValueTask DeleteAsync(string key, StorePurpose purpose, CancellationToken cancellation);

    /// <summary>One page of keys in bytewise order.</summary>
    ValueTask<ListPage> ListAsync(ListOptions options, StorePurpose purpose, CancellationToken cancellation);

    /// <summary>Size and ETag, or null when the object is absent.</summary>
    ValueTask<ObjectInfo?> HeadAsync(string key, StorePurpose purpose, CancellationToken cancellation);

    /// <summary>Server-side copy of a whole object. False when the source is absent.</summary>
    ValueTask<bool> CopyAsync(string sourceKey, string targetKey, StorePurpose purpose, CancellationToken cancellation);

    /// <summary>
    /// The whole object as addressable memory, or null when it is absent. A local store maps the object in place without reading it;
    /// a remote store downloads it to unmanaged memory or an unlinked local file. For immutable objects only. The caller releases the result.
    /// </summary>
    ValueTask<ObjectMemory?> MapAsync(string key, StorePurpose purpose, CancellationToken cancellation);

    /// <summary>
    /// The same for an object of a known length. The result may be demand-loaded (<see cref="ObjectMemory.Require"/>): then nothing was asked of the store yet,
    /// and that the object is absent or of another length is found out when something in it is required.
    /// </summary>
    ValueTask<ObjectMemory?> MapAsync(string key, long length, StorePurpose purpose, CancellationToken cancellation) => MapAsync(key, purpose, cancellation);
}

/// <summary>Provider differences, as data. <see cref="SupportsMapping"/>: MapAsync costs no transfer.</summary>
public sealed record StoreCapabilities(bool SupportsMapping, bool IsShared, bool IsDurable, long MaxObjectBytes);

/// <summary>A streamed write. Calls come one at a time. After <see cref="CompleteAsync"/> only disposal is legal.</summary>
public interface IObjectWriter : IAsyncDisposable
{
    ValueTask WriteAsync(ReadOnlyMemory<byte> content, CancellationToken cancellation);

    /// <summary>Makes the object visible and durable. Returns its ETag.</summary>
    ValueTask<string> CompleteAsync(CancellationToken cancellation);
}

/// <param name="Offset">First byte wanted; null for the whole object. A range that begins at or beyond the end yields empty content.</param>
/// <param name="Length">Bytes wanted from <paramref name="Offset"/>; null to the end.</param>
/// <param name="IfNoneMatch">An ETag: when the object still has it, the result is <see cref="GetStatus.NotModified"/> without content.</param>
public readonly record struct GetOptions(long? Offset = null, long? Length = null, string? IfNoneMatch = null);

public enum GetStatus
{
    Found,
    Absent,
    NotModified,
}

/// <param name="Status">What happened.</param>
/// <param name="Content">The bytes; only when found. The receiver owns one reference.</param>
/// <param name="ETag">The object's ETag; only when found or not modified.</param>
/// <param name="TotalBytes">The whole object's length, also for a range; not promised when not modified.</param>
public readonly record struct GetResult(GetStatus Status, ObjectMemory? Content, string? ETag, long TotalBytes);

/// <summary>What must hold for a put to happen.</summary>
public readonly record struct PutCondition
{
    private PutCondition(bool ifAbsent, string? ifMatch)
    {
        IfAbsent = ifAbsent;
        IfMatch = ifMatch;
    }

    public bool IfAbsent { get; }

    public string? IfMatch { get; }

    public static PutCondition None => default;

    /// <summary>Only if no object has this key (If-None-Match: *). Of any number of racing puts exactly one is written.</summary>
    public static PutCondition Absent => new(true, null);

    /// <summary>Only if the object still has this ETag; when the object is absent the precondition fails.</summary>
    public static PutCondition Matches(string etag) => new(false, etag);
}

public enum PutStatus
{
    Written,
    PreconditionFailed,
}

public readonly record struct PutResult(PutStatus Status, string? ETag);

/// <param name="Prefix">Keys must begin with this.</param>
/// <param name="StartAfter">Only keys (and common prefixes) strictly greater, bytewise.</param>
/// <param name="Delimiter">With '/', keys with a further '/' after the prefix are folded into one <see cref="ListPage.Prefixes"/> entry.</param>
/// <param name="Limit">At most this many entries (keys and prefixes together), 1..1000.</param>
public readonly record struct ListOptions(string Prefix, string? StartAfter = null, char? Delimiter = null, int Limit = 1000);

/// <param name="Objects">In bytewise key order.</param>
/// <param name="Prefixes">Common prefixes, with the trailing delimiter, in bytewise order.</param>
/// <param name="Next">Pass as <see cref="ListOptions.StartAfter"/> for the next page; null when this is the last.</param>
public sealed record ListPage(IReadOnlyList<ObjectInfo> Objects, IReadOnlyList<string> Prefixes, string? Next);

public sealed record ObjectInfo(string Key, long Bytes, string ETag, DateTimeOffset LastModified);

/// <summary>
/// A store's failure. <see cref="OutcomeUnknown"/>: a write may or may not have happened, or may still happen; the caller must settle it before
/// it says anything to anybody. <see cref="Transient"/>: the same call may succeed later. Stores say so; only the retrying decorator retries.
/// </summary>
public sealed class StoreException : PuffException
{
    public StoreException(string message, bool transient, bool outcomeUnknown, Exception? inner = null)
        : base(ErrorKind.Unavailable, message, inner)
    {
        Transient = transient;
        OutcomeUnknown = outcomeUnknown;
    }

    public bool Transient { get; }

    public bool OutcomeUnknown { get; }
}
