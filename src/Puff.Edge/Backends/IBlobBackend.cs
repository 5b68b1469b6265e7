using System.Security.Cryptography;

namespace Puff.Edge.Backends;

internal enum BlobOperation
{
    /// <summary>Adds a blob under a new id, or under one that was reserved.</summary>
    Store,
    Update,
    Delete,

    /// <summary>Gives out an id, and stores nothing.</summary>
    Reserve,

    /// <summary>Changes nothing: the commit fails with Aborted unless the blob is as <see cref="BlobWrite.Digest"/> says.</summary>
    Check,
}

/// <summary>One change of a blob store.</summary>
internal sealed class BlobWrite(BlobOperation operation)
{
    public BlobOperation Operation { get; } = operation;

    /// <summary>Of updates and removals the blob's; of a stored one 0, and then set by its commit, or what was reserved.</summary>
    public ulong Id { get; set; }

    /// <summary>The new data; null keeps what is there.</summary>
    public byte[]? Data { get; init; }

    public bool SetsMetadata { get; init; }

    /// <summary>UTF-8; null for none.</summary>
    public byte[]? Metadata { get; init; }

    /// <summary>Of checks: <see cref="BlobView.Digest"/> of what must be there; null when there must be none.</summary>
    public byte[]? Digest { get; init; }

    /// <summary>Ends the commit when the blob has changed.</summary>
    public void Check(byte[]? actual)
    {
        if (!actual.AsSpan().SequenceEqual(Digest))
        {
            throw new Transport.EdgeException(Transport.GrpcStatus.Aborted, "a blob that the transaction read or wrote was changed meanwhile");
        }
    }

    /// <summary>Set by the commit: whether the blob was there.</summary>
    public bool Existed { get; set; }

    public int ByteCount => (Data?.Length ?? 0) + (Metadata?.Length ?? 0) + 8;
}

/// <summary>A blob as it is read: valid during the call only.</summary>
internal readonly ref struct BlobView(ReadOnlySpan<byte> data, ReadOnlySpan<byte> metadata, bool hasMetadata)
{
    public ReadOnlySpan<byte> Data { get; } = data;

    /// <summary>UTF-8; empty is a value, unless <see cref="HasMetadata"/> is false.</summary>
    public ReadOnlySpan<byte> Metadata { get; } = metadata;

    public bool HasMetadata { get; } = hasMetadata;

    /// <summary>SHA-256 over data and metadata: what two reads of one blob are compared by.</summary>
    public byte[] Digest()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(SHA256.HashData(Data));
        hash.AppendData([HasMetadata ? (byte)1 : (byte)0]);
        hash.AppendData(Metadata);
        return hash.GetHashAndReset();
    }
}

internal delegate void BlobAction<in TState>(BlobView blob, TState state);

/// <summary>An engine's blob store: any number of readers, one writer at a time. Ids ascend from 1, stay below 2^53, and are never given out again.</summary>
internal interface IBlobBackend : IDisposable
{
    /// <summary>Ids stay below what a double holds exactly: JavaScript clients turn them into doubles.</summary>
    const ulong MaxId = (1UL << 53) - 1;

    /// <summary>The id after the highest one that was given out.</summary>
    static ulong NextId(ulong highest) => highest < MaxId
        ? highest + 1
        : throw new Transport.EdgeException(Transport.GrpcStatus.ResourceExhausted, $"the store has given out its last id, {MaxId}");

    bool IsShared { get; }

    IBlobReader CreateReader();

    /// <summary>All of them in order, or none; durable when it returns. Gives stored blobs their ids.</summary>
    void Commit(IReadOnlyList<BlobWrite> writes);
}

/// <summary>Reads what is committed. Used by one thread at a time.</summary>
internal interface IBlobReader : IDisposable
{
    bool TryRead<TState>(ulong id, TState state, BlobAction<TState> read);

    void BeginSnapshot();

    void EndSnapshot();
}
