using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Npgsql;
using NpgsqlTypes;
using Puff.Sync.Changes;
using Puff.Sync.Migrations;
using Puff.Sync.Postgres;

namespace Puff.Sync.State;

/// <summary>The state in tables of a schema, by default beside the data. One session works, another holds the lock and notices when it is lost.</summary>
internal sealed partial class SqlSyncState : ISyncState
{
    private const int LockClass = 0x50554646;
    private readonly PostgresSessions sessions;
    private readonly string schemaName;
    private readonly string schema;
    private readonly string pipeline;
    private readonly SemaphoreSlim turn = new(1, 1);
    private readonly CancellationTokenSource lockLost = new();
    private readonly CancellationTokenSource disposed = new();
    private NpgsqlConnection? work;
    private NpgsqlConnection? holder;
    private Task watching = Task.CompletedTask;

    private SqlSyncState(PostgresSessions sessions, string schemaName, string pipeline)
    {
        (this.sessions, this.schemaName, this.pipeline) = (sessions, schemaName, pipeline);
        schema = SqlText.Identifier(schemaName);
    }

    public CancellationToken LockLost => lockLost.Token;

    /// <summary>
    /// Opens the state and creates or upgrades its tables. Null when they are missing and may not be created: nothing was applied or run yet.
    /// </summary>
    /// <exception cref="SyncException">state_too_new; privilege_state when the role may not create it.</exception>
    public static async Task<SqlSyncState?> OpenAsync(
        PostgresSessions sessions, string schemaName, string pipeline, bool create, CancellationToken cancellation)
    {
        var state = new SqlSyncState(sessions, schemaName, pipeline);
        try
        {
            if (await state.PrepareAsync(create, cancellation))
            {
                return state;
            }
        }
        catch
        {
            await state.DisposeAsync();
            throw;
        }

        await state.DisposeAsync();
        return null;
    }

    public async Task<bool> TryLockAsync(RunnerRecord runner, CancellationToken cancellation)
    {
        if (holder is null)
        {
            var session = await sessions.OpenAsync(SessionUse.State, cancellation);
            await using var take = new NpgsqlCommand("SELECT pg_try_advisory_lock($1, $2)", session)
            {
                Parameters = { Parameter(LockClass), Parameter(LockKey(schemaName, pipeline)) },
            };
            if (await take.ExecuteScalarAsync(cancellation) is not true)
            {
                await session.DisposeAsync();
                return false;
            }

            holder = session;
            watching = WatchAsync(session);
        }

        await ExecuteAsync(
            $"""
            INSERT INTO {schema}.pipeline (name, runner_id, runner_host, runner_pid, runner_since) VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT (name) DO UPDATE SET runner_id = $2, runner_host = $3, runner_pid = $4, runner_since = $5
            """,
            cancellation, pipeline, runner.Id, runner.Host, runner.ProcessId, runner.Since);
        return true;
    }

    /// <summary>Whoever took the lock last and has not given it back.</summary>
    public async Task<RunnerRecord?> ReadRunnerAsync(CancellationToken cancellation)
    {
        var rows = await QueryAsync(
            $"SELECT NULL, NULL, NULL, NULL, NULL, NULL, NULL, runner_id, runner_host, runner_pid, runner_since FROM {schema}.pipeline WHERE name = $1",
            RunnerOf, cancellation, pipeline);
        return rows.Count == 0 ? null : rows[0];
    }

    public async Task<PipelineRecord?> ReadPipelineAsync(CancellationToken cancellation)
    {
        var rows = await QueryAsync(
            $"""
            SELECT name, system_identifier::text, database_oid, timeline, slot_name, publication_name, confirmed_lsn::text, runner_id, runner_host, runner_pid,
                runner_since, heartbeat_at, created_at, state_version
            FROM {schema}.pipeline WHERE name = $1 AND slot_name IS NOT NULL
            """,
            reader => new PipelineRecord(
                reader.GetString(0), ulong.Parse(reader.GetString(1), CultureInfo.InvariantCulture), (uint)reader.GetInt64(2), reader.GetInt32(3),
                reader.GetString(4), reader.GetString(5), LsnOf(reader.GetString(6)), RunnerOf(reader), Time(reader, 11), Time(reader, 12),
                reader.GetInt32(13)),
            cancellation, pipeline);
        return rows.Count == 0 ? null : rows[0];
    }

