using System.Globalization;
using Npgsql;
using Puff.Sync.Changes;

namespace Puff.Sync.Postgres;

/// <summary>Questions to a real source over one session, opened when first needed and again after it was lost.</summary>
internal sealed class SourceServer(PostgresSessions sessions) : ISourceServer
{
    private readonly SemaphoreSlim turn = new(1, 1);
    private NpgsqlConnection? session;

    public Task<SourceIdentity> IdentifyAsync(CancellationToken cancellation) => AskAsync(
        """
        SELECT (SELECT system_identifier::text FROM pg_control_system()), (SELECT oid::bigint FROM pg_database WHERE datname = current_database()),
            (SELECT timeline_id FROM pg_control_checkpoint()), pg_is_in_recovery(),
            CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_insert_lsn() END::text,
            CASE WHEN pg_is_in_recovery() THEN NULL ELSE pg_walfile_name(pg_current_wal_insert_lsn()) END
        """,
        "identifying the server",
        reader => new SourceIdentity(
            ulong.Parse(reader.GetString(0), CultureInfo.InvariantCulture), (uint)reader.GetInt64(1),

            // The control file names the timeline of the last checkpoint, which is the old one for a while after a promotion; a log file's name has today's.
            reader.IsDBNull(5) ? reader.GetInt32(2) : int.Parse(reader.GetString(5)[..8], NumberStyles.HexNumber, CultureInfo.InvariantCulture),
            LsnAt(reader, 4)),
        cancellation)!;

    public Task<SlotState?> ReadSlotAsync(string slot, CancellationToken cancellation) => AskAsync(
        $"""
        SELECT confirmed_flush_lsn::text, wal_status, coalesce(pg_wal_lsn_diff(
            CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_insert_lsn() END, restart_lsn), 0)::bigint,
            safe_wal_size, active, active_pid
        FROM pg_replication_slots WHERE slot_name = {SqlText.Literal(slot)}
        """,
        "reading the slot",
        reader => new SlotState(
            LsnAt(reader, 0), reader.IsDBNull(1) ? WalStatus.Lost : Enum.Parse<WalStatus>(reader.GetString(1), ignoreCase: true), reader.GetInt64(2),
            reader.IsDBNull(3) ? null : reader.GetInt64(3), reader.GetBoolean(4), reader.IsDBNull(5) ? null : reader.GetInt32(5)),
        cancellation);

    public Task<Lsn> ReadInsertLsnAsync(CancellationToken cancellation) => AskAsync(
        "SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_insert_lsn() END::text", "reading the log's end",
        reader => LsnAt(reader, 0), cancellation);

    public Task EmitMessageAsync(string prefix, string content, CancellationToken cancellation) => AskAsync(
        $"SELECT pg_logical_emit_message(true, {SqlText.Literal(prefix)}, {SqlText.Literal(content)})::text", "writing a heartbeat",
        reader => reader.GetString(0), cancellation);

    public async ValueTask DisposeAsync()
    {
        if (session is { } open)
        {
            session = null;
            await open.DisposeAsync();
        }
    }

    private async Task<T?> AskAsync<T>(string sql, string doing, Func<NpgsqlDataReader, T> read, CancellationToken cancellation)
    {
        await turn.WaitAsync(cancellation);
        try
        {
            if (session is { State: not System.Data.ConnectionState.Open } broken)
            {
                session = null;
                await broken.DisposeAsync();
            }

            session ??= await sessions.OpenAsync(SessionUse.Admin, cancellation);
            await using var command = new NpgsqlCommand(sql, session);
            await using var reader = await command.ExecuteReaderAsync(cancellation);
            return await reader.ReadAsync(cancellation) ? read(reader) : default;
        }
        catch (Exception exception) when (PostgresErrors.Translate(exception, sessions.Address, doing) is { } translated)
        {
            throw translated;
        }
        finally
        {
            turn.Release();
        }
    }

    private static Lsn LsnAt(NpgsqlDataReader reader, int column) =>
        !reader.IsDBNull(column) && Lsn.TryParse(reader.GetString(column), out var lsn) ? lsn : default;
}
