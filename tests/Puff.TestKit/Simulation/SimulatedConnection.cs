using Puff.Engine.Storage;

namespace Puff.TestKit.Simulation;

/// <summary>One node's way to the simulated store.</summary>
internal sealed class SimulatedConnection(SimulatedStore store, SimulatedNode node) : IObjectStore
{
    public string Description => $"simulated store of {node.Name}";

    public StoreCapabilities Capabilities { get; } = new(SupportsMapping: false, IsShared: true, IsDurable: true, MaxObjectBytes: long.MaxValue);

    public async ValueTask<GetResult> GetAsync(string key, GetOptions options, StorePurpose purpose, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        return await store.Send(node, "get", key, writes: false, () =>
        {
            if (store.HidesEntry(key))
            {
                return new GetResult(GetStatus.Absent, null, null, 0);
            }

            var found = SimulatedStore.Wait(store.Inner.GetAsync(key, options, purpose, CancellationToken.None));
            return found.Content is { } content ? found with { Content = Detach(content) } : found;
        });
    }

    public async ValueTask<PutResult> PutAsync(
        string key, ReadOnlyMemory<byte> content, PutCondition condition, StorePurpose purpose, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        byte[] copy = content.ToArray();
        int operation = ClientFlow.Operation;
        return await store.Send(node, "put", key, writes: true, () => store.Put(key, copy, condition, operation));
    }

    public async ValueTask<IObjectWriter> CreateAsync(string key, StorePurpose purpose, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        await store.Send(node, "create", key, writes: false, () => true);
        return new Writer(this, key);
    }

    public async ValueTask DeleteAsync(string key, StorePurpose purpose, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        await store.Send(node, "delete", key, writes: true, () => store.Delete(key));
    }

    public async ValueTask<ListPage> ListAsync(ListOptions options, StorePurpose purpose, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        // Small pages: a listing of several pages sees several moments.
        options = options with { Limit = Math.Min(options.Limit, 50) };
        return await store.Send(node, "list", options.Prefix, writes: false,
            () => SimulatedStore.Wait(store.Inner.ListAsync(options, purpose, CancellationToken.None)));
    }

    public async ValueTask<ObjectInfo?> HeadAsync(string key, StorePurpose purpose, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        return await store.Send(node, "head", key, writes: false, () => SimulatedStore.Wait(store.Inner.HeadAsync(key, purpose, CancellationToken.None)));
    }

    public async ValueTask<bool> CopyAsync(string sourceKey, string targetKey, StorePurpose purpose, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        int operation = ClientFlow.Operation;
        return await store.Send(node, "copy", targetKey, writes: true, () =>
        {
            var source = SimulatedStore.Wait(store.Inner.GetAsync(sourceKey, default, purpose, CancellationToken.None));
            if (source.Content is not { } content)
            {
                return false;
            }

            store.Put(targetKey, content.Span.ToArray(), PutCondition.None, operation);
            content.Release();
            return true;
        });
    }

    public async ValueTask<ObjectMemory?> MapAsync(string key, StorePurpose purpose, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        return await store.Send<ObjectMemory?>(node, "map", key, writes: false, () =>
            !store.HidesEntry(key) && SimulatedStore.Wait(store.Inner.MapAsync(key, purpose, CancellationToken.None)) is { } mapped ? Detach(mapped) : null);
    }

    public ValueTask DisposeAsync() => default;

    private static PoisonedMemory Detach(ObjectMemory content)
    {
        var copy = PoisonedMemory.CopyOf(content.Span);
        content.Release();
        return copy;
    }

    /// <summary>A streamed write: a call may fail in the middle; then nothing appears.</summary>
    private sealed class Writer(SimulatedConnection connection, string key) : IObjectWriter
    {
        private readonly List<byte[]> parts = [];

        public async ValueTask WriteAsync(ReadOnlyMemory<byte> content, CancellationToken cancellation)
        {
            cancellation.ThrowIfCancellationRequested();
            parts.Add(content.ToArray());
            if (parts.Count % 16 == 1)
            {
                await connection.Send("stream", key, writes: false, () => true);
            }
        }

        public async ValueTask<string> CompleteAsync(CancellationToken cancellation)
        {
            cancellation.ThrowIfCancellationRequested();
            byte[] whole = parts.SelectMany(p => p).ToArray();
            int operation = ClientFlow.Operation;
            return await connection.Send("complete", key, writes: true, () => connection.Put(key, whole, operation));
        }

        public ValueTask DisposeAsync() => default;
    }

    private Task<T> Send<T>(string what, string key, bool writes, Func<T> act) => store.Send(node, what, key, writes, act);

    private string Put(string key, byte[] whole, int operation) => store.Put(key, whole, PutCondition.None, operation).ETag!;
}
