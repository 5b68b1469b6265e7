using Puff.Engine.Storage;
using Xunit;

namespace Puff.Engine.Tests.Storage;

public sealed class LimitingObjectStoreTests
{
    [Fact]
    public async Task NoMoreCallsRunAtOnceThanAllowed()
    {
        var cancel = TestContext.Current.CancellationToken;
        var slow = new HeldStore(new MemoryObjectStore());
        await using var store = new LimitingObjectStore(slow, 3);
        var calls = Enumerable.Range(0, 20).Select(i => store.HeadAsync($"key {i}", StorePurpose.User, cancel).AsTask()).ToArray();
        Assert.Equal(3, slow.Running);
        slow.Open.SetResult();
        await Task.WhenAll(calls);
        Assert.InRange(slow.Most, 1, 3);
        Assert.Throws<ArgumentOutOfRangeException>(() => new LimitingObjectStore(slow, 0));
    }

    private sealed class HeldStore(IObjectStore inner) : DelegatingObjectStore(inner)
    {
        private readonly Lock gate = new();

        public TaskCompletionSource Open { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public int Running { get; private set; }

        public int Most { get; private set; }

        public override async ValueTask<ObjectInfo?> HeadAsync(string key, StorePurpose purpose, CancellationToken cancellation)
        {
            lock (gate)
            {
                Most = Math.Max(Most, ++Running);
            }

            await Open.Task;
            lock (gate)
            {
                Running--;
            }

            return null;
        }
    }
}
