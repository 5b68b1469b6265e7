using Puff.Engine.Storage;

namespace Puff.Engine.Tests.Storage;

/// <summary>A request as a test sees it.</summary>
internal readonly record struct StoreCall(StoreOperation Operation, string Key, StorePurpose Purpose);

/// <summary>Runs a test's code before and after every request: to hold it, to fail it, or to let it happen and lose the reply.</summary>
internal sealed class ScriptedStore(IObjectStore inner) : DelegatingObjectStore(inner)
{
    public Func<StoreCall, ValueTask> Before { get; set; } = _ => default;

    public Func<StoreCall, ValueTask> After { get; set; } = _ => default;

    public override ValueTask<GetResult> GetAsync(string key, GetOptions options, StorePurpose purpose, CancellationToken cancellation) =>
        CallAsync(new(StoreOperation.Get, key, purpose), () => base.GetAsync(key, options, purpose, cancellation));

    public override ValueTask<PutResult> PutAsync(
        string key, ReadOnlyMemory<byte> content, PutCondition condition, StorePurpose purpose, CancellationToken cancellation) =>
        CallAsync(new(StoreOperation.Put, key, purpose), () => base.PutAsync(key, content, condition, purpose, cancellation));

    public override ValueTask<IObjectWriter> CreateAsync(string key, StorePurpose purpose, CancellationToken cancellation) =>
        CallAsync(new(StoreOperation.Write, key, purpose), () => base.CreateAsync(key, purpose, cancellation));

    public override async ValueTask DeleteAsync(string key, StorePurpose purpose, CancellationToken cancellation) =>
        await CallAsync(new(StoreOperation.Delete, key, purpose), async () =>
        {
            await base.DeleteAsync(key, purpose, cancellation);
            return true;
        });

    public override ValueTask<ListPage> ListAsync(ListOptions options, StorePurpose purpose, CancellationToken cancellation) =>
        CallAsync(new(StoreOperation.List, options.Prefix, purpose), () => base.ListAsync(options, purpose, cancellation));

    public override ValueTask<ObjectInfo?> HeadAsync(string key, StorePurpose purpose, CancellationToken cancellation) =>
        CallAsync(new(StoreOperation.Head, key, purpose), () => base.HeadAsync(key, purpose, cancellation));

    public override ValueTask<bool> CopyAsync(string sourceKey, string targetKey, StorePurpose purpose, CancellationToken cancellation) =>
        CallAsync(new(StoreOperation.Copy, sourceKey, purpose), () => base.CopyAsync(sourceKey, targetKey, purpose, cancellation));

    public override ValueTask<ObjectMemory?> MapAsync(string key, StorePurpose purpose, CancellationToken cancellation) =>
        CallAsync(new(StoreOperation.Map, key, purpose), () => base.MapAsync(key, purpose, cancellation));

    private async ValueTask<T> CallAsync<T>(StoreCall call, Func<ValueTask<T>> act)
    {
        await Before(call);
        var result = await act();
        await After(call);
        return result;
    }
}
