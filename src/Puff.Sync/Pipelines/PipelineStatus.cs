using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Puff.Sync.State;

namespace Puff.Sync.Pipelines;

/// <summary>What a running pipeline says of itself: status, health, and metrics in the text form of Prometheus.</summary>
internal sealed class PipelineStatus(Pipeline pipeline, TimeProvider time)
{
    /// <summary>Connected, and no mapping errored.</summary>
    public bool IsReady => pipeline.IsConnected && pipeline.Hosts.All(h => h.Phase != MappingPhase.Errored);

    public JsonObject ToJson() => new()
    {
        ["pipeline"] = pipeline.Options.Name,
        ["connected"] = pipeline.IsConnected,
        ["confirmed"] = pipeline.Progress.Confirmed.ToString(),
        ["received"] = pipeline.Router.Delivered.ToString(),
        ["memory_in_flight"] = pipeline.Budget.Used,
        ["slot"] = pipeline.Slot is { } slot
            ? new JsonObject { ["wal_status"] = slot.Status.ToString().ToLowerInvariant(), ["retained_bytes"] = slot.RetainedBytes,
                ["safe_bytes"] = slot.SafeBytes }
            : null,
        ["heartbeat_at"] = pipeline.Heartbeat.ReturnedAt?.ToString("O", CultureInfo.InvariantCulture),
        ["mappings"] = new JsonArray([.. pipeline.Hosts.Select(Describe)]),
    };

    public string Metrics()
    {
        var text = new StringBuilder();
        Gauge(text, "up", 1);
        Gauge(text, "stream_connected", pipeline.IsConnected ? 1 : 0);
        Gauge(text, "memory_in_flight_bytes", pipeline.Budget.Used);
        Gauge(text, "backpressure_active", pipeline.Budget.IsPaused ? 1 : 0);
        Counter(text, "wal_bytes_received_total", pipeline.Router.Bytes);
        Counter(text, "transactions_total", pipeline.Router.Transactions);
        if (pipeline.Slot is { } slot)
        {
            Gauge(text, "slot_retained_bytes", slot.RetainedBytes);
            Gauge(text, "slot_wal_status", (int)slot.Status);
        }

        Gauge(text, "lag_bytes", pipeline.Router.Delivered.Value - (double)Math.Min(pipeline.Router.Delivered.Value, pipeline.Progress.Done.Value),
            "kind=\"processed\"");
        Gauge(text, "lag_bytes", pipeline.Router.Delivered.Value - (double)Math.Min(pipeline.Router.Delivered.Value, pipeline.Progress.Confirmed.Value),
            "kind=\"confirmed\"");
        Write(text, "heartbeat_seconds", pipeline.Heartbeat.RoundTrip, "");
        foreach (LaneHost host in pipeline.Hosts)
        {
            WriteLane(text, host);
        }

        return text.ToString();
    }

    private JsonObject Describe(LaneHost host)
    {
        MappingCounts counts = host.Mapping.Record.Counts + host.Lane.Stats.Total;
        return new JsonObject
        {
            ["mapping"] = host.Name,
            ["namespace"] = host.Mapping.Namespace,
            ["state"] = host.Phase.ToString().ToLowerInvariant(),
            ["reason_code"] = host.ReasonCode,
            ["reason"] = host.ReasonText,
            ["position"] = host.Lane.Intake.Applied.ToString(),
            ["upserted"] = counts.Upserted,
            ["patched"] = counts.Patched,
            ["deleted"] = counts.Deleted,
            ["skipped"] = counts.Skipped,
            ["letters"] = host.Lane.Letters.Count,
            ["last_error"] = host.Lane.Writer.LastFailure,
            ["snapshots"] = new JsonArray([.. host.Jobs.Select(j => new JsonObject
            {
                ["id"] = j.Record.Id, ["kind"] = j.Record.Kind.ToString().ToLowerInvariant(), ["rows_read"] = j.Record.RowsRead,
                ["rows_estimate"] = j.Record.RowsEstimate, ["rows_stale"] = j.Record.RowsStale,
            })]),
        };
    }

