using Puff.Engine.Storage;
using Xunit;

namespace Puff.Engine.Tests.Storage;

public sealed class CountingObjectStoreTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task RequestsAndBytesAreCountedByOperationAndPurpose()
    {
        await using var store = new CountingObjectStore(new MemoryObjectStore());
        await store.PutAsync("a", new byte[100], PutCondition.Absent, StorePurpose.Wal, Cancel);
        await store.PutAsync("a", new byte[100], PutCondition.Absent, StorePurpose.Wal, Cancel);
        (await store.GetAsync("a", new GetOptions(90, 20), StorePurpose.Segment, Cancel)).Content!.Release();
        await store.GetAsync("b", new GetOptions(), StorePurpose.Wal, Cancel);
        (await store.MapAsync("a", StorePurpose.Segment, Cancel))!.Release();
        await using (var writer = await store.CreateAsync("c", StorePurpose.Segment, Cancel))
        {
            await writer.WriteAsync(new byte[7], Cancel);
            await writer.WriteAsync(new byte[8], Cancel);
            await writer.CompleteAsync(Cancel);
        }

        var counts = store.Snapshot();
        Assert.Equal(new StoreCount(2, 0, 200, 0), counts[StoreOperation.Put, StorePurpose.Wal]);
        Assert.Equal(new StoreCount(1, 0, 0, 10), counts[StoreOperation.Get, StorePurpose.Segment]);
        Assert.Equal(new StoreCount(1, 0, 0, 0), counts[StoreOperation.Get, StorePurpose.Wal]);
        Assert.Equal(new StoreCount(1, 0, 0, 0), counts.Of(StoreOperation.Map));
        Assert.Equal(new StoreCount(1, 0, 15, 0), counts.Of(StoreOperation.Write));
        Assert.Equal(new StoreCount(3, 0, 15, 10), counts.Of(StorePurpose.Segment));
        Assert.Equal(new StoreCount(6, 0, 215, 10), counts.Total);

        await store.HeadAsync("a", StorePurpose.Manifest, Cancel);
        await store.ListAsync(new ListOptions(""), StorePurpose.Manifest, Cancel);
        await store.CopyAsync("a", "d", StorePurpose.Manifest, Cancel);
        await store.DeleteAsync("d", StorePurpose.Manifest, Cancel);
        var since = store.Snapshot().Since(counts);
        Assert.Equal(new StoreCount(4, 0, 0, 0), since.Total);
        Assert.Equal(new StoreCount(4, 0, 0, 0), since.Of(StorePurpose.Manifest));
    }

    [Fact]
    public async Task FailuresAreCounted()
    {
        await using var store = new CountingObjectStore(new FlakyStore(new MemoryObjectStore(), () => FlakyStore.Denied));
        await Assert.ThrowsAsync<StoreException>(async () => await store.HeadAsync("a", StorePurpose.User, Cancel));
        Assert.Equal(new StoreCount(1, 1, 0, 0), store.Snapshot().Total);
    }
}
