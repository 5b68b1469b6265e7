using Puff.Engine.Storage;
using Puff.TestKit.Storage;
using Xunit;

namespace Puff.Engine.Tests.Storage;

public sealed class RetryingObjectStoreTests
{
    private static readonly RetryOptions Options = new(5, TimeSpan.FromMilliseconds(100), TimeSpan.FromMilliseconds(500), TimeSpan.FromSeconds(10));

    private readonly SkippingTime time = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task WaitsGrowToTheirBoundAndAttemptsEnd()
    {
        var flaky = new FlakyStore(new MemoryObjectStore(), () => FlakyStore.Busy);
        await using var store = new RetryingObjectStore(flaky, time, new Random(1), Options);
        var error = await Assert.ThrowsAsync<StoreException>(async () => await store.HeadAsync("a", StorePurpose.User, Cancel));
        Assert.Same(FlakyStore.Busy, error);
        Assert.Equal(5, flaky.Calls);
        Assert.Equal(4, store.Retries);
        double[] bounds = [100, 200, 400, 500];
        Assert.Equal(bounds.Length, time.Waits.Count);
        Assert.All(bounds.Zip(time.Waits), pair => Assert.InRange(pair.Second.TotalMilliseconds, pair.First / 2, pair.First));
    }

    [Fact]
    public async Task NoAttemptBeginsWhenPatienceIsOver()
    {
        // Each attempt takes four seconds to fail, as one against a store that does not answer.
        var flaky = new FlakyStore(new MemoryObjectStore(), () =>
        {
            time.Advance(TimeSpan.FromSeconds(4));
            return FlakyStore.Busy;
        });
        await using var store = new RetryingObjectStore(flaky, time, new Random(1), Options);
        await Assert.ThrowsAsync<StoreException>(async () => await store.HeadAsync("a", StorePurpose.User, Cancel));
        Assert.Equal(3, flaky.Calls);
    }

    [Fact]
    public async Task ErrorsThatStayAreNotRepeated()
    {
        var flaky = new FlakyStore(new MemoryObjectStore(), () => FlakyStore.Denied);
        await using var store = new RetryingObjectStore(flaky, time, new Random(1), Options);
        await Assert.ThrowsAsync<StoreException>(async () => await store.GetAsync("a", new GetOptions(), StorePurpose.User, Cancel));
        Assert.Equal(1, flaky.Calls);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task ConditionalPutWithUnknownOutcomeIsLeftToTheCaller(bool ifAbsent)
    {
        var inner = new MemoryObjectStore();
        var start = await inner.PutAsync("match", new byte[1], PutCondition.None, StorePurpose.User, Cancel);
        var flaky = new FlakyStore(inner, () => null, () => FlakyStore.Lost);
        await using var store = new RetryingObjectStore(flaky, time, new Random(1), Options);
        var condition = ifAbsent ? PutCondition.Absent : PutCondition.Matches(start.ETag!);
        var error = await Assert.ThrowsAsync<StoreException>(
            async () => await store.PutAsync(ifAbsent ? "slot" : "match", new byte[3], condition, StorePurpose.User, Cancel));
        Assert.True(error.OutcomeUnknown);
        Assert.Equal(1, flaky.Calls);
        Assert.Equal(3, (await inner.HeadAsync(ifAbsent ? "slot" : "match", StorePurpose.User, Cancel))!.Bytes);
    }

    [Fact]
    public async Task ConditionalPutThatSurelyDidNotHappenIsRepeated()
    {
        int failures = 2;
        var flaky = new FlakyStore(new MemoryObjectStore(), () => failures-- > 0 ? FlakyStore.Busy : null);
        await using var store = new RetryingObjectStore(flaky, time, new Random(1), Options);
        Assert.Equal(PutStatus.Written, (await store.PutAsync("slot", default, PutCondition.Absent, StorePurpose.User, Cancel)).Status);
        Assert.Equal(3, flaky.Calls);
    }

    [Fact]
    public async Task UnconditionalPutWithUnknownOutcomeIsRepeated()
    {
        int failures = 2;
        var flaky = new FlakyStore(new MemoryObjectStore(), () => null, () => failures-- > 0 ? FlakyStore.Lost : null);
        await using var store = new RetryingObjectStore(flaky, time, new Random(1), Options);
        Assert.Equal(PutStatus.Written, (await store.PutAsync("a", default, PutCondition.None, StorePurpose.User, Cancel)).Status);
        await store.DeleteAsync("a", StorePurpose.User, Cancel);
        Assert.Equal(4, flaky.Calls);
    }

    [Fact]
    public async Task CancellationEndsTheWait()
    {
        using var cancel = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        var flaky = new FlakyStore(new MemoryObjectStore(), () => FlakyStore.Busy);
        var patient = Options with { FirstDelay = TimeSpan.FromDays(1), MaxDelay = TimeSpan.FromDays(1), Patience = TimeSpan.FromDays(2) };
        await using var store = new RetryingObjectStore(flaky, TimeProvider.System, new Random(1), patient);
        var call = store.HeadAsync("a", StorePurpose.User, cancel.Token).AsTask();
        Assert.False(call.IsCompleted);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
    }
}