    private void WriteLane(StringBuilder text, LaneHost host)
    {
        string mapping = $"mapping=\"{host.Name}\"";
        LaneStats stats = host.Lane.Stats;
        MappingCounts counts = stats.Total;
        foreach ((string op, long count) in ((string, long)[])[("insert", stats.Inserts), ("update", stats.Updates), ("delete", stats.Deletes), ("truncate",
            stats.Truncates)])
        {
            Counter(text, "changes_total", count, $"{mapping},op=\"{op}\"");
        }

        foreach ((string action, long count) in ((string, long)[])[("upsert", counts.Upserted), ("patch", counts.Patched), ("delete", counts.Deleted),
            ("skip", counts.Skipped), ("unchanged", stats.Unchanged), ("stale", stats.Stale)])
        {
            Counter(text, "documents_total", count, $"{mapping},action=\"{action}\"");
        }

        Counter(text, "write_requests_total", stats.Requests - stats.FailedRequests, $"{mapping},code=\"ok\"");
        Counter(text, "write_requests_total", stats.FailedRequests, $"{mapping},code=\"failed\"");
        Counter(text, "retries_total", stats.Retries, mapping);
        Counter(text, "rereads_total", stats.Rereads, mapping);
        Counter(text, "dead_letters_total", stats.Letters, mapping);
        Gauge(text, "dead_letters", host.Lane.Letters.Count, mapping);
        Counter(text, "snapshot_rows_total", stats.SnapshotRead, $"{mapping},kind=\"read\"");
        Counter(text, "snapshot_rows_total", stats.SnapshotWritten, $"{mapping},kind=\"written\"");
        foreach (MappingPhase phase in Enum.GetValues<MappingPhase>())
        {
            Gauge(text, "mapping_state", host.Phase == phase ? 1 : 0, $"{mapping},state=\"{phase.ToString().ToLowerInvariant()}\"");
        }

        bool isBehind = !host.Lane.IsIdle && host.Lane.LastCommitMicroseconds > 0;
        Gauge(text, "lag_seconds", isBehind ? (time.GetUtcNow() - ServerTime.Of(host.Lane.LastCommitMicroseconds)).TotalSeconds : 0, mapping);
        Write(text, "freshness_seconds", host.Lane.Freshness, mapping);
        Write(text, "batch_rows", host.Lane.BatchRows, mapping);
    }

    private void Write(StringBuilder text, string name, Histogram histogram, string labels)
    {
        IReadOnlyList<long> counts = histogram.Cumulated();
        string more = labels.Length == 0 ? "" : $",{labels}";
        for (int i = 0; i < counts.Count; i++)
        {
            string bound = i < histogram.Bounds.Count ? histogram.Bounds[i].ToString(CultureInfo.InvariantCulture) : "+Inf";
            text.Append(CultureInfo.InvariantCulture, $"puff_sync_{name}_bucket{{pipeline=\"{pipeline.Options.Name}\"{more},le=\"{bound}\"}} {counts[i]}\n");
        }

        text.Append(CultureInfo.InvariantCulture, $"puff_sync_{name}_sum{{pipeline=\"{pipeline.Options.Name}\"{more}}} {histogram.Sum}\n");
        text.Append(CultureInfo.InvariantCulture, $"puff_sync_{name}_count{{pipeline=\"{pipeline.Options.Name}\"{more}}} {counts[^1]}\n");
    }

    private void Gauge(StringBuilder text, string name, double value, string labels = "") => Line(text, name, value, labels);

    private void Counter(StringBuilder text, string name, long value, string labels = "") => Line(text, name, value, labels);

    private void Line(StringBuilder text, string name, double value, string labels) => text.Append(
        CultureInfo.InvariantCulture, $"puff_sync_{name}{{pipeline=\"{pipeline.Options.Name}\"{(labels.Length == 0 ? "" : "," + labels)}}} {value}\n");
}
