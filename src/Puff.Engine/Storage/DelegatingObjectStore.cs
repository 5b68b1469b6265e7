namespace Puff.Engine.Storage;

/// <summary>Passes every call on: the base of stores that change one thing about another store. Owns the inner store and disposes it.</summary>
public abstract class DelegatingObjectStore(IObjectStore inner) : IObjectStore
{
    public virtual string Description => Inner.Description;

    public virtual StoreCapabilities Capabilities => Inner.Capabilities;

    protected IObjectStore Inner { get; } = inner;

    public virtual ValueTask<GetResult> GetAsync(string key, GetOptions options, StorePurpose purpose, CancellationToken cancellation) =>
        Inner.GetAsync(key, options, purpose, cancellation);

    public virtual ValueTask<PutResult> PutAsync(
        string key, ReadOnlyMemory<byte> content, PutCondition condition, StorePurpose purpose, CancellationToken cancellation) =>
        Inner.PutAsync(key, content, condition, purpose, cancellation);

    public virtual ValueTask<IObjectWriter> CreateAsync(string key, StorePurpose purpose, CancellationToken cancellation) =>
        Inner.CreateAsync(key, purpose, cancellation);

    public virtual ValueTask DeleteAsync(string key, StorePurpose purpose, CancellationToken cancellation) =>
        Inner.DeleteAsync(key, purpose, cancellation);

    public virtual ValueTask<ListPage> ListAsync(ListOptions options, StorePurpose purpose, CancellationToken cancellation) =>
        Inner.ListAsync(options, purpose, cancellation);

    public virtual ValueTask<ObjectInfo?> HeadAsync(string key, StorePurpose purpose, CancellationToken cancellation) =>
        Inner.HeadAsync(key, purpose, cancellation);

    public virtual ValueTask<bool> CopyAsync(string sourceKey, string targetKey, StorePurpose purpose, CancellationToken cancellation) =>
        Inner.CopyAsync(sourceKey, targetKey, purpose, cancellation);

    public virtual ValueTask<ObjectMemory?> MapAsync(string key, StorePurpose purpose, CancellationToken cancellation) =>
        Inner.MapAsync(key, purpose, cancellation);

    public virtual ValueTask<ObjectMemory?> MapAsync(string key, long length, StorePurpose purpose, CancellationToken cancellation) =>
        MapAsync(key, purpose, cancellation);

    public virtual async ValueTask DisposeAsync()
    {
        await Inner.DisposeAsync();
        GC.SuppressFinalize(this);
    }
}
