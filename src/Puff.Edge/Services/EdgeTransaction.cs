using Puff.Edge.Backends;
using Puff.Edge.Transport;

namespace Puff.Edge.Services;

/// <summary>
/// An optimistic transaction over both stores: reads see the stores as they were when first read, and its own writes; writes are staged; the commit fails when
/// a key or blob it read or wrote has changed meanwhile. Thread-safe.
/// </summary>
internal sealed class EdgeTransaction(string id, bool isReadOnly, DateTimeOffset expires, KvStore? kv, BlobStore? blobs) : IDisposable
{
    public const long MaxStagedBytes = 64 << 20;

    private readonly Lock gate = new();
    private readonly Dictionary<byte[], byte[]?> stagedKeys = new(ByteKeys.Instance);
    private readonly Dictionary<byte[], KvExpectation> readKeys = new(ByteKeys.Instance);
    private readonly List<BlobWrite> stagedBlobs = [];
    private readonly Dictionary<ulong, StoredBlob?> seenBlobs = [];
    private readonly Dictionary<ulong, byte[]?> readBlobs = [];
    private ReaderPool<IKvReader>.Lease? keyLease;
    private ReaderPool<IBlobReader>.Lease? blobLease;
    private long stagedBytes;
    private bool isEnded;

    public string Id => id;

    public DateTimeOffset Expires => expires;

    public byte[]? Get(byte[] key)
    {
        lock (gate)
        {
            ThrowIfEnded();
            return stagedKeys.TryGetValue(key, out byte[]? staged) ? staged : Observe(key);
        }
    }

    /// <param name="value">Null removes the key.</param>
    /// <returns>Whether the key was there.</returns>
    public bool Put(byte[] key, byte[]? value)
    {
        lock (gate)
        {
            ThrowIfReadOnly();
            bool existed = (stagedKeys.TryGetValue(key, out byte[]? staged) ? staged : Observe(key)) is not null;
            Stage(key.Length + (value?.Length ?? 0));
            stagedKeys[key] = value;
            return existed;
        }
    }

    public StoredBlob? Get(ulong blob)
    {
        lock (gate)
        {
            ThrowIfEnded();
            return Observe(blob);
        }
    }

    /// <returns>Whether the blob was there.</returns>
    public bool Put(BlobWrite write)
    {
        lock (gate)
        {
            ThrowIfReadOnly();
            StoredBlob? old = write.Operation == BlobOperation.Store ? null : Observe(write.Id);
            Stage(write.ByteCount);
            if (write.Operation == BlobOperation.Store || old is not null)
            {
                stagedBlobs.Add(write);
                seenBlobs[write.Id] = write.Operation == BlobOperation.Delete ? null : Merge(old, write);
            }

            return old is not null;
        }
    }

    /// <summary>
    /// Blobs first: a key that names a blob is never there without it. Throws Aborted when something changed meanwhile, and nothing is written.
    /// </summary>
    public async Task CommitAsync()
    {
        List<BlobWrite> blobWrites;
        List<KvWrite> keyChecks, keyWrites;
        lock (gate)
        {
            ThrowIfEnded();
            blobWrites = [.. readBlobs.Select(read => new BlobWrite(BlobOperation.Check) { Id = read.Key, Digest = read.Value }), .. stagedBlobs];
            keyChecks = [.. readKeys.Select(read => new KvWrite(read.Key, null) { Expectation = read.Value })];
            keyWrites = [.. stagedKeys.Select(staged => new KvWrite(staged.Key, staged.Value))];
            End();
        }

        // A transaction that only read saw one state of each store: nothing to check.
        bool writesBlobs = stagedBlobs.Count > 0;
        bool writesKeys = keyWrites.Count > 0;
        if (writesBlobs)
        {
            if (keyChecks.Count > 0)
            {
                await kv!.WriteAsync(keyChecks);
            }

            await blobs!.WriteAsync(blobWrites);
        }

        if (writesKeys)
        {
            if (!writesBlobs && blobWrites.Count > 0)
            {
                await blobs!.WriteAsync(blobWrites);
            }

            await kv!.WriteAsync([.. keyChecks, .. keyWrites]);
        }
    }

    public void Dispose()
    {
        lock (gate)
        {
            End();
        }
    }

    private byte[]? Observe(byte[] key)
    {
        if (kv is null)
        {
            throw EdgeException.Precondition("this server has no key-value store");
        }

        if (readKeys.TryGetValue(key, out KvExpectation? known))
        {
            return known.Value;
        }

        if (keyLease is null)
        {
            keyLease = kv.Rent();
            keyLease.Value.Reader.BeginSnapshot();
        }

        byte[]?[] found = [null];
        keyLease.Value.Reader.TryRead(key, found, static (value, found) => found[0] = value.ToArray());
        readKeys.Add(key, new KvExpectation(found[0]));
        return found[0];
    }

    private StoredBlob? Observe(ulong blob)
    {
        if (blobs is null)
        {
            throw EdgeException.Precondition("this server has no blob store");
        }

        if (seenBlobs.TryGetValue(blob, out StoredBlob? known))
        {
            return known;
        }

        if (blobLease is null)
        {
            blobLease = blobs.Rent();
            blobLease.Value.Reader.BeginSnapshot();
        }

        var found = new Found();
        blobLease.Value.Reader.TryRead(blob, found, static (view, found) =>
        {
            found.Blob = new StoredBlob(view.Data.ToArray(), view.HasMetadata ? System.Text.Encoding.UTF8.GetString(view.Metadata) : null);
            found.Digest = view.Digest();
        });
        seenBlobs.Add(blob, found.Blob);
        readBlobs.Add(blob, found.Digest);
        return found.Blob;
    }

    private static StoredBlob Merge(StoredBlob? old, BlobWrite write)
    {
        bool replaces = write.Operation == BlobOperation.Store || write.SetsMetadata;
        string? metadata = replaces ? write.Metadata is null ? null : System.Text.Encoding.UTF8.GetString(write.Metadata) : old!.Metadata;
        return new StoredBlob(write.Data ?? old?.Data ?? [], metadata);
    }

    private void Stage(int bytes)
    {
        stagedBytes += bytes;
        if (stagedBytes > MaxStagedBytes)
        {
            throw new EdgeException(GrpcStatus.ResourceExhausted, $"a transaction stages at most {MaxStagedBytes} bytes");
        }
    }

    private void ThrowIfReadOnly()
    {
        ThrowIfEnded();
        if (isReadOnly)
        {
            throw EdgeException.Precondition($"transaction {id} is read-only");
        }
    }

    private void ThrowIfEnded()
    {
        if (isEnded)
        {
            throw TransactionTable.Unknown(id);
        }
    }

    private void End()
    {
        isEnded = true;
        if (keyLease is { } keys)
        {
            keys.Reader.EndSnapshot();
            keys.Dispose();
            keyLease = null;
        }

        if (blobLease is { } lent)
        {
            lent.Reader.EndSnapshot();
            lent.Dispose();
            blobLease = null;
        }
    }

    private sealed class Found
    {
        public StoredBlob? Blob { get; set; }

        public byte[]? Digest { get; set; }
    }
}
