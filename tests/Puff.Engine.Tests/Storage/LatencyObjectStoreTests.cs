using Puff.Engine.Storage;
using Puff.TestKit.Storage;
using Xunit;

namespace Puff.Engine.Tests.Storage;

public sealed class LatencyObjectStoreTests
{
    private readonly SkippingTime time = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public void CurveGoesThroughItsPointsInStraightLines()
    {
        var curve = LatencyModel.Typical.Get;
        foreach (var (quantile, milliseconds) in new[] { (0, 45), (0.5, 63), (0.9, 70), (0.99, 78), (0.999, 118), (1, 400), (0.25, 54), (0.7, 66.5) })
        {
            Assert.Equal(milliseconds, curve.At(quantile).TotalMilliseconds, 0.001);
        }

        Assert.Throws<ArgumentException>(() => new QuantileCurve((0, 1), (0.5, 2)));
        Assert.Throws<ArgumentException>(() => new QuantileCurve((0, 1), (0.7, 2), (0.5, 2), (1, 3)));
    }

    [Fact]
    public async Task DrawnWaitsHaveTheQuantilesOfTheModel()
    {
        await using var store = Open(LatencyModel.Typical);
        await store.PutAsync("a", default, PutCondition.None, StorePurpose.User, Cancel);
        for (int i = 0; i < 4000; i++)
        {
            (await store.GetAsync("a", new GetOptions(), StorePurpose.User, Cancel)).Content!.Release();
        }

        var waits = time.Waits.Skip(1).Order().Select(wait => wait.TotalMilliseconds).ToArray();
        Assert.Equal(4000, waits.Length);
        Assert.InRange(waits[2000], 61, 65);
        Assert.InRange(waits[3600], 68, 72);
        Assert.InRange(waits[3960], 75, 85);
    }

    [Fact]
    public async Task TransferTakesTimeAndAbsenceIsQuick()
    {
        var flat = new LatencyModel { Get = new((0, 100), (1, 100)), Put = new((0, 200), (1, 200)) };
        await using var store = Open(flat);
        await store.PutAsync("a", new byte[9_000_000], PutCondition.None, StorePurpose.User, Cancel);
        (await store.GetAsync("a", new GetOptions(), StorePurpose.User, Cancel)).Content!.Release();
        await store.GetAsync("b", new GetOptions(), StorePurpose.User, Cancel);
        await store.ListAsync(new ListOptions(""), StorePurpose.User, Cancel);
        (await store.MapAsync("a", StorePurpose.User, Cancel))!.Release();
        Assert.Equal([300, 200, 40, 130, 112], time.Waits.Select(wait => wait.TotalMilliseconds));
        Assert.False(store.Capabilities.SupportsMapping);
    }

    [Fact]
    public async Task RejectedCallsDidNotHappen()
    {
        await using var store = Open(LatencyModel.Typical with { RejectRate = 0.5 });
        int rejected = 0;
        for (int i = 0; i < 200; i++)
        {
            try
            {
                await store.PutAsync($"key/{i}", default, PutCondition.Absent, StorePurpose.User, Cancel);
            }
            catch (StoreException error) when (error.Transient && !error.OutcomeUnknown)
            {
                rejected++;
            }
        }

        Assert.InRange(rejected, 70, 130);
        Assert.Equal(200 - rejected, await CountAsync(store));
    }

    [Fact]
    public async Task OneSeedGivesOneRun()
    {
        var other = new SkippingTime();
        foreach (var clock in new[] { time, other })
        {
            await using var store = new LatencyObjectStore(new MemoryObjectStore(), LatencyModel.HeavyTail, clock, new Random(5));
            for (int i = 0; i < 50; i++)
            {
                await store.HeadAsync("a", StorePurpose.User, Cancel);
            }
        }

        Assert.Equal(time.Waits, other.Waits);
    }

    private static async Task<int> CountAsync(LatencyObjectStore store)
    {
        while (true)
        {
            try
            {
                return (await store.ListAsync(new ListOptions("key/"), StorePurpose.User, Cancel)).Objects.Count;
            }
            catch (StoreException error) when (error.Transient)
            {
                // The listing, too, is rejected half of the time.
            }
        }
    }

    private LatencyObjectStore Open(LatencyModel model) => new(new MemoryObjectStore(), model, time, new Random(3));
}
