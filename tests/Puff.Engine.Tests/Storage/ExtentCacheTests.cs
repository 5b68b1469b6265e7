using System.Diagnostics;
using Puff.Engine.Storage;
using Puff.TestKit.Storage;
using Xunit;

namespace Puff.Engine.Tests.Storage;

/// <summary>Blocks that stay on the disk: over restarts, within the number of bytes, and never taken away from who reads them.</summary>
public sealed class ExtentCacheTests : IDisposable
{
    private const int Block = LocalCopy.BlockBytes;
    private const StorePurpose Segment = StorePurpose.Segment;

    private readonly TemporaryFolder folder = new();
    private readonly RemoteStore remote = new(new Lasting(new MemoryObjectStore()));

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private ExtentStoreOptions Options => new() { Folder = folder.Path, KeepsBlocks = true, HedgedShare = 0, CacheBytes = 64 * Block };

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task A_restart_finds_what_was_there()
    {
        await PutAsync("ns/a/seg/1", 10);
        await using (var store = new ExtentObjectStore(remote, Options))
        {
            var memory = await OpenAsync(store, "ns/a/seg/1", 10);
            memory.Require(2 * Block, 3 * Block);
            memory.Require((9 * Block) + 1, 1);
            memory.ReleaseOwner();
        }

        int before = remote.Gets.Count;
        await using var again = new ExtentObjectStore(remote, Options);
        var found = await OpenAsync(again, "ns/a/seg/1", 10);
        found.Require(2 * Block, 3 * Block);
        found.Require(9 * Block, Last);
        Assert.Equal(before, remote.Gets.Count);
        AssertContent(found, "ns/a/seg/1", 10, 2, 3, 4, 9);
        found.Require(0, 1);
        Assert.Equal(before + 1, remote.Gets.Count);
        found.ReleaseOwner();
    }

    [Fact]
    public async Task What_is_closed_and_opened_again_is_still_there()
    {
        await PutAsync("ns/a/seg/1", 10);
        await using var store = new ExtentObjectStore(remote, Options);
        for (int i = 0; i < 3; i++)
        {
            var memory = await OpenAsync(store, "ns/a/seg/1", 10);
            memory.Require(0, 10 * Block - 500);
            AssertContent(memory, "ns/a/seg/1", 10, Enumerable.Range(0, 10).ToArray());
            memory.ReleaseOwner();
        }

        Assert.Single(remote.Gets);
    }

    [Fact]
    public async Task The_number_of_bytes_is_kept_over_many_objects()
    {
        await using var store = new ExtentObjectStore(remote, Options);
        for (int i = 0; i < 40; i++)
        {
            string key = $"ns/n{i % 3}/seg/{i}";
            await PutAsync(key, 7);
            var memory = await OpenAsync(store, key, 7);
            memory.AllowEviction();
            using (memory.Readers!.Enter())
            {
                Read(memory, key, 7, Enumerable.Range(0, 7).ToArray());
            }

            if (i % 2 == 0)
            {
                memory.Release();
            }
        }

        await WaitForAsync(() => store.Statistics.Bytes <= 64 * Block);
        Assert.InRange(store.Statistics.Bytes, 32 * Block, 64 * Block);
        Assert.InRange(BytesOnDisk(), 32 * Block, 66 * Block);
        Assert.True(store.Statistics.Evictions > 100);
    }

    [Fact]
    public async Task What_somebody_reads_is_not_taken_away()
    {
        await using var store = new ExtentObjectStore(remote, Options with { CacheBytes = 8 * Block });
        await PutAsync("ns/a/seg/1", 4);
        var memory = await OpenAsync(store, "ns/a/seg/1", 4);
        memory.AllowEviction();
        var reader = memory.Readers!.Enter();
        Read(memory, "ns/a/seg/1", 4, 0, 1, 2, 3);
        for (int i = 0; i < 10; i++)
        {
            await ReadAllAsync(store, $"ns/a/seg/other{i}", 8);
        }

        AssertContent(memory, "ns/a/seg/1", 4, 0, 1, 2, 3);
        Assert.True(store.Statistics.Bytes > 8 * Block);
        reader.Dispose();
        await ReadAllAsync(store, "ns/a/seg/last", 1);
        await WaitForAsync(() => store.Statistics.Bytes <= 8 * Block);
        Assert.False(((DemandMemory)memory).HasAll(0, 4 * Block - 500));
        int before = remote.Gets.Count;
        using (memory.Readers.Enter())
        {
            Read(memory, "ns/a/seg/1", 4, 0, 1, 2, 3);
        }

        Assert.True(remote.Gets.Count > before);
        memory.Release();
    }

