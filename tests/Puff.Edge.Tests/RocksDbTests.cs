using Puff.Edge.Backends.RocksDb;
using Puff.Edge.Transport;
using Xunit;

namespace Puff.Edge.Tests;

/// <summary>What is RocksDB's own: families of others, ids of others, one process; conformance list 11.</summary>
public sealed class RocksDbTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("puff-edge-").FullName;

    private string StorePath => Path.Combine(folder, "store.db");

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public async Task A_directory_with_the_three_families_and_random_ids_opens_and_keeps_them()
    {
        const ulong Random = 0xfedc_ba98_7654_3210;
        using (var database = new RocksDatabase(StorePath, RocksDatabase.DefaultFamily, "data", "metadata", "somebody else's"))
        {
            Write(database, "data", [7, 0, 0, 0, 0, 0, 0, 0], "seven"u8);
            Write(database, "metadata", [7, 0, 0, 0, 0, 0, 0, 0], "text"u8);
            Write(database, "data", [0x10, 0x32, 0x54, 0x76, 0x98, 0xba, 0xdc, 0xfe], "random"u8);
        }

        await using (BlobStore store = BlobStore.Open(EdgeEngine.RocksDb, StorePath))
        {
            Assert.Equal("text", store.Get(7)!.Metadata);
            Assert.Equal("seven"u8.ToArray(), store.Get(7)!.Data);
            Assert.Equal("random"u8.ToArray(), store.Get(Random)!.Data);
            Assert.Null(store.Get(Random)!.Metadata);
            Assert.Equal(8ul, await store.StoreAsync([1], null));
        }

        await using BlobStore again = BlobStore.Open(EdgeEngine.RocksDb, StorePath);
        Assert.Equal(9ul, await again.StoreAsync([2], null));
    }

    [Fact]
    public async Task A_store_belongs_to_one_opener_at_a_time()
    {
        await using KvStore store = KvStore.Open(EdgeEngine.RocksDb, StorePath);
        var error = Assert.Throws<EdgeException>(() => KvStore.Open(EdgeEngine.RocksDb, StorePath));
        Assert.Equal(GrpcStatus.Unavailable, error.Status);
        Assert.Contains("one process at a time", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_missing_folder_and_a_file_in_the_way_are_named()
    {
        string missing = Path.Combine(folder, "nowhere", "store.db");
        Assert.Equal(GrpcStatus.Unavailable, Assert.Throws<EdgeException>(() => KvStore.Open(EdgeEngine.RocksDb, missing)).Status);
        string file = Path.Combine(folder, "file");
        File.WriteAllText(file, "x");
        var error = Assert.Throws<EdgeException>(() => KvStore.Open(EdgeEngine.RocksDb, file));
        Assert.Equal(GrpcStatus.FailedPrecondition, error.Status);
        Assert.Equal("x", File.ReadAllText(file));
    }

    [Fact]
    public async Task Removals_within_one_commit_see_what_was_written_before_them()
    {
        await using KvStore store = KvStore.Open(EdgeEngine.RocksDb, StorePath);
        byte[] key = "k"u8.ToArray();
        Backends.KvWrite[] writes = [new(key, [1]), new(key, null), new(key, null), new(key, [2])];
        await store.WriteAsync(writes);
        Assert.Equal([false, true, false, false], writes.Select(write => write.Existed));
        Assert.Equal([2], store.Get(key));
    }

    private static unsafe void Write(RocksDatabase database, string family, byte[] key, ReadOnlySpan<byte> value)
    {
        IntPtr batch = RocksNative.CreateBatch();
        fixed (byte* keyStart = key, valueStart = value)
        {
            RocksNative.Put(batch, database.Family(family), keyStart, (nuint)key.Length, valueStart, (nuint)value.Length);
        }

        database.Write(batch);
        RocksNative.DestroyBatch(batch);
    }
}
