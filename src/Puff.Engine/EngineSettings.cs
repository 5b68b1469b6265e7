using Puff.Engine.Vectors;

namespace Puff.Engine;

/// <summary>The numbers a user sets: few, serialisable, each with its unit. Parts a user swaps are <see cref="EngineComponents"/>.</summary>
public sealed record EngineSettings
{
    /// <summary>Key prefix of everything Puff stores, without a trailing slash; empty for none.</summary>
    public string Root { get; init; } = "puff";

    /// <summary>
    /// How long trimmed log entries and replaced objects stay on the store (design 3.3). Writers and readers trust a look at `current` for half of it.
    /// </summary>
    public TimeSpan Grace { get; init; } = TimeSpan.FromHours(1);

    /// <summary>
    /// How far back a namespace can be restored to any moment; zero for not at all. Keeps what manifests and log entries of that time need, so the same on
    /// every node of a store.
    /// </summary>
    public TimeSpan History { get; init; } = TimeSpan.FromHours(1);

    /// <summary>What a damaged log entry does: stop the namespace with an error that names the object, or be left out with a log line.</summary>
    public CorruptEntryPolicy CorruptEntries { get; init; } = CorruptEntryPolicy.Fail;

    /// <summary>Whether this process turns log tails into segments, merges and collects.</summary>
    public bool RunIndexer { get; init; } = true;

    /// <summary>
    /// Whether nodes leave each other word on the store about what waits to be indexed: a node that does not index announces it, one that does takes it. A
    /// process that is alone with its store needs none of it.
    /// </summary>
    public bool UseIndexQueue { get; init; }

    /// <summary>How often a node that indexes looks for what others have announced: one LIST each time.</summary>
    public TimeSpan IndexQueuePoll { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>A node that has not renewed a lease for so long has lost it: others take over what it did.</summary>
    public TimeSpan LeaseTime { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>A log entry takes waiting writes up to this many bytes.</summary>
    public long MaxEntryBytes { get; init; } = 32L << 20;

    /// <summary>Unindexed log bytes from which a namespace is indexed after <see cref="IndexDelay"/>.</summary>
    public long IndexThresholdBytes { get; init; } = 1L << 20;

    /// <summary>Unindexed log entries from which a namespace is indexed after <see cref="IndexDelay"/>.</summary>
    public int IndexThresholdEntries { get; init; } = 128;

    public TimeSpan IndexDelay { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>
    /// Unindexed log bytes from which a namespace is indexed at once; also the size of a fresh segment. With what searches have made of them (indexes of
    /// texts, codes of vectors), twice as many.
    /// </summary>
    public long IndexFlushBytes { get; init; } = 64L << 20;

    /// <summary>A tail of any size is indexed when it is this old.</summary>
    public TimeSpan IndexMaxAge { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>Unindexed bytes, counted as for <see cref="IndexFlushBytes"/>, beyond which writes get a Limited error (turbopuffer-api 3.6).</summary>
    public long BackpressureBytes { get; init; } = 2L << 30;

    /// <summary>Segments of similar size that are merged into one.</summary>
    public int MergeFanIn { get; init; } = 8;

    /// <summary>A namespace not written to for so long has its segments merged further, for the sake of queries.</summary>
    public TimeSpan IdleMergeDelay { get; init; } = TimeSpan.FromSeconds(10);

    public int DeleteByFilterLimit { get; init; } = 5_000_000;

    public int PatchByFilterLimit { get; init; } = 50_000;

    /// <summary>Queries of one namespace that run at once; others wait.</summary>
    public int MaxConcurrentQueries { get; init; } = 16;

    /// <summary>Queries of one namespace that may wait; further ones get a Limited error.</summary>
    public int MaxWaitingQueries { get; init; } = 256;

    /// <summary>Idle namespaces kept open in memory; the least recently used are closed first.</summary>
    public int MaxOpenNamespaces { get; init; } = 1_000;

    /// <summary>Warming loads segments up to this many bytes, and up to 0.8 of the cache.</summary>
    public long WarmBytes { get; init; } = 16L << 30;

    internal VectorIndexSettings VectorIndex { get; init; } = new();
}

public enum CorruptEntryPolicy
{
    Fail,
    Skip,
}
