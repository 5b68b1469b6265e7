using System.Collections.Concurrent;
using Puff.Engine.Indexing;
using Xunit;

namespace Puff.Engine.Tests.Indexing;

public sealed class BackgroundThreadsTests
{
    [Fact]
    public async Task WorkAndItsContinuationsStayOnBackgroundThreads()
    {
        var names = new ConcurrentBag<string?>();
        await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => Task.Factory.StartNew(
            async () =>
            {
                names.Add(Thread.CurrentThread.Name);
                await Task.Yield();
                names.Add(Thread.CurrentThread.Name);
            },
            TestContext.Current.CancellationToken,
            TaskCreationOptions.None,
            BackgroundThreads.Shared).Unwrap()));

        Assert.Equal(40, names.Count);
        Assert.All(names, name => Assert.Equal("puff-index", name));
        Assert.NotEqual("puff-index", Thread.CurrentThread.Name);
    }

    [Fact]
    public async Task ALoopThatFansOutFromABackgroundThreadFinishes()
    {
        var options = new ParallelOptions { TaskScheduler = BackgroundThreads.Shared, CancellationToken = TestContext.Current.CancellationToken };
        long sum = 0;
        await Task.Factory.StartNew(
            () => Parallel.For(0, 1_000, options, i => Interlocked.Add(ref sum, i)),
            options.CancellationToken,
            TaskCreationOptions.None,
            BackgroundThreads.Shared);

        Assert.Equal(499_500, sum);
    }
}
