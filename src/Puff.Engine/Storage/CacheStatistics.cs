namespace Puff.Engine.Storage;

/// <summary>What a cache of blocks (64 KiB each) has done since it was opened, and what is in it.</summary>
public sealed record CacheStatistics
{
    /// <summary>Bytes it may take on the disk.</summary>
    public long CapacityBytes { get; init; }

    /// <summary>Bytes of the blocks in it.</summary>
    public long Bytes { get; init; }

    /// <summary>Bytes of files of an earlier run that nobody has asked for yet.</summary>
    public long UnopenedBytes { get; init; }

    /// <summary>Bytes that are kept in memory because the disk did not take them.</summary>
    public long MemoryBytes { get; init; }

    /// <summary>Bytes of pinned namespaces.</summary>
    public long PinnedBytes { get; init; }

    /// <summary>Objects of which it knows.</summary>
    public int Objects { get; init; }

    /// <summary>Blocks that requests wanted and found.</summary>
    public long Hits { get; init; }

    /// <summary>Blocks that requests wanted and had to fetch.</summary>
    public long Misses { get; init; }

    /// <summary>GET requests for blocks.</summary>
    public long Requests { get; init; }

    /// <summary>Bytes these brought.</summary>
    public long FetchedBytes { get; init; }

    /// <summary>Blocks given up for others.</summary>
    public long Evictions { get; init; }

    /// <summary>Blocks that came back soon after they had been given up.</summary>
    public long GhostHits { get; init; }

    /// <summary>Blocks that turned out to be damaged and were fetched again.</summary>
    public long Reloads { get; init; }

    /// <summary>Writes that the disk refused.</summary>
    public long FailedWrites { get; init; }
}
