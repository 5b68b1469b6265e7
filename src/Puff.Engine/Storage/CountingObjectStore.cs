namespace Puff.Engine.Storage;

/// <summary>What a store is asked to do. A streamed write is one request, whatever its parts.</summary>
public enum StoreOperation
{
    Get,
    Put,
    Write,
    Delete,
    List,
    Head,
    Copy,
    Map,
}

/// <param name="Requests">Calls begun.</param>
/// <param name="Failures">Calls that ended in an exception.</param>
/// <param name="BytesSent">Content handed to the store.</param>
/// <param name="BytesReceived">Content received; nothing for objects that are mapped in place.</param>
public readonly record struct StoreCount(long Requests, long Failures, long BytesSent, long BytesReceived)
{
    public static StoreCount operator +(StoreCount a, StoreCount b) =>
        new(a.Requests + b.Requests, a.Failures + b.Failures, a.BytesSent + b.BytesSent, a.BytesReceived + b.BytesReceived);

    public static StoreCount operator -(StoreCount a, StoreCount b) =>
        new(a.Requests - b.Requests, a.Failures - b.Failures, a.BytesSent - b.BytesSent, a.BytesReceived - b.BytesReceived);
}

/// <summary>Counts per operation and purpose at one moment.</summary>
public sealed class StoreCounts
{
    private readonly StoreCount[,] counts;

    internal StoreCounts(StoreCount[,] counts) => this.counts = counts;

    public StoreCount this[StoreOperation operation, StorePurpose purpose] => counts[(int)operation, (int)purpose];

    /// <summary>One operation over all purposes.</summary>
    public StoreCount Of(StoreOperation operation) =>
        Enum.GetValues<StorePurpose>().Aggregate(default(StoreCount), (sum, purpose) => sum + this[operation, purpose]);

    /// <summary>One purpose over all operations.</summary>
    public StoreCount Of(StorePurpose purpose) =>
        Enum.GetValues<StoreOperation>().Aggregate(default(StoreCount), (sum, operation) => sum + this[operation, purpose]);

    public StoreCount Total => Enum.GetValues<StoreOperation>().Aggregate(default(StoreCount), (sum, operation) => sum + Of(operation));

    /// <summary>What was added since <paramref name="earlier"/>.</summary>
    public StoreCounts Since(StoreCounts earlier)
    {
        var difference = (StoreCount[,])counts.Clone();
        foreach (var operation in Enum.GetValues<StoreOperation>())
        {
            foreach (var purpose in Enum.GetValues<StorePurpose>())
            {
                difference[(int)operation, (int)purpose] -= earlier[operation, purpose];
            }
        }

        return new StoreCounts(difference);
    }
}

/// <summary>Counts requests and bytes per operation and purpose: for metrics, for the cost view, and for tests that bound the number of requests.</summary>
public sealed class CountingObjectStore(IObjectStore inner) : DelegatingObjectStore(inner)
{
    private readonly Lock gate = new();
    private readonly StoreCount[,] counts = new StoreCount[Enum.GetValues<StoreOperation>().Length, Enum.GetValues<StorePurpose>().Length];

    /// <summary>A consistent copy of all counts.</summary>
    public StoreCounts Snapshot()
    {
        lock (gate)
        {
            return new StoreCounts((StoreCount[,])counts.Clone());
        }
    }

    public override ValueTask<GetResult> GetAsync(string key, GetOptions options, StorePurpose purpose, CancellationToken cancellation) =>
        CountAsync(StoreOperation.Get, purpose, 0, () => Inner.GetAsync(key, options, purpose, cancellation), got => got.Content?.Length ?? 0);

    public override ValueTask<PutResult> PutAsync(
        string key, ReadOnlyMemory<byte> content, PutCondition condition, StorePurpose purpose, CancellationToken cancellation) =>
        CountAsync(StoreOperation.Put, purpose, content.Length, () => Inner.PutAsync(key, content, condition, purpose, cancellation));

    public override async ValueTask<IObjectWriter> CreateAsync(string key, StorePurpose purpose, CancellationToken cancellation) =>
        new Writer(this, await CountAsync(StoreOperation.Write, purpose, 0, () => Inner.CreateAsync(key, purpose, cancellation)), purpose);

    public override async ValueTask DeleteAsync(string key, StorePurpose purpose, CancellationToken cancellation) =>
        await CountAsync(StoreOperation.Delete, purpose, 0, async () =>
        {
            await Inner.DeleteAsync(key, purpose, cancellation);
            return true;
        });

    public override ValueTask<ListPage> ListAsync(ListOptions options, StorePurpose purpose, CancellationToken cancellation) =>
        CountAsync(StoreOperation.List, purpose, 0, () => Inner.ListAsync(options, purpose, cancellation));

    public override ValueTask<ObjectInfo?> HeadAsync(string key, StorePurpose purpose, CancellationToken cancellation) =>
        CountAsync(StoreOperation.Head, purpose, 0, () => Inner.HeadAsync(key, purpose, cancellation));

    public override ValueTask<bool> CopyAsync(string sourceKey, string targetKey, StorePurpose purpose, CancellationToken cancellation) =>
        CountAsync(StoreOperation.Copy, purpose, 0, () => Inner.CopyAsync(sourceKey, targetKey, purpose, cancellation));

    public override ValueTask<ObjectMemory?> MapAsync(string key, StorePurpose purpose, CancellationToken cancellation) =>
        CountAsync(
            StoreOperation.Map,
            purpose,
            0,
            () => Inner.MapAsync(key, purpose, cancellation),
            memory => Capabilities.SupportsMapping ? 0 : memory?.Length ?? 0);

    private async ValueTask<T> CountAsync<T>(
        StoreOperation operation, StorePurpose purpose, long sent, Func<ValueTask<T>> call, Func<T, long>? measure = null)
    {
        Add(operation, purpose, new StoreCount(1, 0, sent, 0));
        try
        {
            var result = await call();
            if (measure is not null)
            {
                Add(operation, purpose, new StoreCount(0, 0, 0, measure(result)));
            }

            return result;
        }
        catch
        {
            Add(operation, purpose, new StoreCount(0, 1, 0, 0));
            throw;
        }
    }

    private void Add(StoreOperation operation, StorePurpose purpose, StoreCount count)
    {
        lock (gate)
        {
            counts[(int)operation, (int)purpose] += count;
        }
    }

    private sealed class Writer(CountingObjectStore store, IObjectWriter inner, StorePurpose purpose) : IObjectWriter
    {
        public ValueTask WriteAsync(ReadOnlyMemory<byte> content, CancellationToken cancellation)
        {
            store.Add(StoreOperation.Write, purpose, new StoreCount(0, 0, content.Length, 0));
            return inner.WriteAsync(content, cancellation);
        }

        public async ValueTask<string> CompleteAsync(CancellationToken cancellation)
        {
            try
            {
                return await inner.CompleteAsync(cancellation);
            }
            catch
            {
                store.Add(StoreOperation.Write, purpose, new StoreCount(0, 1, 0, 0));
                throw;
            }
        }

        public ValueTask DisposeAsync() => inner.DisposeAsync();
    }
}