    public Task SavePipelineAsync(PipelineRecord record, CancellationToken cancellation) => ExecuteAsync(
        $"""
        INSERT INTO {schema}.pipeline (name, state_version, system_identifier, database_oid, timeline, slot_name, publication_name)
        VALUES ($1, {StateSchema.Version}, $2::numeric, $3, $4, $5, $6)
        ON CONFLICT (name) DO UPDATE SET system_identifier = $2::numeric, database_oid = $3, timeline = $4, slot_name = $5, publication_name = $6
        """,
        cancellation, pipeline, record.SystemIdentifier.ToString(CultureInfo.InvariantCulture), (long)record.DatabaseOid, record.Timeline, record.SlotName,
        record.PublicationName);

    public Task SaveHeartbeatAsync(DateTimeOffset at, CancellationToken cancellation) =>
        ExecuteAsync($"UPDATE {schema}.pipeline SET heartbeat_at = $2 WHERE name = $1", cancellation, pipeline, at);

    public async Task<IReadOnlyList<MigrationRecord>> ListMigrationsAsync(CancellationToken cancellation) => await QueryAsync(
        $"""
        SELECT number, name, mapping, action, hash, content, dependencies::text, tool_version, applied_at, applied_by
        FROM {schema}.migration WHERE pipeline = $1 ORDER BY number
        """,
        reader => new MigrationRecord(
            reader.GetInt64(0), reader.GetString(1), reader.GetString(2), EnumOf<MigrationAction>(reader.GetString(3)), reader.GetFieldValue<byte[]>(4),
            reader.GetFieldValue<byte[]>(5), Text(reader, 6), reader.GetString(7), reader.GetFieldValue<DateTimeOffset>(8), reader.GetString(9)),
        cancellation, pipeline);

    /// <summary>Statements and parameters in one transaction, beside statements for the source when both are one database: all or nothing.</summary>
    /// <param name="first">Run before, in the same transaction.</param>
    public async Task WriteAllAsync(
        IReadOnlyList<string> first, IReadOnlyList<(string Sql, object?[] Parameters)> statements, CancellationToken cancellation)
    {
        await using var session = await sessions.OpenAsync(SessionUse.Admin, cancellation);
        try
        {
            await using var transaction = await session.BeginTransactionAsync(cancellation);
            await using var settings = new NpgsqlCommand("SET LOCAL lock_timeout = '5s'", session, transaction);
            await settings.ExecuteNonQueryAsync(cancellation);
            foreach (var (sql, parameters) in first.Select(sql => (sql, Array.Empty<object?>())).Concat(statements))
            {
                await using var command = new NpgsqlCommand(sql, session, transaction);
                command.Parameters.AddRange(parameters.Select(Parameter).ToArray());
                await command.ExecuteNonQueryAsync(cancellation);
            }

            await transaction.CommitAsync(cancellation);
        }
        catch (PostgresException refused) when (refused.SqlState == PostgresErrorCodes.InsufficientPrivilege && first.Count > 0)
        {
            throw Publication.NotAllowed(refused, first);
        }
        catch (Exception exception) when (PostgresErrors.Translate(exception, sessions.Address, "writing the state") is { } translated)
        {
            throw translated;
        }
    }

    public (string Sql, object?[] Parameters) SavingMigration(MigrationRecord migration) => (
        $"""
        INSERT INTO {schema}.migration (pipeline, number, name, mapping, action, hash, content, dependencies, tool_version, applied_at, applied_by)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8::jsonb, $9, $10, $11)
        """,
        [
            pipeline, migration.Number, migration.Name, migration.Mapping, NameOf(migration.Action), migration.Hash, migration.Content,
            migration.DependenciesJson, migration.ToolVersion, migration.AppliedAt, migration.AppliedBy,
        ]);

    public (string Sql, object?[] Parameters) SavingMapping(MappingRecord mapping) => (SaveMappingSql(schema), SaveMappingParameters(pipeline, mapping));

