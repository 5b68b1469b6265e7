namespace Puff.Engine.Storage;

/// <summary>
/// Makes a remote store's immutable objects readable in place without downloading them: what is mapped with a known length is fetched block by block (64 KiB)
/// as it is required, into a local copy that lives as long as somebody has the object open. The outermost of the stores that are put around a remote one.
/// A store that maps in place is passed through.
/// </summary>
public sealed class ExtentObjectStore : DelegatingObjectStore
{
    private readonly ExtentStoreOptions options;
    private readonly BlockFetcher fetcher;
    private readonly Lock gate = new();
    private readonly Dictionary<string, DemandMemory> open = [];

    /// <param name="inner">Repeats what fails for a passing reason.</param>
    /// <param name="options">Limits, and where local copies lie.</param>
    public ExtentObjectStore(IObjectStore inner, ExtentStoreOptions options)
        : base(inner)
    {
        this.options = options;
        fetcher = new BlockFetcher(inner, options);
    }

    public override ValueTask<ObjectMemory?> MapAsync(string key, StorePurpose purpose, CancellationToken cancellation) =>
        Inner.MapAsync(key, purpose, cancellation);

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
            if (open.TryGetValue(key, out var known) && known.Length == length && known.TryAddReference())
            {
                return new(known);
            }

            return new(open[key] = new DemandMemory(key, purpose, LocalCopy.Create(options.Folder, length), fetcher, Forget));
        }
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
