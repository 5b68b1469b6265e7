using Puff.Engine.Storage;
using Xunit;

namespace Puff.TestKit.Storage;

/// <summary>
/// Every promise of <see cref="IObjectStore"/> as a test; a backend or decorator passes all of them. Derive, say how to open it, done.
/// <see cref="Other"/> is a second door to the same objects where a store has one (another process's view), else the store itself.
/// </summary>
public abstract partial class ObjectStoreContract : IAsyncLifetime
{
    protected const StorePurpose User = StorePurpose.User;

    private const int LargeBytes = 20_000_000;

    protected IObjectStore Store { get; private set; } = null!;

    protected IObjectStore Other { get; private set; } = null!;

    /// <summary>Key prefix of this test; not empty only where tests share a bucket.</summary>
    protected virtual string Root => "";

    /// <summary>Bytes of the longest key; shorter than <see cref="ObjectKeys.MaxBytes"/> where the store puts a prefix before it.</summary>
    protected virtual int LongestKeyBytes => ObjectKeys.MaxBytes;

    protected static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        Store = await OpenAsync();
        Other = await OpenOtherAsync(Store);
    }

    public async ValueTask DisposeAsync()
    {
        await CleanUpAsync();
        if (!ReferenceEquals(Other, Store))
        {
            await Other.DisposeAsync();
        }

        await Store.DisposeAsync();
        RemoveRemains();
        GC.SuppressFinalize(this);
    }

    protected static byte[] Bytes(int length, int seed)
    {
        byte[] bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    /// <summary>Copies the content and gives the caller's reference back.</summary>
    protected static byte[] TakeBytes(ObjectMemory memory)
    {
        byte[] bytes = memory.Span.ToArray();
        memory.Release();
        return bytes;
    }

    protected abstract ValueTask<IObjectStore> OpenAsync();

    protected virtual ValueTask<IObjectStore> OpenOtherAsync(IObjectStore store) => new(store);

    /// <summary>Removes the test's objects where they would outlive it; the store is still open.</summary>
    protected virtual ValueTask CleanUpAsync() => default;

    /// <summary>Removes what lies around the store after it was closed.</summary>
    protected virtual void RemoveRemains()
    {
    }

    protected string Key(string key) => Root + key;

    protected async Task<string> PutAsync(string key, byte[] content)
    {
        var put = await Store.PutAsync(Key(key), content, PutCondition.None, User, Cancel);
        Assert.Equal(PutStatus.Written, put.Status);
        return put.ETag!;
    }

    private async Task AssertHoldsAsync(IObjectStore store, string key, byte[] content, string? etag = null)
    {
        var got = await store.GetAsync(Key(key), new GetOptions(), User, Cancel);
        Assert.Equal((GetStatus.Found, content.Length), (got.Status, (int)got.TotalBytes));
        Assert.Equal(content.Length, got.Content!.Length);
        Assert.True(content.AsSpan().SequenceEqual(TakeBytes(got.Content)), $"content of {key}");
        Assert.Equal(etag ?? got.ETag, got.ETag);
        var head = await store.HeadAsync(Key(key), User, Cancel);
        Assert.Equal((Key(key), content.Length, got.ETag), (head!.Key, (int)head.Bytes, head.ETag));
    }
}