    /// <summary>Forgets a mapping wholly: its migrations, generations, snapshots and letters.</summary>
    public Task ForgetMappingAsync(string mapping, CancellationToken cancellation) => ExecuteAsync(
        $"""
        WITH a AS (DELETE FROM {schema}.migration WHERE pipeline = $1 AND mapping = $2),
            b AS (DELETE FROM {schema}.snapshot WHERE pipeline = $1 AND mapping = $2),
            c AS (DELETE FROM {schema}.dead_letter WHERE pipeline = $1 AND mapping = $2)
        DELETE FROM {schema}.mapping WHERE pipeline = $1 AND name = $2
        """,
        cancellation, pipeline, mapping);

    /// <summary>Position and snapshot progress of a mapping, or of all, as if nothing had been read yet.</summary>
    public Task StartOverAsync(string? mapping, CancellationToken cancellation) => ExecuteAsync(
        $"""
        WITH a AS (UPDATE {schema}.snapshot SET state = 'stopped', finished_at = now(), updated_at = now()
            WHERE pipeline = $1 AND ($2::text IS NULL OR mapping = $2) AND state IN ('requested', 'running', 'paused'))
        UPDATE {schema}.mapping SET position_lsn = '0/0', position_ordinal = 0, position_time = NULL, state = 'pending', state_since = now(),
            reason_code = NULL, reason_text = NULL WHERE pipeline = $1 AND ($2::text IS NULL OR name = $2) AND state <> 'ended'
        """,
        cancellation, pipeline, mapping);

    /// <summary>Drops the schema with all its tables, of every pipeline in it.</summary>
    public Task DropSchemaAsync(CancellationToken cancellation) => ExecuteAsync(StateSchema.DropSql(schemaName), cancellation);

    public async ValueTask DisposeAsync()
    {
        await disposed.CancelAsync();
        await watching;
        if (holder is { } session)
        {
            holder = null;
            await ForgetRunnerAsync();
            await session.DisposeAsync();
        }

        if (work is { } connection)
        {
            work = null;
            await connection.DisposeAsync();
        }
    }

    /// <summary>The second half of the lock's number: the same pipeline name in another schema is another pipeline.</summary>
    internal static int LockKey(string schemaName, string pipeline) =>
        BinaryPrimitives.ReadInt32BigEndian(SHA256.HashData(Encoding.UTF8.GetBytes($"{schemaName}/{pipeline}")));

    private async Task ForgetRunnerAsync()
    {
        try
        {
            await ExecuteAsync(
                $"UPDATE {schema}.pipeline SET runner_id = NULL, runner_host = NULL, runner_pid = NULL, runner_since = NULL WHERE name = $1",
                CancellationToken.None, pipeline);
        }
        catch (Exception exception) when (exception is StateUnavailableException or SyncException)
        {
            // The lock says who runs; the row is for people.
        }
    }

    private async Task<bool> PrepareAsync(bool create, CancellationToken cancellation)
    {
        bool exists = await ScalarAsync($"SELECT to_regclass({SqlText.Literal($"{schema}.request")}) IS NOT NULL", cancellation) is true;
        if (!exists)
        {
            if (!create)
            {
                return false;
            }

            await CreateAsync(cancellation);
        }

        int version = await ScalarAsync($"SELECT max(state_version) FROM {schema}.pipeline", cancellation) is int stored ? stored : StateSchema.Version;
        string upgrade = StateSchema.UpgradeSql(schemaName, version);
        if (upgrade.Length > 0)
        {
            await ExecuteAsync($"{upgrade}; UPDATE {schema}.pipeline SET state_version = {StateSchema.Version}", cancellation);
        }

        return true;
    }

    private async Task CreateAsync(CancellationToken cancellation)
    {
        try
        {
            // Two programs that start at once would run into each other's new names.
            await ExecuteAsync($"SELECT pg_advisory_xact_lock({LockClass}, 0); {StateSchema.CreateSql(schemaName)}", cancellation);
        }
        catch (SyncException refused) when (refused.InnerException is PostgresException { SqlState: PostgresErrorCodes.InsufficientPrivilege })
        {
            throw new SyncException(
                SyncExit.NotAllowed, "privilege_state", $"{refused.Message} (creating the state schema {schemaName})",
                "Run the statements of `puff sync apply --print-sql` as a role that may, and grant this role all on the schema and its tables.", refused);
        }
    }

