namespace Puff.Engine.Storage;

/// <summary>Lets a bounded number of calls through at once; others wait for their turn. Each call of a writer counts by itself.</summary>
public sealed class LimitingObjectStore : DelegatingObjectStore
{
    private readonly SemaphoreSlim slots;

    /// <param name="inner">The store whose load is bounded.</param>
    /// <param name="maxConcurrent">Calls at once, at least 1.</param>
    public LimitingObjectStore(IObjectStore inner, int maxConcurrent)
        : base(inner)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxConcurrent, 1);
        slots = new SemaphoreSlim(maxConcurrent, maxConcurrent);
    }

    public override ValueTask<GetResult> GetAsync(string key, GetOptions options, StorePurpose purpose, CancellationToken cancellation) =>
        LimitAsync(() => Inner.GetAsync(key, options, purpose, cancellation), cancellation);

    public override ValueTask<PutResult> PutAsync(
        string key, ReadOnlyMemory<byte> content, PutCondition condition, StorePurpose purpose, CancellationToken cancellation) =>
        LimitAsync(() => Inner.PutAsync(key, content, condition, purpose, cancellation), cancellation);

    public override async ValueTask<IObjectWriter> CreateAsync(string key, StorePurpose purpose, CancellationToken cancellation) =>
        new Writer(this, await LimitAsync(() => Inner.CreateAsync(key, purpose, cancellation), cancellation));

    public override async ValueTask DeleteAsync(string key, StorePurpose purpose, CancellationToken cancellation) =>
        await LimitAsync(Valued(() => Inner.DeleteAsync(key, purpose, cancellation)), cancellation);

    public override ValueTask<ListPage> ListAsync(ListOptions options, StorePurpose purpose, CancellationToken cancellation) =>
        LimitAsync(() => Inner.ListAsync(options, purpose, cancellation), cancellation);

    public override ValueTask<ObjectInfo?> HeadAsync(string key, StorePurpose purpose, CancellationToken cancellation) =>
        LimitAsync(() => Inner.HeadAsync(key, purpose, cancellation), cancellation);

    public override ValueTask<bool> CopyAsync(string sourceKey, string targetKey, StorePurpose purpose, CancellationToken cancellation) =>
        LimitAsync(() => Inner.CopyAsync(sourceKey, targetKey, purpose, cancellation), cancellation);

    public override ValueTask<ObjectMemory?> MapAsync(string key, StorePurpose purpose, CancellationToken cancellation) =>
        LimitAsync(() => Inner.MapAsync(key, purpose, cancellation), cancellation);

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        slots.Dispose();
    }

    private static Func<ValueTask<bool>> Valued(Func<ValueTask> call) => async () =>
    {
        await call();
        return true;
    };

    private async ValueTask<T> LimitAsync<T>(Func<ValueTask<T>> call, CancellationToken cancellation)
    {
        await slots.WaitAsync(cancellation);
        try
        {
            return await call();
        }
        finally
        {
            slots.Release();
        }
    }

    private sealed class Writer(LimitingObjectStore store, IObjectWriter inner) : IObjectWriter
    {
        public async ValueTask WriteAsync(ReadOnlyMemory<byte> content, CancellationToken cancellation) =>
            await store.LimitAsync(Valued(() => inner.WriteAsync(content, cancellation)), cancellation);

        public ValueTask<string> CompleteAsync(CancellationToken cancellation) => store.LimitAsync(() => inner.CompleteAsync(cancellation), cancellation);

        public ValueTask DisposeAsync() => inner.DisposeAsync();
    }
}
