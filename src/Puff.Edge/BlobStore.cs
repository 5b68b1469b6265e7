using System.Text;
using Puff.Edge.Backends;
using Puff.Edge.Backends.RocksDb;
using Puff.Edge.Backends.Sqlite;
using Puff.Edge.Transport;

namespace Puff.Edge;

/// <param name="Data">Whole.</param>
/// <param name="Metadata">Null for none; the empty text is a value.</param>
public sealed record StoredBlob(byte[] Data, string? Metadata);

/// <summary>
/// A blob store: data with an optional text, under ids that ascend from 1, stay below 2^53, and are never given out again. Thread-safe. Errors are
/// <see cref="EdgeException"/>.
/// </summary>
public sealed class BlobStore : IAsyncDisposable
{
    private readonly GroupCommitter<BlobWrite> committer;
    private readonly ReaderPool<IBlobReader> readers;

    internal BlobStore(IBlobBackend backend)
    {
        Backend = backend;
        committer = new GroupCommitter<BlobWrite>("edge-blob-writer", backend.Commit);
        readers = new ReaderPool<IBlobReader>(backend.CreateReader);
    }

    internal IBlobBackend Backend { get; }

    /// <summary>Opens a store, and makes it when it is not there; the folder must exist.</summary>
    /// <param name="path">Of the store's file, with RocksDB its directory; unused by the memory engine.</param>
    public static BlobStore Open(EdgeEngine engine, string path) => new(engine switch
    {
        EdgeEngine.Sqlite => new SqliteBlobs(path),
        EdgeEngine.RocksDb => new RocksBlobs(path),
        _ => new MemoryBlobs(),
    });

    /// <summary>A blob, or null when there is none of this id.</summary>
    public StoredBlob? Get(ulong id)
    {
        using var lease = Rent();
        StoredBlob?[] found = [null];
        lease.Reader.TryRead(id, found, static (blob, found) =>
            found[0] = new StoredBlob(blob.Data.ToArray(), blob.HasMetadata ? Encoding.UTF8.GetString(blob.Metadata) : null));
        return found[0];
    }

    /// <summary>Stores a new blob; durable when it returns its id.</summary>
    public async Task<ulong> StoreAsync(byte[] data, string? metadata)
    {
        var write = new BlobWrite(BlobOperation.Store) { Data = data, Metadata = BytesOf(metadata) };
        await WriteAsync([write]);
        return write.Id;
    }

    /// <summary>Replaces data, metadata or both in one step; durable when it returns. False, and nothing done, when there is no such blob.</summary>
    /// <param name="data">Null keeps the data.</param>
    /// <param name="setsMetadata">False keeps the metadata.</param>
    /// <param name="metadata">Null removes it.</param>
    public async Task<bool> UpdateAsync(ulong id, byte[]? data, bool setsMetadata, string? metadata)
    {
        var write = new BlobWrite(BlobOperation.Update) { Id = id, Data = data, SetsMetadata = setsMetadata, Metadata = BytesOf(metadata) };
        await WriteAsync([write]);
        return write.Existed;
    }

    /// <summary>Removes a blob; durable when it returns. False when there was none.</summary>
    public async Task<bool> DeleteAsync(ulong id)
    {
        var write = new BlobWrite(BlobOperation.Delete) { Id = id };
        await WriteAsync([write]);
        return write.Existed;
    }

    internal ReaderPool<IBlobReader>.Lease Rent() => readers.Rent();

    internal Task WriteAsync(IReadOnlyList<BlobWrite> writes) => committer.SubmitAsync(writes);

    private static byte[]? BytesOf(string? text) => text is null ? null : Encoding.UTF8.GetBytes(text);

    /// <summary>Waits for commits, and closes the store.</summary>
    public async ValueTask DisposeAsync()
    {
        await committer.DisposeAsync();
        readers.Dispose();
        Backend.Dispose();
    }
}
