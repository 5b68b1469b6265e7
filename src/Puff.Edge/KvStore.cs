using System.Text.Unicode;
using Puff.Edge.Backends;
using Puff.Edge.Backends.RocksDb;
using Puff.Edge.Backends.Sqlite;
using Puff.Edge.Transport;

namespace Puff.Edge;

/// <summary>
/// A key-value store: keys and values are UTF-8 texts of any length, the empty one included. Thread-safe. Errors are <see cref="EdgeException"/>.
/// </summary>
public sealed class KvStore : IAsyncDisposable
{
    private readonly GroupCommitter<KvWrite> committer;
    private readonly ReaderPool<IKvReader> readers;

    internal KvStore(IKvBackend backend)
    {
        Backend = backend;
        committer = new GroupCommitter<KvWrite>("edge-kv-writer", backend.Commit);
        readers = new ReaderPool<IKvReader>(backend.CreateReader);
    }

    internal IKvBackend Backend { get; }

    /// <summary>Opens a store, and makes it when it is not there; the folder must exist.</summary>
    /// <param name="path">Of the store's file, with RocksDB its directory; unused by the memory engine.</param>
    public static KvStore Open(EdgeEngine engine, string path) => new(engine switch
    {
        EdgeEngine.Sqlite => new SqliteKv(path),
        EdgeEngine.RocksDb => new RocksKv(path),
        _ => new MemoryKv(),
    });

    /// <summary>The value of a key, or null when there is none.</summary>
    public byte[]? Get(ReadOnlySpan<byte> key)
    {
        using var lease = Rent();
        byte[]?[] found = [null];
        lease.Reader.TryRead(key, found, static (value, found) => found[0] = value.ToArray());
        return found[0];
    }

    /// <summary>Inserts or replaces; durable when it returns.</summary>
    public Task SetAsync(byte[] key, byte[] value)
    {
        CheckText(key, "key");
        CheckText(value, "value");
        return WriteAsync([new KvWrite(key, value)]);
    }

    /// <summary>Removes a key; durable when it returns. False when there was none.</summary>
    public async Task<bool> DeleteAsync(byte[] key)
    {
        var write = new KvWrite(key, null);
        await WriteAsync([write]);
        return write.Existed;
    }

    internal ReaderPool<IKvReader>.Lease Rent() => readers.Rent();

    /// <summary>Commits writes together with those of other callers: all of them or none.</summary>
    internal Task WriteAsync(IReadOnlyList<KvWrite> writes) => committer.SubmitAsync(writes);

    internal static void CheckText(ReadOnlySpan<byte> text, string what)
    {
        if (!Utf8.IsValid(text))
        {
            throw EdgeException.Internal($"a {what} is no valid UTF-8");
        }
    }

    /// <summary>Waits for commits, and closes the store.</summary>
    public async ValueTask DisposeAsync()
    {
        await committer.DisposeAsync();
        readers.Dispose();
        Backend.Dispose();
    }
}
