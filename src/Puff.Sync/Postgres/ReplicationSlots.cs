using System.Globalization;
using Npgsql;
using Puff.Sync.Changes;

namespace Puff.Sync.Postgres;

/// <summary>A slot as pg_replication_slots shows it.</summary>
/// <param name="ActiveProcess">Backend that reads it; null when nobody does.</param>
/// <param name="RetainedBytes">Log kept because of it.</param>
/// <param name="SafeBytes">What may still be written before it is lost; null for no limit.</param>
internal sealed record SlotFacts(
    string Name, string? Plugin, string Type, string? Database, bool IsTemporary, int? ActiveProcess, Lsn Restart, Lsn Confirmed, WalStatus Status,
    long RetainedBytes, long? SafeBytes);

/// <summary>Creates, reads and drops logical slots.</summary>
internal static class ReplicationSlots
{
    public static async Task<IReadOnlyList<SlotFacts>> ListAsync(NpgsqlConnection session, CancellationToken cancellation) => await Catalog.ListAsync(
        session,
        """
        SELECT slot_name::text, plugin::text, slot_type, database::text, temporary, active_pid, coalesce(restart_lsn, '0/0')::text,
            coalesce(confirmed_flush_lsn, '0/0')::text, wal_status, safe_wal_size,
            coalesce(pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_insert_lsn() END, restart_lsn), 0)::bigint
        FROM pg_replication_slots ORDER BY 1
        """,
        reader => new SlotFacts(
            reader.GetString(0), reader.IsDBNull(1) ? null : reader.GetString(1), reader.GetString(2), reader.IsDBNull(3) ? null : reader.GetString(3),
            reader.GetBoolean(4), reader.IsDBNull(5) ? null : reader.GetInt32(5), LsnOf(reader.GetString(6)), LsnOf(reader.GetString(7)),
            reader.IsDBNull(8) ? WalStatus.Lost : Enum.Parse<WalStatus>(reader.GetString(8), ignoreCase: true), reader.GetInt64(10),
            reader.IsDBNull(9) ? null : reader.GetInt64(9)),
        cancellation);

    /// <summary>Null when there is none of that name.</summary>
    public static async Task<SlotFacts?> FindAsync(NpgsqlConnection session, string name, CancellationToken cancellation) =>
        (await ListAsync(session, cancellation)).FirstOrDefault(slot => slot.Name == name);

    /// <summary>A slot of that name that cannot be ours is refused, never dropped.</summary>
    /// <exception cref="SyncException">slot_mismatch.</exception>
    public static void Check(SlotFacts slot, string database)
    {
        if (slot.Type != "logical" || slot.Plugin != "pgoutput" || slot.Database != database)
        {
            throw new SyncException(
                SyncExit.Conflict, "slot_mismatch",
                $"Slot {slot.Name} exists with {(slot.Type == "logical" ? $"plugin {slot.Plugin} in database {slot.Database}" : "type physical")}.",
                "Choose another slot.name, or drop it.");
        }
    }

    /// <summary>
    /// Creates the slot and returns where its stream begins. Waits for all transactions that run at that moment; <paramref name="waiting"/> is told of the
    /// oldest after 5 and after 30 seconds.
    /// </summary>
    /// <param name="sessions">To look at the waiting from another session.</param>
    /// <param name="failover">Let standbys keep it (version 17); ignored before.</param>
    public static async Task<Lsn> CreateAsync(
        PostgresSessions sessions, string name, bool failover, TimeProvider time, Action<string>? waiting, CancellationToken cancellation)
    {
        await using var session = await sessions.OpenAsync(SessionUse.Admin, cancellation);
        string arguments = $"{SqlText.Literal(name)}, 'pgoutput', false, false" + (failover && session.PostgreSqlVersion.Major >= 17 ? ", true" : "");
        try
        {
            await Catalog.ScalarAsync(session, "SET statement_timeout = 0", cancellation);
            var creating = Catalog.ScalarAsync(session, $"SELECT lsn::text FROM pg_create_logical_replication_slot({arguments})", cancellation);
            foreach (int seconds in (int[])[5, 25])
            {
                var patience = Task.Delay(TimeSpan.FromSeconds(seconds), time, cancellation);
                if (await Task.WhenAny(creating, patience) == creating)
                {
                    break;
                }

                waiting?.Invoke(await DescribeWaitAsync(sessions, session.ProcessID, name, cancellation));
            }

            return LsnOf((string)(await creating)!);
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            throw await FailureAsync(exception, sessions, name, cancellation) ?? exception;
        }
    }

    public static async Task DropAsync(NpgsqlConnection session, string name, CancellationToken cancellation) =>
        await Catalog.ScalarAsync(session, $"SELECT pg_drop_replication_slot({SqlText.Literal(name)})::text", cancellation);

    /// <summary>Moves the slot forward: what lies between is never sent.</summary>
    public static async Task AdvanceAsync(NpgsqlConnection session, string name, Lsn to, CancellationToken cancellation) => await Catalog.ScalarAsync(
        session, $"SELECT end_lsn::text FROM pg_replication_slot_advance({SqlText.Literal(name)}, '{to}'::pg_lsn)", cancellation);