    [Fact]
    public async Task What_is_asked_for_on_its_way_out_stays()
    {
        await using var store = new ExtentObjectStore(remote, Options);
        await PutAsync("ns/a/seg/1", 2);
        var memory = await OpenAsync(store, "ns/a/seg/1", 2);
        memory.AllowEviction();
        using (memory.Readers!.Enter())
        {
            Read(memory, "ns/a/seg/1", 2, 0, 1);
        }

        var first = memory.Readers.Enter();
        Assert.Equal(2, store.Cache!.Purge("a"));
        Assert.False(IsReady(memory, 0));
        using (memory.Readers.Enter())
        {
            Assert.True(memory.TryMarkReady(0, isGood: false));
        }

        first.Dispose();
        await WaitForAsync(() => store.Statistics.Bytes == Block);
        Assert.True(((DemandMemory)memory).HasAll(0, Block));
        Assert.False(((DemandMemory)memory).HasAll(Block, 1));
        Assert.False(memory.TryMarkReady(1, isGood: true));
        memory.Release();
    }

    [Fact]
    public async Task What_is_held_or_has_an_owner_who_did_not_promise_stays()
    {
        await using var store = new ExtentObjectStore(remote, Options);
        await PutAsync("ns/a/seg/1", 4);
        var memory = await OpenAsync(store, "ns/a/seg/1", 4);
        Read(memory, "ns/a/seg/1", 4, 0, 1, 2, 3);
        store.Cache!.Purge("a");
        AssertContent(memory, "ns/a/seg/1", 4, 0, 1, 2, 3);
        memory.Hold(Block + 5, 10);
        memory.AllowEviction();
        Assert.Equal(3, store.Cache.Purge("a"));
        AssertContent(memory, "ns/a/seg/1", 4, 1);
        Assert.False(((DemandMemory)memory).HasAll(0, 1));
        memory.Release();
        Assert.Equal(1, store.Cache.Purge("a"));
        Assert.Equal(0, store.Statistics.Bytes);
        Assert.Empty(Files());
    }

    [Fact]
    public async Task A_disk_without_room_costs_memory_within_bounds_and_is_no_error()
    {
        bool isFull = true;
        var options = Options with { MemoryBytes = 6 * Block, RefusesWrite = _ => isFull };
        await using var store = new ExtentObjectStore(remote, options);
        await PutAsync("ns/a/seg/1", 30);
        var memory = await OpenAsync(store, "ns/a/seg/1", 30);
        memory.AllowEviction();
        for (int round = 0; round < 3; round++)
        {
            for (int i = 0; i < 30; i++)
            {
                using (memory.Readers!.Enter())
                {
                    Read(memory, "ns/a/seg/1", 30, i);
                }

                await WaitForAsync(() => store.Statistics.MemoryBytes <= 6 * Block);
            }
        }

        Assert.True(store.Statistics.FailedWrites > 0);
        isFull = false;
        for (int round = 0; round < 4; round++)
        {
            using (memory.Readers!.Enter())
            {
                Read(memory, "ns/a/seg/1", 30, Enumerable.Range(0, 30).ToArray());
            }
        }

        Assert.InRange(BytesOnDisk(), 15 * Block, 30 * Block);
        memory.Release();
    }

    [Fact]
    public async Task A_folder_that_takes_no_more_files_is_no_error()
    {
        await using var store = new ExtentObjectStore(remote, Options);
        string files = Path.Combine(folder.Path, "blocks-1");
        Directory.Delete(files);
        await File.WriteAllTextAsync(files, "", Cancel);
        await ReadAllAsync(store, "ns/a/seg/1", 9);
        Assert.Equal(0, BytesOnDisk());
    }

    [Fact]
    public async Task A_damaged_file_is_known_as_not_good_until_it_was_checked()
    {
        await PutAsync("ns/a/seg/1", 4);
        await using (var store = new ExtentObjectStore(remote, Options))
        {
            await ReadAllAsync(store, "ns/a/seg/1", 4);
        }

        await using var again = new ExtentObjectStore(remote, Options);
        var memory = await OpenAsync(again, "ns/a/seg/1", 4);
        memory.AllowEviction();
        using (memory.Readers!.Enter())
        {
            memory.Require(0, 1);
            Assert.False(memory.TryMarkReady(0, isGood: false));
            Assert.True(memory.TryMarkReady(0, isGood: true));
            Assert.True(memory.Reload(0, Block));
            Assert.False(memory.TryMarkReady(0, isGood: false));
        }

        memory.Release();
    }

    [Fact]
    public async Task Files_of_an_earlier_run_go_first_the_oldest_of_them_before_the_others()
    {
        await using (var store = new ExtentObjectStore(remote, Options))
        {
            for (int i = 0; i < 6; i++)
            {
                await ReadAllAsync(store, $"ns/a/seg/{i}", 10);
                await Task.Delay(5, Cancel);
            }
        }

        Assert.Equal(6, Files().Length);
        await using var again = new ExtentObjectStore(remote, Options);
        await ReadAllAsync(again, "ns/b/seg/new", 10);
        Assert.InRange(again.Statistics.UnopenedBytes, 50 * Block, 53 * Block);
        int before = remote.Gets.Count;
        await ReadAllAsync(again, "ns/a/seg/5", 10);
        Assert.Equal(before, remote.Gets.Count);
        await ReadAllAsync(again, "ns/a/seg/0", 10);
        Assert.True(remote.Gets.Count > before);
    }

