using Puff.Engine.Diagnostics;
using Puff.Engine.Schema;

namespace Puff.Engine.Queries;

/// <summary>The answer to one query: rows, or aggregates, or groups; exactly one of the three is set.</summary>
public sealed record QueryResult
{
    public IReadOnlyList<ResultRow>? Rows { get; init; }

    public IReadOnlyList<KeyValuePair<string, Value>>? Aggregations { get; init; }

    public IReadOnlyList<AggregationGroup>? Groups { get; init; }

    public QueryCost Cost { get; init; } = new();
}

public sealed record MultiQueryResult(IReadOnlyList<QueryResult> Results, QueryCost Cost);

/// <param name="Distance">`$dist`; null under attribute order.</param>
/// <param name="Attributes">The selected, non-null attributes in schema order, then computed ones; values at column width.</param>
public sealed record ResultRow(DocumentId Id, float? Distance, IReadOnlyList<KeyValuePair<string, Value>> Attributes)
{
    /// <summary>Computed highlights by name, best fragment first; without a match an empty list.</summary>
    public IReadOnlyList<KeyValuePair<string, IReadOnlyList<HighlightFragment>>> Highlights { get; init; } = [];
}

/// <summary>A part of a text that matches a query.</summary>
/// <param name="Range">Its place in the text (in the array's element); null unless offsets were asked for.</param>
/// <param name="Matches">Places of the matching words, counted like <paramref name="Range"/> from the start of the text, ascending.</param>
/// <param name="ArrayIndex">The element of a []string; null for a string.</param>
public sealed record HighlightFragment(string Text, OffsetRange? Range, IReadOnlyList<OffsetRange>? Matches, int? ArrayIndex);

/// <summary>From <paramref name="Start"/> up to, but not including, <paramref name="End"/>.</summary>
public readonly record struct OffsetRange(int Start, int End);

/// <summary>Keys (Null for missing) and aggregates of one group.</summary>
public sealed record AggregationGroup(IReadOnlyList<KeyValuePair<string, Value>> Keys, IReadOnlyList<KeyValuePair<string, Value>> Aggregations);

/// <summary>What a query cost, in deterministic quantities; facades add wall-clock times.</summary>
public sealed record QueryCost
{
    /// <summary>Live documents in the unindexed tail, also those a filter rejects.</summary>
    public long ExhaustiveSearchCount { get; init; }

    /// <summary>Live documents, tail included.</summary>
    public long ApproxNamespaceSize { get; init; }

    public long LogicalBytesQueried { get; init; }

    public long LogicalBytesReturned { get; init; }

    /// <summary>Exact vector distances computed.</summary>
    public long VectorsScored { get; init; }

    /// <summary>Vectors whose short codes were compared with a query vector before any distance was computed.</summary>
    public long CodesScanned { get; init; }

    public DateTimeOffset? LastIncludedWriteAt { get; init; }

    /// <summary>1 when everything the query read was in memory or in a mapped local object.</summary>
    public double CacheHitRatio => Reads.BlocksWanted == 0 ? 1 : 1 - ((double)Reads.BlocksFetched / Reads.BlocksWanted);

    /// <summary>What was asked of the store, from looking for the newest writes to the last row.</summary>
    public QueryReads Reads { get; init; } = QueryReads.None;
}

/// <summary>What a request asked of the store.</summary>
/// <param name="Steps">Dependent steps: requests, or batches of them, sent one after the other's answer.</param>
/// <param name="Requests">In all.</param>
/// <param name="BytesFetched">Content received.</param>
/// <param name="BlocksWanted">Blocks of 64 KiB of objects that are loaded on demand, as far as they were planned or absent.</param>
/// <param name="BlocksFetched">Those of them that were not here; all, when the node had to open the namespace.</param>
/// <param name="Kinds">Requests and bytes by step and by the kind of object.</param>
public sealed record QueryReads(int Steps, long Requests, long BytesFetched, long BlocksWanted, long BlocksFetched, IReadOnlyList<KindReads> Kinds)
{
    public static QueryReads None { get; } = new(0, 0, 0, 0, 0, []);

    internal static QueryReads Of(ReadRecord record)
    {
        var kinds = record.Kinds.Select(k => new KindReads(k.Step, k.Kind, k.Requests, k.Bytes)).ToArray();
        var (hits, misses) = record.Blocks;
        return kinds.Length == 0 && hits + misses == 0
            ? None
            : new QueryReads(record.Steps, kinds.Sum(k => k.Requests), kinds.Sum(k => k.Bytes), hits + misses, misses, kinds);
    }
}

/// <param name="Step">From 1 on.</param>
/// <param name="Kind">"current", "wal", "list", "open", "tree", or the part of a segment: "codes", "vectors", "rows", "text" and so on.</param>
public sealed record KindReads(int Step, string Kind, long Requests, long Bytes);