    /// <summary>
    /// Waits until nobody reads the slot, at most a minute. A reader whose application name is of our pipeline is ended, if the caller holds the lock:
    /// then it is a connection that its runner has lost.
    /// </summary>
    /// <exception cref="SyncException">slot_in_use.</exception>
    public static async Task WaitUntilFreeAsync(
        NpgsqlConnection session, PostgresSessions sessions, string name, bool hasLock, TimeProvider time, CancellationToken cancellation)
    {
        var end = time.GetUtcNow() + TimeSpan.FromMinutes(1);
        for (var pause = TimeSpan.FromMilliseconds(100); ; pause = pause * 2 < TimeSpan.FromSeconds(5) ? pause * 2 : TimeSpan.FromSeconds(5))
        {
            var readers = await Catalog.ListAsync(
                session,
                $"""
                SELECT a.pid, a.usename::text, coalesce(host(a.client_addr), 'local'), a.backend_start::text, a.application_name
                FROM pg_replication_slots s JOIN pg_stat_activity a ON a.pid = s.active_pid WHERE s.slot_name = {SqlText.Literal(name)}
                """,
                reader => (
                    Pid: reader.GetInt32(0), User: reader.GetString(1), Host: reader.GetString(2), Since: reader.GetString(3), Name: reader.GetString(4)),
                cancellation);
            if (readers.Count == 0)
            {
                return;
            }

            var found = readers[0];
            if (hasLock && found.Name.StartsWith(sessions.NamePrefix, StringComparison.Ordinal))
            {
                await Catalog.ScalarAsync(
                    session, $"SELECT pg_terminate_backend({found.Pid.ToString(CultureInfo.InvariantCulture)})", cancellation);
            }

            if (time.GetUtcNow() >= end)
            {
                throw new SyncException(
                    SyncExit.Conflict, "slot_in_use", $"Slot {name} is used by pid {found.Pid} ({found.User}, {found.Host}, since {found.Since}).",
                    "Stop that runner.");
            }

            await Task.Delay(pause, time, cancellation);
        }
    }

    /// <summary>What the creation of a slot waits for: the oldest transaction, prepared ones too.</summary>
    public static async Task<string?> OldestTransactionAsync(NpgsqlConnection session, TimeSpan olderThan, int exceptProcess, CancellationToken cancellation)
    {
        string seconds = ((long)olderThan.TotalSeconds).ToString(CultureInfo.InvariantCulture);
        var found = await Catalog.ListAsync(
            session,
            $"""
            SELECT format('pid %s (%s, open %s: %s)', pid, usename, date_trunc('second', clock_timestamp() - xact_start),
                left(regexp_replace(query, '\s+', ' ', 'g'), 60)), xact_start
            FROM pg_stat_activity
            WHERE backend_type = 'client backend' AND backend_xid IS NOT NULL AND pid NOT IN (pg_backend_pid(), {exceptProcess})
                AND xact_start < clock_timestamp() - interval '{seconds} s'
            UNION ALL SELECT format('prepared transaction %s (%s, since %s)', gid, owner, date_trunc('second', prepared)), prepared FROM pg_prepared_xacts
            WHERE prepared < clock_timestamp() - interval '{seconds} s'
            ORDER BY 2 LIMIT 1
            """,
            reader => reader.GetString(0),
            cancellation);
        return found.Count == 0 ? null : found[0];
    }

    private static async Task<string> DescribeWaitAsync(PostgresSessions sessions, int creator, string name, CancellationToken cancellation)
    {
        await using var session = await sessions.OpenAsync(SessionUse.Admin, cancellation);
        string? oldest = await OldestTransactionAsync(session, TimeSpan.Zero, creator, cancellation);
        return $"Creating slot {name} waits for {(oldest is null ? "transactions that run" : $"the transaction of {oldest}")}.";
    }

    private static async Task<Exception?> FailureAsync(Exception exception, PostgresSessions sessions, string name, CancellationToken cancellation)
    {
        if (exception is PostgresException { SqlState: PostgresErrorCodes.ConfigurationLimitExceeded } full)
        {
            await using var session = await sessions.OpenAsync(SessionUse.Admin, cancellation);
            var slots = await ListAsync(session, cancellation);
            return new SyncException(
                SyncExit.Temporary, "no_free_slot",
                $"All {slots.Count} replication slots are in use ({string.Join(", ", slots.Select(slot => slot.Name))}).",
                "Drop unused ones, or raise max_replication_slots.", full);
        }

        if (exception is PostgresException { SqlState: PostgresErrorCodes.ObjectNotInPrerequisiteState } level)
        {
            return new SyncException(
                SyncExit.Usage, "wal_level", $"{level.MessageText}: wal_level must be logical (needs a restart of the server).",
                "RDS: rds.logical_replication = 1.", level);
        }

        return PostgresErrors.Translate(exception, sessions.Address, $"creating slot {name}");
    }

    private static Lsn LsnOf(string text) => Lsn.TryParse(text, out var lsn) ? lsn : default;
}
