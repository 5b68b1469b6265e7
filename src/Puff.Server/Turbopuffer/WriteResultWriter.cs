using Puff.Engine.Namespaces;
using Puff.Engine.Schema;
using Puff.Server.Http;

namespace Puff.Server.Turbopuffer;

/// <summary>The answer to a write (turbopuffer-api 3.7).</summary>
internal static class WriteResultWriter
{
    public static void Write(JsonOutput output, WriteResult result, RequestTimes times)
    {
        output.BeginObject();
        output.Name("status"u8);
        output.Text("OK"u8);
        output.Name("message"u8);
        output.Text(Message(result));
        output.Name("rows_affected"u8);
        output.Number(result.RowsAffected);
        WriteCount(output, "rows_upserted"u8, result.RowsUpserted);
        WriteCount(output, "rows_patched"u8, result.RowsPatched);
        WriteCount(output, "rows_deleted"u8, result.RowsDeleted);
        if (result.RowsRemaining)
        {
            output.Name("rows_remaining"u8);
            output.Bool(true);
        }

        WriteIds(output, "upserted_ids"u8, result.UpsertedIds);
        WriteIds(output, "patched_ids"u8, result.PatchedIds);
        WriteIds(output, "deleted_ids"u8, result.DeletedIds);
        WriteBilling(output, result);
        output.Name("performance"u8);
        output.BeginObject();
        output.Name("server_total_ms"u8);
        output.Number(times.ReportedTotal);
        output.EndObject();
        output.EndObject();
    }

    private static string Message(WriteResult result)
    {
        if (result.RowsCopied is not null)
        {
            return "rows copied successfully";
        }

        return (result.RowsUpserted, result.RowsPatched, result.RowsDeleted) switch
        {
            (not null, null, null) => "rows upserted successfully",
            (null, not null, null) => "rows patched successfully",
            (null, null, not null) => "rows deleted successfully",
            _ => "write applied successfully",
        };
    }

    private static void WriteCount(JsonOutput output, ReadOnlySpan<byte> name, long? count)
    {
        if (count is { } value)
        {
            output.Name(name);
            output.Number(value);
        }
    }

    private static void WriteIds(JsonOutput output, ReadOnlySpan<byte> name, IReadOnlyList<DocumentId>? ids)
    {
        if (ids is not { Count: > 0 })
        {
            return;
        }

        var values = new ValueWriter(output);
        output.Name(name);
        output.BeginArray();
        foreach (var id in ids)
        {
            values.WriteId(id);
        }

        output.EndArray();
    }

    private static void WriteBilling(JsonOutput output, WriteResult result)
    {
        output.Name("billing"u8);
        output.BeginObject();
        output.Name("billable_logical_bytes_written"u8);
        output.Number(result.LogicalBytesWritten);
        if (result.LogicalBytesQueried is { } queried)
        {
            output.Name("query"u8);
            output.BeginObject();
            output.Name("billable_logical_bytes_queried"u8);
            output.Number(queried);
            output.Name("billable_logical_bytes_returned"u8);
            output.Number(0L);
            output.EndObject();
        }

        output.EndObject();
    }
}
