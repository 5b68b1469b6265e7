namespace Puff.Engine.Storage;

/// <summary>
/// Makes a fast store as slow as a cloud store, by a <see cref="LatencyModel"/>, seeded: for tests and benchmarks of cold queries. Reads happen at the
/// beginning of their wait and writes at the end, which is the least favourable order that real requests may take.
/// Nothing is mapped in place any more.
/// </summary>
public sealed class LatencyObjectStore(IObjectStore inner, LatencyModel model, TimeProvider time, Random random) : DelegatingObjectStore(inner)
{
    public override StoreCapabilities Capabilities => Inner.Capabilities with { SupportsMapping = false };

    public override async ValueTask<GetResult> GetAsync(string key, GetOptions options, StorePurpose purpose, CancellationToken cancellation)
    {
        var first = Draw(model.Get, key);
        var got = await Inner.GetAsync(key, options, purpose, cancellation);
        var wait = got.Content is null ? first * model.EmptyFactor : first + Transfer(got.Content.Length);
        return await AfterAsync(wait, got, got.Content, cancellation);
    }

    public override async ValueTask<PutResult> PutAsync(
        string key, ReadOnlyMemory<byte> content, PutCondition condition, StorePurpose purpose, CancellationToken cancellation)
    {
        await WaitAsync(Draw(model.Put, key) + Transfer(content.Length), cancellation);
        return await Inner.PutAsync(key, content, condition, purpose, cancellation);
    }

    public override async ValueTask<IObjectWriter> CreateAsync(string key, StorePurpose purpose, CancellationToken cancellation)
    {
        await WaitAsync(Draw(model.Put, key), cancellation);
        return new Writer(this, key, await Inner.CreateAsync(key, purpose, cancellation));
    }

    public override async ValueTask DeleteAsync(string key, StorePurpose purpose, CancellationToken cancellation)
    {
        await WaitAsync(Draw(model.Put, key), cancellation);
        await Inner.DeleteAsync(key, purpose, cancellation);
    }

    public override async ValueTask<ListPage> ListAsync(ListOptions options, StorePurpose purpose, CancellationToken cancellation)
    {
        var wait = Draw(model.Get, options.Prefix) * model.ListFactor;
        return await AfterAsync(wait, await Inner.ListAsync(options, purpose, cancellation), null, cancellation);
    }

    public override async ValueTask<ObjectInfo?> HeadAsync(string key, StorePurpose purpose, CancellationToken cancellation)
    {
        var wait = Draw(model.Get, key) * model.EmptyFactor;
        return await AfterAsync(wait, await Inner.HeadAsync(key, purpose, cancellation), null, cancellation);
    }

    public override async ValueTask<bool> CopyAsync(string sourceKey, string targetKey, StorePurpose purpose, CancellationToken cancellation)
    {
        await WaitAsync(Draw(model.Put, targetKey), cancellation);
        return await Inner.CopyAsync(sourceKey, targetKey, purpose, cancellation);
    }

    public override async ValueTask<ObjectMemory?> MapAsync(string key, StorePurpose purpose, CancellationToken cancellation)
    {
        var first = Draw(model.Get, key);
        var memory = await Inner.MapAsync(key, purpose, cancellation);
        var wait = memory is null ? first * model.EmptyFactor : first + (Transfer(memory.Length) / model.MapStreams);
        return await AfterAsync(wait, memory, memory, cancellation);
    }

    private TimeSpan Draw(QuantileCurve curve, string key)
    {
        double quantile;
        double fate;
        lock (random)
        {
            quantile = random.NextDouble();
            fate = random.NextDouble();
        }

        return fate < model.RejectRate
            ? throw new StoreException($"{Description} is busy (simulated), {key} was left alone; try again", transient: true, outcomeUnknown: false)
            : curve.At(quantile);
    }

    private TimeSpan Transfer(long bytes) => TimeSpan.FromSeconds(bytes / model.BytesPerSecond);

    private Task WaitAsync(TimeSpan wait, CancellationToken cancellation) => Task.Delay(wait, time, cancellation);

    /// <summary>Holds a result back for a while; its content is released when the caller gives up waiting.</summary>
    private async ValueTask<T> AfterAsync<T>(TimeSpan wait, T result, ObjectMemory? content, CancellationToken cancellation)
    {
        try
        {
            await WaitAsync(wait, cancellation);
            return result;
        }
        catch
        {
            content?.Release();
            throw;
        }
    }

    private sealed class Writer(LatencyObjectStore store, string key, IObjectWriter inner) : IObjectWriter
    {
        public async ValueTask WriteAsync(ReadOnlyMemory<byte> content, CancellationToken cancellation)
        {
            await store.WaitAsync(store.Transfer(content.Length), cancellation);
            await inner.WriteAsync(content, cancellation);
        }

        public async ValueTask<string> CompleteAsync(CancellationToken cancellation)
        {
            await store.WaitAsync(store.Draw(store.Model.Put, key), cancellation);
            return await inner.CompleteAsync(cancellation);
        }

        public ValueTask DisposeAsync() => inner.DisposeAsync();
    }

    private LatencyModel Model => model;
}
