using Puff.Engine.Schema;

namespace Puff.Engine.Queries;

/// <summary>The cost fields of an answer (turbopuffer-api 4.9).</summary>
internal static class QueryCosts
{
    /// <summary>What the hosted service bills a query at least; clients compare with it on small namespaces.</summary>
    public const long MinBytesQueried = 256_000_000;

    public static QueryCost Of(QueryRun run, QueryResult result)
    {
        long live = 0, tail = 0;
        foreach (var set in run.Snapshot.Sets)
        {
            int count = set.LiveCount;
            live += count;
            tail += set.IsTail ? count : 0;
        }

        return new QueryCost
        {
            ExhaustiveSearchCount = tail,
            ApproxNamespaceSize = live,
            LogicalBytesQueried = Math.Max(MinBytesQueried, live * BytesReadOf(run.Query)),
            LogicalBytesReturned = BytesOf(result),
            VectorsScored = run.VectorsScored,
            CodesScanned = run.Search?.Statistics.BinaryCodes ?? 0,
            LastIncludedWriteAt = run.Snapshot.LastWriteAt,
        };
    }

    /// <summary>Of several queries on one snapshot: work adds up, sizes of the namespace do not.</summary>
    public static QueryCost Total(IReadOnlyList<QueryCost> costs, long bytesReturned) => costs[0] with
    {
        ExhaustiveSearchCount = costs.Sum(c => c.ExhaustiveSearchCount),
        LogicalBytesQueried = costs.Sum(c => c.LogicalBytesQueried),
        LogicalBytesReturned = bytesReturned,
        VectorsScored = costs.Sum(c => c.VectorsScored),
        CodesScanned = costs.Sum(c => c.CodesScanned),
    };

    /// <summary>8 for an integer id, 16 for a UUID, the length of a string; 4 for `$dist`; attributes by their type.</summary>
    public static long BytesOf(ResultRow row) => LogicalBytes.Of(row.Id) + (row.Distance is null ? 0 : sizeof(float)) + BytesOf(row.Attributes);

    private static long BytesOf(IReadOnlyList<KeyValuePair<string, Value>> values)
    {
        long bytes = 0;
        foreach (var (_, value) in values)
        {
            bytes += LogicalBytes.Of(value);
        }

        return bytes;
    }

    private static long BytesOf(QueryResult result)
    {
        if (result.Rows is { } rows)
        {
            return rows.Sum(BytesOf);
        }

        return result.Groups is { } groups ? groups.Sum(g => BytesOf(g.Keys) + BytesOf(g.Aggregations)) : BytesOf(result.Aggregations!);
    }

    /// <summary>
    /// Bytes of one document that the ranking or aggregation reads: its vector, or 8 for each key. An estimate that ignores what a filter reads.
    /// </summary>
    private static long BytesReadOf(BoundQuery query) => query.Rank switch
    {
        BoundVectorRank { Attribute.Type.IsDenseVector: true } vector => vector.Attribute.Type.VectorBytes,
        BoundVectorRank vector => vector.Attribute.Type.Dimensions * (long)sizeof(float),
        BoundOrder order => order.Keys.Count * (long)sizeof(long),
        BoundScore => sizeof(long),
        _ => (query.Aggregate!.Functions.Count(f => f.Attribute is not null) + query.Aggregate.Keys.Count) * (long)sizeof(long),
    };
}