    [Fact]
    public async Task Less_room_than_before_is_kept_from_the_start()
    {
        await using (var store = new ExtentObjectStore(remote, Options))
        {
            for (int i = 0; i < 6; i++)
            {
                await ReadAllAsync(store, $"ns/a/seg/{i}", 10);
            }
        }

        await using var again = new ExtentObjectStore(remote, Options with { CacheBytes = 32 * Block });
        Assert.InRange(BytesOnDisk(), 1, 32 * Block);
    }

    [Fact]
    public async Task One_process_has_a_folder_and_files_of_other_stores_go()
    {
        await using (var store = new ExtentObjectStore(remote, Options))
        {
            await ReadAllAsync(store, "ns/a/seg/1", 3);
            var refused = Assert.Throws<StoreException>(() => new ExtentObjectStore(remote, Options));
            Assert.Contains("another process", refused.Message, StringComparison.Ordinal);
            Assert.Contains("--cache-dir", refused.Message, StringComparison.Ordinal);
        }

        using var elsewhere = new TemporaryFolder();
        Assert.Single(Files());
        await using var directory = await DirectoryObjectStore.OpenAsync(elsewhere.Path, new DirectoryStoreOptions { Durable = false });
        await using var other = new ExtentObjectStore(new RemoteStore(directory), Options);
        Assert.Empty(Files());
    }

    [Fact]
    public async Task What_is_deleted_here_leaves_no_file()
    {
        await using var store = new ExtentObjectStore(remote, Options);
        await ReadAllAsync(store, "ns/a/seg/1", 3);
        Assert.Single(Files());
        await store.DeleteAsync("ns/a/seg/1", Segment, Cancel);
        Assert.Empty(Files());
        Assert.Equal(0, store.Statistics.Bytes);
    }

    [Theory]
    [InlineData("puff/ns/docs/seg/1.rows", "docs")]
    [InlineData("ns/docs/seg/1.rows", "docs")]
    [InlineData("a/b/ns/docs/tree/1", "docs")]
    [InlineData("puff/other/1", "")]
    [InlineData("ns", "")]
    [InlineData("xns/docs/seg/1", "")]
    public void The_namespace_is_in_the_key(string key, string name) => Assert.Equal(name, ExtentCache.ShareNameOf(key));

    private static int Last => 1;

    /// <summary>A store that outlives those who close it.</summary>
    private sealed class Lasting(IObjectStore inner) : DelegatingObjectStore(inner)
    {
        public override ValueTask DisposeAsync() => default;
    }

    private static byte[] ContentOf(string key, int blocks)
    {
        byte[] content = new byte[(blocks * Block) - 500];
        new Random(key.Sum(c => c)).NextBytes(content);
        return content;
    }

    private static bool IsReady(ObjectMemory memory, int block) => (memory.ReadyBlocks![block >> 6] >> block & 1) != 0;

    /// <summary>As a part reader does, with the content in place of checksums.</summary>
    private static void Read(ObjectMemory memory, string key, int blocks, params int[] numbers)
    {
        foreach (int block in numbers)
        {
            long length = Math.Min(Block, memory.Length - ((long)block * Block));
            while (!IsReady(memory, block) && !memory.TryMarkReady(block, isGood: false))
            {
                memory.Require((long)block * Block, length);
                AssertContent(memory, key, blocks, block);
                memory.TryMarkReady(block, isGood: true);
            }
        }

        AssertContent(memory, key, blocks, numbers);
    }

    private static void AssertContent(ObjectMemory memory, string key, int blocks, params int[] numbers)
    {
        byte[] content = ContentOf(key, blocks);
        foreach (int block in numbers)
        {
            int length = Math.Min(Block, content.Length - (block * Block));
            Assert.True(memory.Slice((long)block * Block, length).SequenceEqual(content.AsSpan(block * Block, length)), $"{key}, block {block}");
        }
    }

    private static async Task WaitForAsync(Func<bool> condition)
    {
        // Room is given back on another thread.
        for (long start = Stopwatch.GetTimestamp(); !condition();)
        {
            Assert.True(Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(30));
            await Task.Yield();
        }
    }

    private static async Task<ObjectMemory> OpenAsync(ExtentObjectStore store, string key, int blocks) =>
        (await store.MapAsync(key, (blocks * (long)Block) - 500, Segment, Cancel))!;

    private async Task ReadAllAsync(ExtentObjectStore store, string key, int blocks)
    {
        await PutAsync(key, blocks);
        var memory = await OpenAsync(store, key, blocks);
        Read(memory, key, blocks, Enumerable.Range(0, blocks).ToArray());
        memory.ReleaseOwner();
    }

    private async Task PutAsync(string key, int blocks) => await remote.PutAsync(key, ContentOf(key, blocks), PutCondition.None, Segment, Cancel);

    private string[] Files() => Directory.GetFiles(Path.Combine(folder.Path, "blocks-1"));

    private long BytesOnDisk() => Directory.Exists(Path.Combine(folder.Path, "blocks-1"))
        ? Files().Sum(f => Posix.Stat(f, out var facts) == 0 ? facts.DiskBytes : 0)
        : 0;
}
