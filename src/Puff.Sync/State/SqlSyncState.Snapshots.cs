using System.Text.Json;
using Npgsql;
using Puff.Sync.Migrations;

namespace Puff.Sync.State;

/// <summary>Snapshots, and commands for the runner.</summary>
internal sealed partial class SqlSyncState
{
    public async Task<IReadOnlyList<SnapshotRecord>> ListSnapshotsAsync(bool openOnly, CancellationToken cancellation) => await QueryAsync(
        $"""
        SELECT id, mapping, generation, kind, mode, state, start_lsn::text, cursor::text, upper::text, where_text, keys::text, page_rows, rows_estimate,
            rows_read, rows_written, rows_stale, started_at, updated_at, finished_at, error
        FROM {schema}.snapshot WHERE pipeline = $1 {(openOnly ? "AND state IN ('requested', 'running', 'paused')" : "")} ORDER BY id
        """,
        SnapshotOf, cancellation, pipeline);

    public async Task<long> AddSnapshotAsync(SnapshotRecord snapshot, CancellationToken cancellation) => (long)(await ScalarAsync(
        $"""
        INSERT INTO {schema}.snapshot (pipeline, mapping, generation, kind, mode, state, start_lsn, cursor, upper, where_text, keys, page_rows,
            rows_estimate, rows_read, rows_written, rows_stale, started_at, finished_at, error)
        VALUES ($1, $2, $3, $4, $5, $6, $7::pg_lsn, $8::jsonb, $9::jsonb, $10, $11::jsonb, $12::int, $13, $14, $15, $16, $17::timestamptz,
            $18::timestamptz, $19)
        RETURNING id
        """,
        cancellation, pipeline, snapshot.Mapping, snapshot.Generation, NameOf(snapshot.Kind), NameOf(snapshot.Mode), NameOf(snapshot.State),
        snapshot.StartLsn.ToString(), Json(snapshot.Cursor), Json(snapshot.Upper), snapshot.Where, Json(snapshot.Keys), snapshot.PageRows?.ToString(),
        snapshot.RowsEstimate, snapshot.RowsRead, snapshot.RowsWritten, snapshot.RowsStale, TimeText(snapshot.StartedAt), TimeText(snapshot.FinishedAt),
        snapshot.Error))!;

    public Task SaveSnapshotAsync(SnapshotRecord snapshot, CancellationToken cancellation) => ExecuteAsync(
        $"""
        UPDATE {schema}.snapshot SET state = $3, cursor = $4::jsonb, upper = $5::jsonb, rows_estimate = $6, rows_read = $7, rows_written = $8, rows_stale = $9,
            started_at = $10::timestamptz, finished_at = $11::timestamptz, error = $12, updated_at = now(), page_rows = $13::int
        WHERE pipeline = $1 AND id = $2
        """,
        cancellation, pipeline, snapshot.Id, NameOf(snapshot.State), Json(snapshot.Cursor), Json(snapshot.Upper), snapshot.RowsEstimate, snapshot.RowsRead,
        snapshot.RowsWritten, snapshot.RowsStale, TimeText(snapshot.StartedAt), TimeText(snapshot.FinishedAt), snapshot.Error,
        snapshot.PageRows?.ToString());

    public async Task<long> AddRequestAsync(string verb, string argumentsJson, CancellationToken cancellation) => (long)(await ScalarAsync(
        $"INSERT INTO {schema}.request (pipeline, verb, arguments) VALUES ($1, $2, $3::jsonb) RETURNING id", cancellation, pipeline, verb, argumentsJson))!;

    public async Task<IReadOnlyList<RequestRecord>> TakeRequestsAsync(CancellationToken cancellation)
    {
        var taken = await QueryAsync(
            $"""
            UPDATE {schema}.request SET taken_at = now() WHERE pipeline = $1 AND taken_at IS NULL
            RETURNING id, verb, arguments::text, created_at, taken_at, done_at, result::text
            """,
            RequestOf, cancellation, pipeline);
        return [.. taken.OrderBy(request => request.Id)];
    }

    public Task FinishRequestAsync(long request, string resultJson, CancellationToken cancellation) => ExecuteAsync(
        $"UPDATE {schema}.request SET done_at = now(), result = $3::jsonb WHERE pipeline = $1 AND id = $2", cancellation, pipeline, request, resultJson);

    public async Task<RequestRecord?> ReadRequestAsync(long request, CancellationToken cancellation)
    {
        var found = await QueryAsync(
            $"SELECT id, verb, arguments::text, created_at, taken_at, done_at, result::text FROM {schema}.request WHERE pipeline = $1 AND id = $2",
            RequestOf, cancellation, pipeline, request);
        return found.Count == 0 ? null : found[0];
    }

    private static SnapshotRecord SnapshotOf(NpgsqlDataReader reader) => new(
        reader.GetInt64(0), reader.GetString(1), reader.GetInt32(2), EnumOf<SnapshotKind>(reader.GetString(3)), EnumOf<SnapshotMode>(reader.GetString(4)),
        EnumOf<SnapshotState>(reader.GetString(5)), LsnOf(reader.GetString(6)), Texts(Text(reader, 7)), Texts(Text(reader, 8)), Text(reader, 9),
        Text(reader, 10) is { } keys ? JsonSerializer.Deserialize(keys, StateJson.Default.StringArrayArray) : null,
        reader.IsDBNull(11) ? null : reader.GetInt32(11), reader.GetInt64(12), reader.GetInt64(13), reader.GetInt64(14), reader.GetInt64(15),
        Time(reader, 16), Time(reader, 17), Time(reader, 18), Text(reader, 19));

    private static RequestRecord RequestOf(NpgsqlDataReader reader) => new(
        reader.GetInt64(0), reader.GetString(1), reader.GetString(2), reader.GetFieldValue<DateTimeOffset>(3), Time(reader, 4), Time(reader, 5),
        Text(reader, 6));

    private static string[]? Texts(string? json) => json is null ? null : JsonSerializer.Deserialize(json, StateJson.Default.StringArray);

    private static string? Json(IReadOnlyList<string>? texts) => texts is null ? null : JsonSerializer.Serialize(texts, StateJson.Default.IReadOnlyListString);

    private static string? Json(IReadOnlyList<IReadOnlyList<string>>? keys) =>
        keys is null ? null : JsonSerializer.Serialize(keys, StateJson.Default.IReadOnlyListIReadOnlyListString);

    /// <summary>A text, because a null must have the same type as a time.</summary>
    private static string? TimeText(DateTimeOffset? time) => time?.ToUniversalTime().ToString("O", System.Globalization.CultureInfo.InvariantCulture);
}
