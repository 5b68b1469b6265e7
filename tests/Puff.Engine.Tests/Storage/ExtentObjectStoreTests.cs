using Puff.Engine.Storage;
using Puff.TestKit.Storage;
using Xunit;

namespace Puff.Engine.Tests.Storage;

public sealed class ExtentObjectStoreContractTests : ObjectStoreContract
{
    protected override ValueTask<IObjectStore> OpenAsync() =>
        new(new ExtentObjectStore(new RemoteStore(new MemoryObjectStore()), new ExtentStoreOptions { HedgedShare = 0 }));
}

/// <summary>Demand-loaded objects: what is fetched, how often, and what failures become.</summary>
public sealed class ExtentObjectStoreTests : IDisposable
{
    private const string Key = "seg/object";
    private const int Block = LocalCopy.BlockBytes;
    private const StorePurpose Segment = StorePurpose.Segment;

    private readonly TemporaryFolder folder = new();
    private readonly RemoteStore remote = new(new MemoryObjectStore());
    private byte[] content = [];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData(1)]
    [InlineData(Block - 1)]
    [InlineData(Block)]
    [InlineData(4 * Block)]
    [InlineData((4 * Block) + 1)]
    [InlineData((37 * Block) + 12345)]
    public async Task Whatever_is_required_is_there(int length)
    {
        var memory = await OpenAsync(length);
        var random = new Random(length);
        for (int i = 0; i < 40; i++)
        {
            int offset = random.Next(length);
            int count = random.Next(Math.Min(length - offset, 3 * Block) + 1);
            memory.Require(offset, count);
            Assert.True(memory.Slice(offset, count).SequenceEqual(content.AsSpan(offset, count)));
        }

        memory.Require(0, length);
        Assert.True(memory.Span.SequenceEqual(content));
        int before = remote.Gets.Count;
        memory.Require(0, length);
        Assert.Equal(before, remote.Gets.Count);
        memory.Release();
    }

    [Fact]
    public async Task Opening_asks_the_store_for_nothing()
    {
        var memory = await OpenAsync(40 * Block);
        Assert.Empty(remote.Gets);
        memory.Require(5, 0);
        Assert.Empty(remote.Gets);
        memory.Require(Block + 1, 1);
        Assert.Equal([(Key, (long)Block, (long)Block)], remote.Gets);
        memory.Release();
    }

    [Fact]
    public async Task Neighbours_are_fetched_with_one_request_and_long_runs_with_several()
    {
        var memory = await OpenAsync(100 * Block);
        var batch = new BlockBatch();
        batch.Add(memory, 3 * Block, 10);
        batch.Add(memory, 4 * Block, 10);
        batch.Add(memory, 7 * Block, 10);
        batch.Add(memory, 20 * Block, 40 * Block);
        batch.Add(memory, 30 * Block, Block);
        batch.Run();
        Assert.Equal(
            [(3, 5), (20, 16), (36, 16), (52, 8)],
            remote.Gets.OrderBy(g => g.Offset).Select(g => ((int)(g.Offset / Block), (int)(g.Length / Block))));
        memory.Release();
    }

    [Fact]
    public async Task A_block_on_its_way_is_not_asked_for_again()
    {
        var memory = await OpenAsync(20 * Block);
        var held = new TaskCompletionSource();
        remote.Before = _ => new ValueTask(held.Task);
        var readers = Enumerable.Range(0, 8).Select(i => Start(() => memory.Require((long)(i % 2) * Block, Block))).ToArray();
        while (remote.Gets.Count < 2)
        {
            await Task.Yield();
        }

        held.SetResult();
        await Task.WhenAll(readers);
        Assert.Equal(2, remote.Gets.Count);
        Assert.True(memory.Slice(0, 2 * Block).SequenceEqual(content.AsSpan(0, 2 * Block)));
        memory.Release();
    }

    [Fact]
    public async Task No_more_requests_run_at_once_than_allowed()
    {
        int running = 0;
        int most = 0;
        var gate = new Lock();
        var store = new ExtentObjectStore(remote, Options with { MaxRequestsPerStep = 3, MergeGapBytes = 0 });
        var memory = await OpenAsync(80 * Block, store);
        remote.Before = async _ =>
        {
            lock (gate)
            {
                most = Math.Max(most, ++running);
            }

            await Task.Yield();
        };
        remote.After = (_, result) =>
        {
            Interlocked.Decrement(ref running);
            return result;
        };
        var batch = new BlockBatch();
        for (int i = 0; i < 80; i += 2)
        {
            batch.Add(memory, (long)i * Block, 1);
        }

        batch.Run();
        Assert.Equal(40, remote.Gets.Count);
        Assert.InRange(most, 1, 3);
        memory.Release();
    }

    [Fact]
    public async Task A_short_answer_is_asked_for_again_and_never_taken()
    {
        var memory = await OpenAsync(10 * Block);
        remote.After = (number, result) => number == 1 ? RemoteStore.With(result, bytes => bytes[..^1]) : result;
        memory.Require(0, Block);
        Assert.True(memory.Slice(0, Block).SequenceEqual(content.AsSpan(0, Block)));
        Assert.Equal(2, remote.Gets.Count);
        remote.After = (_, result) => RemoteStore.With(result, bytes => bytes[..(bytes.Length / 2)]);
        Assert.True(Assert.Throws<StoreException>(() => memory.Require(2 * Block, 1)).Transient);
        memory.Release();
    }

    [Fact]
    public async Task A_failure_is_the_callers_and_the_next_one_asks_again()
    {
        var memory = await OpenAsync(10 * Block);
        remote.Before = number => number == 1 ? throw FlakyStore.Denied : default;
        Assert.Throws<StoreException>(() => memory.Require(0, 1));
        memory.Require(0, 1);
        Assert.True(memory.Slice(0, Block).SequenceEqual(content.AsSpan(0, Block)));
        memory.Release();
    }

    [Fact]
    public async Task An_object_that_is_gone_or_of_another_length_is_corrupt()
    {
        var memory = await OpenAsync(10 * Block);
        await remote.DeleteAsync(Key, StorePurpose.User, Cancel);
        Assert.Equal(ErrorKind.Corrupt, Assert.Throws<PuffException>(() => memory.Require(0, 1)).Kind);
        await remote.PutAsync(Key, new byte[9 * Block], PutCondition.None, StorePurpose.User, Cancel);
        Assert.Equal(ErrorKind.Corrupt, Assert.Throws<PuffException>(() => memory.Require(0, 1)).Kind);
        memory.Release();
    }

    [Fact]
    public async Task A_damaged_block_is_replaced()
    {
        foreach (int length in (int[])[2 * Block, 10 * Block])
        {
            var memory = await OpenAsync(length);
            int first = remote.Gets.Count + 1;
            remote.After = (number, result) => number == first ? RemoteStore.With(result, Flipped) : result;
            memory.Require(Block, 1);
            Assert.False(memory.Slice(Block, Block).SequenceEqual(content.AsSpan(Block, Block)));
            Assert.True(memory.Reload(Block, Block));
            Assert.True(memory.Slice(Block, Block).SequenceEqual(content.AsSpan(Block, Block)));
            memory.Release();
        }
    }

    [Fact]
    public async Task Whoever_opens_an_object_that_is_open_shares_its_blocks()
    {
        var store = new ExtentObjectStore(remote, Options);
        var first = await OpenAsync(10 * Block, store);
        first.Require(0, 1);
        var second = (await store.MapAsync(Key, 10 * Block, Segment, Cancel))!;
        first.Release();
        second.Require(0, 1);
        Assert.Single(remote.Gets);
        second.Release();
        var third = (await store.MapAsync(Key, 10 * Block, Segment, Cancel))!;
        third.Require(0, 1);
        Assert.Equal(2, remote.Gets.Count);
        third.Release();
        Assert.Empty(Directory.EnumerateFileSystemEntries(folder.Path));
    }

    [Fact]
    public async Task A_folder_that_takes_no_files_is_an_error_that_names_it()
    {
        var store = new ExtentObjectStore(remote, new ExtentStoreOptions { Folder = "/proc/none" });
        var error = await Assert.ThrowsAnyAsync<Exception>(async () => await OpenAsync(10 * Block, store));
        Assert.Contains("/proc/none", Assert.IsType<StoreException>(error).Message, StringComparison.Ordinal);
    }

    private static Task Start(Action work) =>
        Task.Factory.StartNew(work, Cancel, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    private static byte[] Flipped(byte[] bytes)
    {
        bytes[100] ^= 1;
        return bytes;
    }

    private ExtentStoreOptions Options => new() { Folder = folder.Path, HedgedShare = 0 };

    private async Task<ObjectMemory> OpenAsync(int length, ExtentObjectStore? store = null)
    {
        content = new byte[length];
        new Random(length).NextBytes(content);
        await remote.PutAsync(Key, content, PutCondition.None, StorePurpose.User, Cancel);
        return (await (store ?? new ExtentObjectStore(remote, Options)).MapAsync(Key, length, Segment, Cancel))!;
    }
}
