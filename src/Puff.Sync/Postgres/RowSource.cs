using System.Collections.Concurrent;
using System.Globalization;
using Npgsql;
using Puff.Sync.Changes;

namespace Puff.Sync.Postgres;

/// <summary>
/// Reads existing rows of a real server: each page is one query in a transaction of its own, with the snapshot the query saw. Keys are compared by the server
/// only, in the columns' own types. Safe for concurrent use, up to <paramref name="connections"/> queries at once.
/// </summary>
internal sealed class RowSource(PostgresSessions sessions, int connections = 2) : IRowSource
{
    /// <summary>Of the first page of a table, whose rows may be of any width.</summary>
    private const int FirstPageRows = 1000;

    private readonly SemaphoreSlim free = new(connections, connections);
    private readonly ConcurrentBag<NpgsqlConnection> idle = [];
    private readonly ConcurrentDictionary<string, RelationShape> shapes = new();

    /// <summary>Bytes of a row, by table, as the last page had them: a page asks for about as many rows as fit.</summary>
    private readonly ConcurrentDictionary<string, double> rowBytes = new();

    public Task<RowPage> ReadPageAsync(
        RowQuery query, IReadOnlyList<string>? after, IReadOnlyList<string>? upTo, int maxRows, long maxBytes, CancellationToken cancellation)
    {
        string name = SqlText.Table(query.Schema, query.Table);
        int limit = rowBytes.TryGetValue(name, out double bytes) ? (int)Math.Clamp((maxBytes / bytes) + 1, 1, maxRows) : Math.Min(maxRows, FirstPageRows);
        return RunAsync(
            query,
            async (session, token) =>
            {
                var table = await BeginAsync(session, query, token);
                string sql = PageSql(query, table, after, upTo, limit);
                var batch = new ChangeBatch((int)Math.Clamp(maxBytes / 4, 64 * 1024, 4 * 1024 * 1024));
                bool isWhole = await CopyAsync(session, sql, table.Shape, batch, maxBytes, token);
                if (batch.Count > 0)
                {
                    rowBytes[name] = Math.Max(1, (double)batch.ByteCount / batch.Count);
                }

                return await EndAsync(session, query, table, batch, isLast: isWhole && batch.Count < limit, token);
            },
            cancellation);
    }

    public Task<RowPage> ReadKeysAsync(RowQuery query, IReadOnlyList<IReadOnlyList<string>> keys, CancellationToken cancellation) => RunAsync(
        query,
        async (session, token) =>
        {
            var table = await BeginAsync(session, query, token);
            var batch = new ChangeBatch();
            if (keys.Count > 0)
            {
                await CopyAsync(session, KeysSql(query, table, keys), table.Shape, batch, long.MaxValue, token);
            }

            return await EndAsync(session, query, table, batch, isLast: true, token);
        },
        cancellation);

    public Task<(IReadOnlyList<string>? Key, long Rows)> FindEndAsync(RowQuery query, CancellationToken cancellation) => RunAsync(
        query,
        async (session, token) =>
        {
            var keys = query with { Columns = query.KeyColumns };
            var table = await BeginAsync(session, keys, token);
            string descending = string.Join(", ", query.KeyColumns.Select(column => SqlText.Identifier(column) + " DESC"));
            string from = $"FROM {table.From}{Condition(query.Where, "WHERE")}";
            var batch = new ChangeBatch();
            await CopyAsync(
                session, $"SELECT {SqlText.Identifiers(query.KeyColumns)} {from} ORDER BY {descending} LIMIT 1", table.Shape, batch, long.MaxValue, token);
            await using var explain = new NpgsqlCommand($"EXPLAIN (FORMAT TEXT) SELECT 1 {from}", session);
            long rows = PlannedRows(await explain.ExecuteScalarAsync(token) as string);
            await FinishAsync(session, token);
            return (CursorOf(keys, table.Shape, batch), rows);
        },
        cancellation);

    public async ValueTask DisposeAsync()
    {
        while (idle.TryTake(out var session))
        {
            await session.DisposeAsync();
        }

        free.Dispose();
    }

    private async Task<T> RunAsync<T>(RowQuery query, Func<NpgsqlConnection, CancellationToken, Task<T>> read, CancellationToken cancellation)
    {
        await free.WaitAsync(cancellation);
        NpgsqlConnection? session = null;
        try
        {
            session = idle.TryTake(out var waiting) ? waiting : await sessions.OpenAsync(SessionUse.Snapshot, cancellation);
            var result = await read(session, cancellation);
            idle.Add(session);
            session = null;
            return result;
        }
        catch (Exception exception) when (Failure(exception, query, cancellation) is { } failure)
        {
            throw failure;
        }
        finally
        {
            // A session that failed is not used again: its transaction may be open, its copy half read.
            if (session is not null)
            {
                await session.DisposeAsync();
            }

            free.Release();
        }
    }

