using Puff.Engine.Diagnostics;

namespace Puff.Engine.Storage;

/// <summary>
/// Makes a remote store's immutable objects readable in place without downloading them: what is mapped with a known length is fetched block by block (64 KiB)
/// as it is required, into a local copy that lives as long as somebody has the object open. The outermost of the stores that are put around a remote one.
/// A store that maps in place is passed through.
/// </summary>
public sealed class ExtentObjectStore : DelegatingObjectStore
{
    private readonly ExtentStoreOptions options;
    private readonly HedgedReads reads;
    private readonly BlockFetcher fetcher;
    private readonly Lock gate = new();
    private readonly Dictionary<string, DemandMemory> open = [];
    private readonly ExtentCache? cache;

    /// <param name="inner">Repeats what fails for a passing reason.</param>
    /// <param name="options">Limits, and where local copies lie.</param>
    /// <param name="time">Measures what is an unusually slow request.</param>
    public ExtentObjectStore(IObjectStore inner, ExtentStoreOptions options, TimeProvider? time = null)
        : base(inner)
    {
        this.options = options;
        reads = new HedgedReads(inner, time ?? TimeProvider.System, options.HedgedShare);
        fetcher = new BlockFetcher(reads, options);
        if (options.KeepsBlocks && !inner.Capabilities.SupportsMapping)
        {
            cache = new ExtentCache(CacheFolder.Open(options.Folder, inner.Description), options);
        }
    }

    internal ExtentCache? Cache => cache;

    /// <summary>What was fetched so far, and what is in the cache; a capacity of 0 when nothing is kept.</summary>
    public CacheStatistics Statistics => cache?.Describe(fetcher.Describe()) ?? fetcher.Describe();

    /// <summary>The same objects past the cache: what is read through this store is fetched anew, and nothing of it stays.</summary>
    public ExtentObjectStore WithoutCache() => new(Inner, options with { KeepsBlocks = false });

    /// <summary>How many reads and listings were sent a second time, because the first took unusually long.</summary>
    public long HedgedRequests => reads.Hedges;

    public override async ValueTask<GetResult> GetAsync(string key, GetOptions options, StorePurpose purpose, CancellationToken cancellation)
    {
        int step = ReadRecord.StepOfNow();
        var result = await reads.GetAsync(key, options, purpose, cancellation);
        Note(step, key, result.Content?.Length ?? 0);
        return result;
    }

    public override async ValueTask<ListPage> ListAsync(ListOptions options, StorePurpose purpose, CancellationToken cancellation)
    {
        int step = ReadRecord.StepOfNow();
        var page = await reads.ListAsync(options, purpose, cancellation);
        Note(step, "list", 0);
        return page;
    }

    public override async ValueTask<ObjectMemory?> MapAsync(string key, StorePurpose purpose, CancellationToken cancellation)
    {
        int step = ReadRecord.StepOfNow();
        var memory = await reads.MapAsync(key, purpose, cancellation);
        Note(step, key, memory?.Length ?? 0);
        return memory;
    }

    public override ValueTask<ObjectMemory?> MapAsync(string key, long length, StorePurpose purpose, CancellationToken cancellation)
    {
        if (length <= 0 || Inner.Capabilities.SupportsMapping)
        {
            return Inner.MapAsync(key, purpose, cancellation);
        }

        ObjectKeys.Validate(key);
        cancellation.ThrowIfCancellationRequested();
        lock (gate)
        {
            if (open.TryGetValue(key, out var known) && known.Length == length && known.TryAddOwner())
            {
                return new(known);
            }

            return new(open[key] = cache is null
                ? new DemandMemory(key, purpose, LocalCopy.Create(options.Folder, length), fetcher, Forget)
                : cache.Open(key, length, purpose, fetcher, Forget));
        }
    }

    private static void Note(int step, string key, long bytes) => ReadRecord.Current?.Add(step, ObjectKinds.Of(key), bytes);

    public override async ValueTask DeleteAsync(string key, StorePurpose purpose, CancellationToken cancellation)
    {
        await Inner.DeleteAsync(key, purpose, cancellation);
        cache?.Forget(key);
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        cache?.Dispose();
    }

    private void Forget(DemandMemory memory)
    {
        lock (gate)
        {
            if (open.TryGetValue(memory.Key, out var current) && ReferenceEquals(current, memory))
            {
                open.Remove(memory.Key);
            }
        }
    }
}
