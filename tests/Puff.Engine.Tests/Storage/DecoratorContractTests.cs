using Puff.Engine.Storage;
using Puff.TestKit.Storage;

namespace Puff.Engine.Tests.Storage;

/// <summary>The contract through a store that fails every third call and a decorator that hides it.</summary>
public sealed class RetryingObjectStoreContractTests : ObjectStoreContract
{
    private int calls;

    protected override ValueTask<IObjectStore> OpenAsync()
    {
        var flaky = new FlakyStore(new MemoryObjectStore(), () => Interlocked.Increment(ref calls) % 3 == 0 ? FlakyStore.Busy : null);
        return new(new RetryingObjectStore(flaky, new SkippingTime(), new Random(1), RetryOptions.Default with { MaxAttempts = 1000, Patience = TimeSpan.MaxValue }));
    }
}

public sealed class CountingObjectStoreContractTests : ObjectStoreContract
{
    protected override ValueTask<IObjectStore> OpenAsync() => new(new CountingObjectStore(new MemoryObjectStore()));
}

public sealed class LimitingObjectStoreContractTests : ObjectStoreContract
{
    protected override ValueTask<IObjectStore> OpenAsync() => new(new LimitingObjectStore(new MemoryObjectStore(), 2));
}

public sealed class LatencyObjectStoreContractTests : ObjectStoreContract
{
    protected override ValueTask<IObjectStore> OpenAsync() =>
        new(new LatencyObjectStore(new MemoryObjectStore(), LatencyModel.HeavyTail, new SkippingTime(), new Random(2)));
}