    private Exception? Failure(Exception exception, RowQuery query, CancellationToken cancellation)
    {
        string table = $"{query.Schema}.{query.Table}";
        return exception switch
        {
            _ when cancellation.IsCancellationRequested => new OperationCanceledException("Reading rows was cancelled.", exception, cancellation),
            PostgresException { SqlState: PostgresErrorCodes.UndefinedTable } gone =>
                new SyncException(SyncExit.NotFound, "table_not_found", $"Table {table} does not exist.", inner: gone),
            PostgresException { SqlState: PostgresErrorCodes.UndefinedColumn } gone =>
                new SyncException(SyncExit.Usage, "column_not_found", $"{table}: {gone.MessageText}.", inner: gone),
            PostgresException { SqlState: PostgresErrorCodes.InsufficientPrivilege } refused => new SyncException(
                SyncExit.NotAllowed, "privilege_select", $"{refused.MessageText} ({table}).",
                $"GRANT SELECT ON {SqlText.Table(query.Schema, query.Table)} TO {SqlText.Identifier(sessions.Address.User)};", refused),
            _ => PostgresErrors.Translate(exception, sessions.Address, $"reading {table}"),
        };
    }

    /// <summary>Opens the page's transaction: what it sees is fixed with the first query.</summary>
    private async Task<Table> BeginAsync(NpgsqlConnection session, RowQuery query, CancellationToken cancellation)
    {
        string name = SqlText.Literal(SqlText.Table(query.Schema, query.Table));
        string sql = $"""
            BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
            SELECT pg_current_snapshot()::text, pg_is_in_recovery();
            SELECT c.oid::text, c.relkind::text, c.relreplident::text FROM pg_class c WHERE c.oid = {name}::regclass;
            SELECT a.attname::text, a.atttypid::text, a.atttypmod, format_type(a.atttypid, -1), coalesce(a.attnum = ANY(i.indkey::int2[]), false)
            FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid LEFT JOIN pg_index i ON i.indrelid = c.oid
                AND CASE c.relreplident WHEN 'd' THEN i.indisprimary WHEN 'i' THEN i.indisreplident ELSE false END
            WHERE c.oid = {name}::regclass AND a.attnum > 0 AND NOT a.attisdropped
            """;
        await using var command = new NpgsqlCommand(sql, session);
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        await reader.ReadAsync(cancellation);
        bool isStandby = reader.GetBoolean(1);
        var snapshot = ParseSnapshot(reader.GetString(0), isStandby);
        await reader.NextResultAsync(cancellation);
        await reader.ReadAsync(cancellation);
        uint oid = uint.Parse(reader.GetString(0), CultureInfo.InvariantCulture);
        bool isRoot = reader.GetString(1) == "p";
        var identity = Catalog.IdentityOf(reader.GetString(2));
        await reader.NextResultAsync(cancellation);
        var columns = new Dictionary<string, (ColumnShape Shape, string Type)>();
        while (await reader.ReadAsync(cancellation))
        {
            bool isKey = identity == ReplicaIdentity.Full || reader.GetBoolean(4);
            string column = reader.GetString(0);
            uint type = uint.Parse(reader.GetString(1), CultureInfo.InvariantCulture);
            columns[column] = (new ColumnShape(column, type, reader.GetInt32(2), isKey), reader.GetString(3));
        }

        string? missing = query.Columns.Concat(query.KeyColumns).FirstOrDefault(column => !columns.ContainsKey(column));
        if (missing is not null)
        {
            throw new SyncException(SyncExit.Usage, "column_not_found", $"Column `{missing}` is not in {query.Schema}.{query.Table}.");
        }

        var shape = new RelationShape(oid, query.Schema, query.Table, identity, [.. query.Columns.Select(column => columns[column].Shape)]);
        string key = $"{oid}:{string.Join('\0', query.Columns)}";
        if (shapes.TryGetValue(key, out var before) && before.HasShapeOf(shape))
        {
            shape = before;
        }

        shapes[key] = shape;
        string from = (isRoot ? "" : "ONLY ") + SqlText.Table(query.Schema, query.Table);
        return new Table(shape, snapshot, isStandby, from, [.. query.KeyColumns.Select(column => columns[column].Type)]);
    }

    /// <summary>Ends the transaction, then asks how far the log is: the page must be held until the stream has passed that.</summary>
    private async Task<RowPage> EndAsync(
        NpgsqlConnection session, RowQuery query, Table table, ChangeBatch batch, bool isLast, CancellationToken cancellation)
    {
        await FinishAsync(session, cancellation);
        string position = table.IsStandby ? "pg_last_wal_replay_lsn()" : "pg_current_wal_insert_lsn()";
        await using var command = new NpgsqlCommand($"SELECT {position}::text", session);
        string? high = await command.ExecuteScalarAsync(cancellation) as string;
        if (!Lsn.TryParse(high, out var lsn))
        {
            throw new FeedInterruptedException($"{sessions.Address.Display}: the server does not say how far its log is");
        }

        return new RowPage(batch, table.Snapshot, lsn, isLast, CursorOf(query, table.Shape, batch));
    }

