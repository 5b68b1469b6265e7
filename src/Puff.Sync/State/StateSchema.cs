using Puff.Sync.Postgres;

namespace Puff.Sync.State;

/// <summary>The tables of the state schema, as statements that may be run again.</summary>
internal static class StateSchema
{
    /// <summary>What this program writes and the newest it reads.</summary>
    public const int Version = 1;

    /// <summary>What turns a schema of version n (element n - 1) into one of version n + 1.</summary>
    private static readonly IReadOnlyList<Func<string, string>> Upgrades = [];

    /// <summary>Creates what is missing.</summary>
    /// <param name="schema">The schema's name, not quoted.</param>
    public static string CreateSql(string schema)
    {
        string s = SqlText.Identifier(schema);
        return $"""
            CREATE SCHEMA IF NOT EXISTS {s};
            CREATE TABLE IF NOT EXISTS {s}.pipeline (
                name text PRIMARY KEY, state_version int NOT NULL DEFAULT {Version}, system_identifier numeric, database_oid bigint, timeline int,
                slot_name text, publication_name text, confirmed_lsn pg_lsn NOT NULL DEFAULT '0/0', runner_id uuid, runner_host text, runner_pid int,
                runner_since timestamptz, heartbeat_at timestamptz, created_at timestamptz NOT NULL DEFAULT now());
            CREATE TABLE IF NOT EXISTS {s}.migration (
                pipeline text NOT NULL, number bigint NOT NULL, name text NOT NULL, mapping text NOT NULL, action text NOT NULL, hash bytea NOT NULL,
                content bytea NOT NULL, dependencies jsonb, tool_version text NOT NULL, applied_at timestamptz NOT NULL, applied_by text NOT NULL,
                PRIMARY KEY (pipeline, number));
            CREATE TABLE IF NOT EXISTS {s}.mapping (
                pipeline text NOT NULL, name text NOT NULL, generation int NOT NULL, migration bigint NOT NULL, destination text NOT NULL,
                namespace text NOT NULL, relation_oid bigint NOT NULL, state text NOT NULL, state_since timestamptz NOT NULL DEFAULT now(), reason_code text,
                reason_text text, position_lsn pg_lsn NOT NULL DEFAULT '0/0', position_ordinal bigint NOT NULL DEFAULT 0, position_time timestamptz,
                upserted bigint NOT NULL DEFAULT 0, patched bigint NOT NULL DEFAULT 0, deleted bigint NOT NULL DEFAULT 0,
                skipped bigint NOT NULL DEFAULT 0, ended_at timestamptz, plan jsonb, PRIMARY KEY (pipeline, name, generation));
            CREATE TABLE IF NOT EXISTS {s}.snapshot (
                id bigserial PRIMARY KEY, pipeline text NOT NULL, mapping text NOT NULL, generation int NOT NULL, kind text NOT NULL, mode text NOT NULL,
                state text NOT NULL, start_lsn pg_lsn NOT NULL, cursor jsonb, upper jsonb, where_text text, keys jsonb, page_rows int,
                rows_estimate bigint NOT NULL, rows_read bigint NOT NULL, rows_written bigint NOT NULL, rows_stale bigint NOT NULL,
                started_at timestamptz, updated_at timestamptz NOT NULL DEFAULT now(), finished_at timestamptz, error text);
            CREATE TABLE IF NOT EXISTS {s}.dead_letter (
                id bigserial PRIMARY KEY, pipeline text NOT NULL, mapping text NOT NULL, generation int NOT NULL, doc_id text NOT NULL, key jsonb NOT NULL,
                op text NOT NULL, position_lsn pg_lsn NOT NULL, position_ordinal bigint NOT NULL, stage text NOT NULL, code text NOT NULL,
                message text NOT NULL, detail text, attempts int NOT NULL, first_at timestamptz NOT NULL, last_at timestamptz NOT NULL,
                next_at timestamptz, state text NOT NULL, payload jsonb);
            CREATE UNIQUE INDEX IF NOT EXISTS dead_letter_open ON {s}.dead_letter (pipeline, mapping, generation, doc_id)
                WHERE state IN ('open', 'permanent');
            CREATE TABLE IF NOT EXISTS {s}.relation_version (
                pipeline text NOT NULL, relation_oid bigint NOT NULL, version int NOT NULL, valid_from pg_lsn NOT NULL, schema_name text NOT NULL,
                table_name text NOT NULL, columns jsonb NOT NULL, replica_identity text NOT NULL, PRIMARY KEY (pipeline, relation_oid, version));
            CREATE TABLE IF NOT EXISTS {s}.embedding_cache (
                key bytea PRIMARY KEY, model text NOT NULL, dimensions int NOT NULL, vector bytea NOT NULL, used_at timestamptz NOT NULL DEFAULT now());
            CREATE TABLE IF NOT EXISTS {s}.heartbeat (pipeline text PRIMARY KEY, beat bigint NOT NULL, at timestamptz NOT NULL DEFAULT now());
            CREATE TABLE IF NOT EXISTS {s}.request (
                id bigserial PRIMARY KEY, pipeline text NOT NULL, verb text NOT NULL, arguments jsonb NOT NULL,
                created_at timestamptz NOT NULL DEFAULT now(), taken_at timestamptz, done_at timestamptz, result jsonb);
            """;
    }

    public static string DropSql(string schema) => $"DROP SCHEMA IF EXISTS {SqlText.Identifier(schema)} CASCADE";

    /// <summary>Statements that bring a schema of this version to <see cref="Version"/>; empty when there is nothing to do.</summary>
    /// <exception cref="SyncException">A newer program has written it.</exception>
    public static string UpgradeSql(string schema, int from)
    {
        if (from > Version)
        {
            throw new SyncException(SyncExit.Usage, "state_too_new", $"State schema version {from}, this program knows {Version}.", "Upgrade the program.");
        }

        return string.Concat(Upgrades.Skip(from - 1).Select(upgrade => upgrade(schema)));
    }
}
