namespace Puff.Engine.Storage;

/// <summary>How an <see cref="ExtentObjectStore"/> fetches.</summary>
public sealed record ExtentStoreOptions
{
    /// <summary>Where local copies of objects lie while they are open: a folder on a disk with room for what is read, made when it is absent.</summary>
    public string Folder { get; init; } = Path.Combine(Path.GetTempPath(), "puff-cache");

    /// <summary>
    /// Whether fetched blocks stay in <see cref="Folder"/> when nobody has their object open, and over restarts. Then one process has the folder for itself.
    /// </summary>
    public bool KeepsBlocks { get; init; }

    /// <summary>Bytes of blocks that stay; 0 for 0.8 of what the disk has free.</summary>
    public long CacheBytes { get; init; }

    /// <summary>Bytes of blocks that are kept in memory when the disk does not take them.</summary>
    public long MemoryBytes { get; init; } = 256L << 20;

    /// <summary>For tests: whether the disk has no room for a write of so many bytes.</summary>
    internal Func<int, bool>? RefusesWrite { get; init; }

    /// <summary>Requests for blocks that run at once, over all queries.</summary>
    public int MaxRequests { get; init; } = 256;

    /// <summary>Requests for blocks that one step of one query has running at once.</summary>
    public int MaxRequestsPerStep { get; init; } = 128;

    /// <summary>Ranges of an object that are no farther apart than this are fetched with one request.</summary>
    public int MergeGapBytes { get; init; } = 128 << 10;

    /// <summary>A longer range is fetched with several requests at once.</summary>
    public int RequestBytes { get; init; } = 1 << 20;

    /// <summary>The same for a step of more than <see cref="BulkBytes"/>, where throughput counts and not latency.</summary>
    public int BulkRequestBytes { get; init; } = 8 << 20;

    /// <summary>
    /// A request that takes longer than 19 of 20 of its size is sent a second time, and the first answer is taken: of all requests at most this share, 0 for
    /// none. Keeps the slowest of many parallel requests from deciding how long a query takes.
    /// </summary>
    public double HedgedShare { get; init; } = 0.05;

    /// <summary>A step of more bytes than this is bulk work: a merge, an export.</summary>
    public long BulkBytes { get; init; } = 64L << 20;
}