    private static async Task FinishAsync(NpgsqlConnection session, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand("COMMIT", session);
        await command.ExecuteNonQueryAsync(cancellation);
    }

    /// <summary>Reads rows until the end or the limit of bytes; false when there was more.</summary>
    private static async Task<bool> CopyAsync(
        NpgsqlConnection session, string sql, RelationShape shape, ChangeBatch batch, long maxBytes, CancellationToken cancellation)
    {
        using var text = await session.BeginTextExportAsync($"COPY ({sql}) TO STDOUT", cancellation);
        var copy = (NpgsqlRawCopyStream)((StreamReader)text).BaseStream;
        var reader = new CopyTextReader(copy, shape.Columns.Count);
        void Begin(ChangeBatch to) => to.Add(ChangeKind.Snapshot, shape, 0, default, 0);
        while (await reader.ReadRowAsync(batch, Begin, cancellation))
        {
            if (batch.ByteCount < maxBytes)
            {
                continue;
            }

            // Fails the transaction, which has nothing to keep.
            await copy.CancelAsync();
            return false;
        }

        return true;
    }

    private static string PageSql(RowQuery query, Table table, IReadOnlyList<string>? after, IReadOnlyList<string>? upTo, int limit)
    {
        string key = Tuple(query.KeyColumns.Select(SqlText.Identifier));
        var conditions = new List<string>();
        if (after is not null)
        {
            conditions.Add($"{key} > {Tuple(Typed(table, after))}");
        }

        if (upTo is not null)
        {
            conditions.Add($"{key} <= {Tuple(Typed(table, upTo))}");
        }

        if (query.Where is not null)
        {
            conditions.Add($"({query.Where})");
        }

        string where = conditions.Count == 0 ? "" : $" WHERE {string.Join(" AND ", conditions)}";
        return $"SELECT {SqlText.Identifiers(query.Columns)} FROM {table.From}{where} ORDER BY {SqlText.Identifiers(query.KeyColumns)} "
            + $"LIMIT {limit.ToString(CultureInfo.InvariantCulture)}";
    }

    private static string KeysSql(RowQuery query, Table table, IReadOnlyList<IReadOnlyList<string>> keys)
    {
        string condition = query.KeyColumns.Count == 1
            ? $"{SqlText.Identifier(query.KeyColumns[0])} = ANY({SqlText.ArrayLiteral(keys.Select(key => key[0]))}::{table.KeyTypes[0]}[])"
            : $"{Tuple(query.KeyColumns.Select(SqlText.Identifier))} IN (VALUES {string.Join(", ", keys.Select(Row))})";
        string Row(IReadOnlyList<string> key) => $"({string.Join(", ", Typed(table, key))})";
        return $"SELECT {SqlText.Identifiers(query.Columns)} FROM {table.From} WHERE {condition}{Condition(query.Where, "AND")}";
    }

    private static string Condition(string? where, string word) => where is null ? "" : $" {word} ({where})";

    private static IEnumerable<string> Typed(Table table, IReadOnlyList<string> values) =>
        values.Zip(table.KeyTypes, (value, type) => $"{SqlText.Literal(value)}::{type}");

    private static string Tuple(IEnumerable<string> parts)
    {
        string[] all = [.. parts];
        return all.Length == 1 ? all[0] : $"({string.Join(", ", all)})";
    }

    private static IReadOnlyList<string>? CursorOf(RowQuery query, RelationShape shape, ChangeBatch batch)
    {
        if (batch.Count == 0)
        {
            return null;
        }

        var last = batch[batch.Count - 1].New;
        return [.. query.KeyColumns.Select(column => System.Text.Encoding.UTF8.GetString(last.Bytes(shape.Find(column))))];
    }

    /// <summary>"xmin:xmax:a,b,c".</summary>
    internal static TransactionSnapshot ParseSnapshot(string text, bool isStandby)
    {
        string[] parts = text.Split(':');
        var running = parts[2].Split(',', StringSplitOptions.RemoveEmptyEntries).Select(id => ulong.Parse(id, CultureInfo.InvariantCulture));
        return new TransactionSnapshot(
            ulong.Parse(parts[0], CultureInfo.InvariantCulture), ulong.Parse(parts[1], CultureInfo.InvariantCulture), isStandby ? null : running.ToHashSet());
    }

    /// <summary>The estimate in the first line of a plan: "Seq Scan on t  (cost=0.00..35.50 rows=2550 width=4)".</summary>
    private static long PlannedRows(string? plan)
    {
        int at = plan?.IndexOf(" rows=", StringComparison.Ordinal) ?? -1;
        if (at < 0)
        {
            return 0;
        }

        var digits = plan.AsSpan(at + 6);
        return long.Parse(digits[..digits.IndexOfAnyExceptInRange('0', '9')], CultureInfo.InvariantCulture);
    }

    private sealed record Table(RelationShape Shape, TransactionSnapshot Snapshot, bool IsStandby, string From, IReadOnlyList<string> KeyTypes);
}
