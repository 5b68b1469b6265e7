using System.Globalization;
using System.Text.Json;
using Puff.Sync.Changes;

namespace Puff.Sync.State;

/// <summary>Mappings, their progress, and the versions of tables.</summary>
internal sealed partial class SqlSyncState
{
    public async Task<IReadOnlyList<MappingRecord>> ListMappingsAsync(CancellationToken cancellation) => await QueryAsync(
        $"""
        SELECT name, generation, migration, destination, namespace, relation_oid, state, state_since, reason_code, reason_text, position_lsn::text,
            position_ordinal, position_time, upserted, patched, deleted, skipped, ended_at, plan::text
        FROM {schema}.mapping WHERE pipeline = $1 ORDER BY name, generation
        """,
        reader => new MappingRecord(
            reader.GetString(0), reader.GetInt32(1), reader.GetInt64(2), reader.GetString(3), reader.GetString(4), (uint)reader.GetInt64(5),
            EnumOf<MappingPhase>(reader.GetString(6)), Time(reader, 7), Text(reader, 8), Text(reader, 9),
            new SyncPosition(LsnOf(reader.GetString(10)), (uint)reader.GetInt64(11)), Time(reader, 12),
            new MappingCounts(reader.GetInt64(13), reader.GetInt64(14), reader.GetInt64(15), reader.GetInt64(16)), Time(reader, 17), Text(reader, 18)),
        cancellation, pipeline);

    public Task SaveMappingAsync(MappingRecord mapping, CancellationToken cancellation) => ExecuteAsync(
        SaveMappingSql(schema), cancellation, SaveMappingParameters(pipeline, mapping));

    public Task SaveProgressAsync(IReadOnlyList<MappingProgress> moved, Lsn confirmed, CancellationToken cancellation) => ExecuteAsync(
        $"""
        WITH moved AS (
            SELECT * FROM unnest($3::text[], $4::int[], $5::text[]::pg_lsn[], $6::bigint[], $7::timestamptz[], $8::bigint[], $9::bigint[], $10::bigint[],
                $11::bigint[]) AS m (name, generation, lsn, ordinal, time, upserted, patched, deleted, skipped)),
        mappings AS (
            UPDATE {schema}.mapping t SET upserted = t.upserted + m.upserted, patched = t.patched + m.patched, deleted = t.deleted + m.deleted,
                skipped = t.skipped + m.skipped,
                position_lsn = CASE WHEN (m.lsn, m.ordinal) > (t.position_lsn, t.position_ordinal) THEN m.lsn ELSE t.position_lsn END,
                position_ordinal = CASE WHEN (m.lsn, m.ordinal) > (t.position_lsn, t.position_ordinal) THEN m.ordinal ELSE t.position_ordinal END,
                position_time = coalesce(m.time, t.position_time)
            FROM moved m WHERE t.pipeline = $1 AND t.name = m.name AND t.generation = m.generation)
        UPDATE {schema}.pipeline SET confirmed_lsn = greatest(confirmed_lsn, $2::pg_lsn) WHERE name = $1
        """,
        cancellation, pipeline, confirmed.ToString(), moved.Select(m => m.Mapping).ToArray(), moved.Select(m => m.Generation).ToArray(),
        moved.Select(m => m.Position.Commit.ToString()).ToArray(), moved.Select(m => (long)m.Position.Ordinal).ToArray(),
        moved.Select(m => m.PositionTime?.ToUniversalTime()).ToArray(), moved.Select(m => m.Added.Upserted).ToArray(),
        moved.Select(m => m.Added.Patched).ToArray(), moved.Select(m => m.Added.Deleted).ToArray(), moved.Select(m => m.Added.Skipped).ToArray());

    public Task SetPhaseAsync(string mapping, int generation, MappingPhase phase, string? reasonCode, string? reasonText, CancellationToken cancellation) =>
        ExecuteAsync(
            $"""
            UPDATE {schema}.mapping SET state = $4, reason_code = $5, reason_text = $6, state_since = CASE WHEN state = $4 THEN state_since ELSE now() END
            WHERE pipeline = $1 AND name = $2 AND generation = $3
            """,
            cancellation, pipeline, mapping, generation, NameOf(phase), reasonCode, reasonText);

