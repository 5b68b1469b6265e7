namespace Puff.Workloads.Vectors;

/// <summary>What one system did on one set: how it was built, and a point for every setting it was queried with.</summary>
internal sealed record SystemResult
{
    public required string System { get; init; }

    /// <summary>Version and parameters of the build, for the reader.</summary>
    public required string Description { get; init; }

    public required int Documents { get; init; }

    public double BuildSeconds { get; init; }

    /// <summary>Processor time of the build on all threads; says more than the clock when the machine had other work.</summary>
    public double BuildProcessorSeconds { get; init; }

    /// <summary>Threads the build used.</summary>
    public int BuildThreads { get; init; }

    public long DiskBytes { get; init; }

    public IReadOnlyList<RecallPoint> Points { get; init; } = [];
}

/// <summary>Queries one after the other at one setting.</summary>
/// <param name="Setting">As given to the system, "ef=40".</param>
/// <param name="Filter">Name of a <see cref="Selectivity"/>.</param>
/// <param name="Recall">Recall@k.</param>
/// <param name="QueriesPerSecond">On one thread: the inverse of the mean latency.</param>
/// <param name="P50">Milliseconds.</param>
/// <param name="P99">Milliseconds.</param>
/// <param name="Scanned">Share of the documents that some code or vector was compared with; null when the system does not tell.</param>
/// <param name="ResidentBytes">Memory of the process after the queries, pages of mapped files included.</param>
/// <param name="AnonymousBytes">Of these, memory that is not pages of files; the rest are mapped files.</param>
/// <param name="ManagedBytes">The garbage-collected heap; null for systems that have none or do not tell.</param>
internal sealed record RecallPoint(
    string Setting,
    string Filter,
    double Recall,
    double QueriesPerSecond,
    double P50,
    double P99,
    double? Scanned,
    long ResidentBytes,
    long AnonymousBytes,
    long? ManagedBytes = null);
