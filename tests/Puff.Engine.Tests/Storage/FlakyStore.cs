using Puff.Engine.Storage;

namespace Puff.Engine.Tests.Storage;

/// <summary>Fails a call before or after it happened, as told.</summary>
internal sealed class FlakyStore(IObjectStore inner, Func<StoreException?> before, Func<StoreException?>? after = null) : DelegatingObjectStore(inner)
{
    private int calls;

    public int Calls => calls;

    public static StoreException Busy { get; } = new("busy", transient: true, outcomeUnknown: false);

    public static StoreException Lost { get; } = new("reply lost", transient: true, outcomeUnknown: true);

    public static StoreException Denied { get; } = new("access denied", transient: false, outcomeUnknown: false);

    public override ValueTask<GetResult> GetAsync(string key, GetOptions options, StorePurpose purpose, CancellationToken cancellation) =>
        CallAsync(() => base.GetAsync(key, options, purpose, cancellation));

    public override ValueTask<PutResult> PutAsync(
        string key, ReadOnlyMemory<byte> content, PutCondition condition, StorePurpose purpose, CancellationToken cancellation) =>
        CallAsync(() => base.PutAsync(key, content, condition, purpose, cancellation));

    public override ValueTask<IObjectWriter> CreateAsync(string key, StorePurpose purpose, CancellationToken cancellation) =>
        CallAsync(() => base.CreateAsync(key, purpose, cancellation));

    public override async ValueTask DeleteAsync(string key, StorePurpose purpose, CancellationToken cancellation) =>
        await CallAsync(async () =>
        {
            await base.DeleteAsync(key, purpose, cancellation);
            return true;
        });

    public override ValueTask<ListPage> ListAsync(ListOptions options, StorePurpose purpose, CancellationToken cancellation) =>
        CallAsync(() => base.ListAsync(options, purpose, cancellation));

    public override ValueTask<ObjectInfo?> HeadAsync(string key, StorePurpose purpose, CancellationToken cancellation) =>
        CallAsync(() => base.HeadAsync(key, purpose, cancellation));

    public override ValueTask<bool> CopyAsync(string sourceKey, string targetKey, StorePurpose purpose, CancellationToken cancellation) =>
        CallAsync(() => base.CopyAsync(sourceKey, targetKey, purpose, cancellation));

    public override ValueTask<ObjectMemory?> MapAsync(string key, StorePurpose purpose, CancellationToken cancellation) =>
        CallAsync(() => base.MapAsync(key, purpose, cancellation));

    private async ValueTask<T> CallAsync<T>(Func<ValueTask<T>> call)
    {
        Interlocked.Increment(ref calls);
        if (before() is { } early)
        {
            throw early;
        }

        var result = await call();
        return after?.Invoke() is { } late ? throw late : result;
    }
}