    public Task ResetPositionAsync(string mapping, int generation, SyncPosition position, CancellationToken cancellation) => ExecuteAsync(
        $"""
        UPDATE {schema}.mapping SET position_lsn = $4::pg_lsn, position_ordinal = $5, position_time = NULL
        WHERE pipeline = $1 AND name = $2 AND generation = $3
        """,
        cancellation, pipeline, mapping, generation, position.Commit.ToString(), (long)position.Ordinal);

    public async Task<IReadOnlyList<RelationVersion>> ListRelationVersionsAsync(CancellationToken cancellation) => await QueryAsync(
        $"""
        SELECT relation_oid, version, valid_from::text, schema_name, table_name, columns::text, replica_identity
        FROM {schema}.relation_version WHERE pipeline = $1 ORDER BY relation_oid, version
        """,
        reader => new RelationVersion(
            new RelationShape(
                (uint)reader.GetInt64(0), reader.GetString(3), reader.GetString(4), EnumOf<ReplicaIdentity>(reader.GetString(6)),
                ColumnsOf(reader.GetString(5))) { Version = reader.GetInt32(1) },
            LsnOf(reader.GetString(2))),
        cancellation, pipeline);

    public Task SaveRelationVersionAsync(RelationVersion version, CancellationToken cancellation) => ExecuteAsync(
        $"""
        INSERT INTO {schema}.relation_version VALUES ($1, $2, $3, $4::pg_lsn, $5, $6, $7::jsonb, $8)
        ON CONFLICT (pipeline, relation_oid, version) DO UPDATE SET valid_from = $4::pg_lsn, schema_name = $5, table_name = $6, columns = $7::jsonb,
            replica_identity = $8
        """,
        cancellation, pipeline, (long)version.Shape.Oid, version.Shape.Version, version.ValidFrom.ToString(), version.Shape.Schema, version.Shape.Table,
        ColumnsJson(version.Shape.Columns), NameOf(version.Shape.Identity));

    /// <summary>Also for `apply`, which writes mappings in the transaction that changes the publication.</summary>
    internal static string SaveMappingSql(string schema) => $"""
        INSERT INTO {schema}.mapping (pipeline, name, generation, migration, destination, namespace, relation_oid, state, reason_code, reason_text,
            position_lsn, position_ordinal, ended_at, plan)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11::pg_lsn, $12, $13::timestamptz, $14::jsonb)
        ON CONFLICT (pipeline, name, generation) DO UPDATE SET migration = $4, destination = $5, namespace = $6, relation_oid = $7,
            state_since = CASE WHEN {schema}.mapping.state = $8 THEN {schema}.mapping.state_since ELSE now() END, state = $8, reason_code = $9,
            reason_text = $10, ended_at = $13::timestamptz, plan = $14::jsonb
        """;

    internal static object?[] SaveMappingParameters(string pipeline, MappingRecord mapping) =>
    [
        pipeline, mapping.Name, mapping.Generation, mapping.Migration, mapping.Destination, mapping.Namespace, (long)mapping.RelationOid,
        NameOf(mapping.Phase), mapping.ReasonCode, mapping.ReasonText, mapping.Position.Commit.ToString(), (long)mapping.Position.Ordinal,
        mapping.EndedAt?.ToUniversalTime().ToString("O", CultureInfo.InvariantCulture), mapping.PlanJson,
    ];

    private static string ColumnsJson(IReadOnlyList<ColumnShape> columns) =>
        JsonSerializer.Serialize(columns.Select(c => new StoredColumn(c.Name, c.TypeOid, c.TypeModifier, c.IsKey)), StateJson.Default.IEnumerableStoredColumn);

    private static ColumnShape[] ColumnsOf(string json) =>
        [.. JsonSerializer.Deserialize(json, StateJson.Default.StoredColumnArray)!.Select(c => new ColumnShape(c.Name, c.Type, c.Modifier, c.Key))];
}