    /// <summary>Waits on the lock's own session: when the server or the network ends it, the lock is gone.</summary>
    private async Task WatchAsync(NpgsqlConnection session)
    {
        try
        {
            while (true)
            {
                await session.WaitAsync(disposed.Token);
            }
        }
        catch (OperationCanceledException)
        {
            // Disposed: the lock is given back, not lost.
        }
        catch (Exception exception) when (exception is NpgsqlException or IOException or InvalidOperationException)
        {
            lockLost.Cancel();
        }
    }

    private Task ExecuteAsync(string sql, CancellationToken cancellation, params object?[] parameters) => RunAsync(
        sql, parameters, async command => await command.ExecuteNonQueryAsync(cancellation), cancellation);

    private Task<object?> ScalarAsync(string sql, CancellationToken cancellation, params object?[] parameters) => RunAsync(
        sql, parameters, async command => await command.ExecuteScalarAsync(cancellation), cancellation);

    private Task<List<T>> QueryAsync<T>(string sql, Func<NpgsqlDataReader, T> read, CancellationToken cancellation, params object?[] parameters) => RunAsync(
        sql,
        parameters,
        async command =>
        {
            var rows = new List<T>();
            await using var reader = await command.ExecuteReaderAsync(cancellation);
            while (await reader.ReadAsync(cancellation))
            {
                rows.Add(read(reader));
            }

            return rows;
        },
        cancellation);

    private async Task<T> RunAsync<T>(string sql, object?[] parameters, Func<NpgsqlCommand, Task<T>> run, CancellationToken cancellation)
    {
        await turn.WaitAsync(cancellation);
        try
        {
            if (work is not null && work.State != System.Data.ConnectionState.Open)
            {
                await work.DisposeAsync();
                work = null;
            }

            work ??= await sessions.OpenAsync(SessionUse.State, cancellation);
            await using var command = new NpgsqlCommand(sql, work);
            foreach (object? parameter in parameters)
            {
                command.Parameters.Add(Parameter(parameter));
            }

            return await run(command);
        }
        catch (FeedInterruptedException interrupted)
        {
            throw new StateUnavailableException(interrupted.Message, interrupted);
        }
        catch (Exception exception) when (PostgresErrors.Translate(exception, sessions.Address, "state") is { } translated)
        {
            throw translated is FeedInterruptedException ? new StateUnavailableException(translated.Message, exception) : translated;
        }
        finally
        {
            turn.Release();
        }
    }

    /// <summary>Types are said where they cannot be told from a null.</summary>
    private static NpgsqlParameter Parameter(object? value) => value switch
    {
        null => new NpgsqlParameter { Value = DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text },
        DateTimeOffset time => new NpgsqlParameter { Value = time.ToUniversalTime(), NpgsqlDbType = NpgsqlDbType.TimestampTz },
        _ => new NpgsqlParameter { Value = value },
    };

    private static RunnerRecord? RunnerOf(NpgsqlDataReader reader) => reader.IsDBNull(7)
        ? null
        : new RunnerRecord(reader.GetGuid(7), reader.GetString(8), reader.GetInt32(9), reader.GetFieldValue<DateTimeOffset>(10));

    private static string? Text(NpgsqlDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetString(column);

    private static DateTimeOffset? Time(NpgsqlDataReader reader, int column) =>
        reader.IsDBNull(column) ? null : reader.GetFieldValue<DateTimeOffset>(column);

    private static Lsn LsnOf(string text) => Lsn.TryParse(text, out var lsn) ? lsn : default;

    private static T EnumOf<T>(string name)
        where T : struct, Enum => Enum.Parse<T>(name, ignoreCase: true);

    private static string NameOf<T>(T value)
        where T : struct, Enum => value.ToString().ToLowerInvariant();
}
