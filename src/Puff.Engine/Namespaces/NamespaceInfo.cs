using Puff.Engine.Schema;

namespace Puff.Engine.Namespaces;

/// <summary>Metadata of a namespace (turbopuffer-api 5.2).</summary>
public sealed record NamespaceInfo
{
    public required string Name { get; init; }

    public required NamespaceSchema Schema { get; init; }

    /// <summary>As of the last indexing: 0 right after a small first write.</summary>
    public long ApproxRowCount { get; init; }

    public long ApproxLogicalBytes { get; init; }

    public DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset LastWriteAt { get; init; }

    public DateTimeOffset UpdatedAt { get; init; }

    /// <summary>WAL bytes not yet in a segment; null while too little waits to be indexed ("up-to-date").</summary>
    public long? UnindexedBytes { get; init; }

    public int? PinnedReplicas { get; init; }

    public string? ParentNamespace { get; init; }

    public int? Shards { get; init; }

    public bool ReadOnly { get; init; }

    /// <summary>Share of the nearest documents that approximate searches of this node found lately, by checks of a few; null before the first.</summary>
    public double? SampledRecall { get; init; }

    /// <summary>How many checks <see cref="SampledRecall"/> tells of.</summary>
    public int RecallChecks { get; init; }
}

/// <summary>PATCH metadata: what is not set stays.</summary>
public sealed record MetadataPatch
{
    public bool SetsPinning { get; init; }

    /// <summary>Null or 0 removes pinning.</summary>
    public int? PinnedReplicas { get; init; }

    public bool? ReadOnly { get; init; }
}

/// <param name="Names">In bytewise order.</param>
/// <param name="Next">Pass as `after` for the next page; null on the last.</param>
public sealed record NamespacePage(IReadOnlyList<string> Names, string? Next);
