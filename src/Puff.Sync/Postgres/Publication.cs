using Npgsql;

namespace Puff.Sync.Postgres;

/// <summary>A table in a publication.</summary>
/// <param name="Columns">Null for all.</param>
/// <param name="Where">Row filter in SQL; null for none.</param>
internal sealed record PublishedTable(string Schema, string Table, IReadOnlyList<string>? Columns = null, string? Where = null)
{
    public string Name => SqlText.Table(Schema, Table);

    public string Sql => Name + (Columns is null ? "" : $" ({SqlText.Identifiers(Columns)})") + (Where is null ? "" : $" WHERE ({Where})");
}

/// <param name="HasAllOperations">insert, update, delete and truncate.</param>
/// <param name="IsForAllTables">FOR ALL TABLES, or of schemas: tables are not added or dropped.</param>
internal sealed record PublicationFacts(
    string Owner, bool IsOwner, bool IsForAllTables, bool HasAllOperations, bool IsViaRoot, IReadOnlyList<PublishedTable> Tables);

/// <summary>The publication of a pipeline: kept equal to the tables its live mappings read.</summary>
internal static class Publication
{
    private const string Options = "publish = 'insert, update, delete, truncate', publish_via_partition_root = true";

    /// <summary>Null when there is none of that name.</summary>
    public static async Task<PublicationFacts?> ReadAsync(NpgsqlConnection session, string name, CancellationToken cancellation)
    {
        string literal = SqlText.Literal(name);
        var heads = await Catalog.ListAsync(
            session,
            $"""
            SELECT pg_get_userbyid(p.pubowner)::text, pg_has_role(p.pubowner, 'USAGE'), p.puballtables, p.pubinsert AND p.pubupdate AND p.pubdelete
                AND p.pubtruncate, p.pubviaroot FROM pg_publication p WHERE p.pubname = {literal}
            """,
            reader => new PublicationFacts(
                reader.GetString(0), reader.GetBoolean(1), reader.GetBoolean(2), reader.GetBoolean(3), reader.GetBoolean(4), []),
            cancellation);
        if (heads.Count == 0)
        {
            return null;
        }

        // pg_publication_rel, not pg_publication_tables: the root of partitions as it was named. Filters and column lists came with version 15.
        bool hasFilters = session.PostgreSqlVersion.Major >= 15;
        string more = hasFilters
            ? """
              CASE WHEN r.prattrs IS NULL THEN NULL ELSE ARRAY(SELECT a.attname::text FROM pg_attribute a
                  WHERE a.attrelid = r.prrelid AND a.attnum = ANY(r.prattrs::int2[]) ORDER BY a.attnum) END, pg_get_expr(r.prqual, r.prrelid)
              """
            : "NULL::text[], NULL::text";
        var tables = await Catalog.ListAsync(
            session,
            $"""
            SELECT n.nspname::text, c.relname::text, {more} FROM pg_publication p JOIN pg_publication_rel r ON r.prpubid = p.oid
                JOIN pg_class c ON c.oid = r.prrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE p.pubname = {literal} ORDER BY 1, 2
            """,
            reader => new PublishedTable(
                reader.GetString(0), reader.GetString(1), reader.IsDBNull(2) ? null : reader.GetFieldValue<string[]>(2),
                reader.IsDBNull(3) ? null : reader.GetString(3)),
            cancellation);
        return heads[0] with { Tables = tables };
    }

    /// <summary>Statements that make the publication publish exactly these tables; empty when it does.</summary>
    public static IReadOnlyList<string> ChangeSql(string name, PublicationFacts? current, IReadOnlyList<PublishedTable> wanted)
    {
        string id = SqlText.Identifier(name);
        if (current is null)
        {
            string tables = wanted.Count == 0 ? "" : $" FOR TABLE {string.Join(", ", wanted.Select(table => table.Sql))}";
            return [$"CREATE PUBLICATION {id}{tables} WITH ({Options})"];
        }

        var statements = new List<string>();
        if (!current.HasAllOperations || !current.IsViaRoot)
        {
            statements.Add($"ALTER PUBLICATION {id} SET ({Options})");
        }

        if (current.IsForAllTables)
        {
            return statements;
        }

        var there = current.Tables.ToDictionary(table => table.Name);
        var kept = wanted.Select(table => table.Name).ToHashSet();
        statements.AddRange(current.Tables.Where(table => !kept.Contains(table.Name)).Select(table => $"ALTER PUBLICATION {id} DROP TABLE {table.Name}"));

        // A filter is stored as the server prints it: it can only be compared by being there or not. Changed ones are set anew with their table.
        foreach (var table in wanted)
        {
            bool isThere = there.TryGetValue(table.Name, out var now);
            bool isSame = isThere && now!.Where is null == table.Where is null && SameColumns(now.Columns, table.Columns);
            if (isThere && !isSame)
            {
                statements.Add($"ALTER PUBLICATION {id} DROP TABLE {table.Name}");
            }

            if (!isSame)
            {
                statements.Add($"ALTER PUBLICATION {id} ADD TABLE {table.Sql}");
            }
        }

        return statements;
    }

    public static string DropSql(string name) => $"DROP PUBLICATION IF EXISTS {SqlText.Identifier(name)}";

    /// <summary>The error of a role that may not change the publication, with what somebody else has to run.</summary>
    public static SyncException NotAllowed(PostgresException refused, IReadOnlyList<string> statements) => new(
        SyncExit.NotAllowed, "privilege_publication", $"{refused.MessageText}: only the owner of a table can publish it.",
        $"Run as owner: {string.Join("; ", statements)}; then set slot.create = false, or try again.", refused);

    /// <summary>
    /// After tables were published: waits until every transaction that was running then has ended. One that changed a table before it was published would
    /// be missing from the stream, and from a page that is read before it commits.
    /// </summary>
    /// <param name="report">Called once a second with the number of the oldest transaction waited for.</param>
    public static async Task WaitForEarlierTransactionsAsync(
        NpgsqlConnection session, TimeProvider time, Action<ulong>? report, CancellationToken cancellation)
    {
        ulong until = RowSource.ParseSnapshot(await SnapshotAsync(session, cancellation), isStandby: false).Xmax;
        for (int attempt = 1; ; attempt++)
        {
            ulong oldest = RowSource.ParseSnapshot(await SnapshotAsync(session, cancellation), isStandby: false).Xmin;
            if (oldest >= until)
            {
                return;
            }

            if (attempt % 10 == 0)
            {
                report?.Invoke(oldest);
            }

            await Task.Delay(TimeSpan.FromMilliseconds(100), time, cancellation);
        }
    }

    private static async Task<string> SnapshotAsync(NpgsqlConnection session, CancellationToken cancellation) =>
        (string)(await Catalog.ScalarAsync(session, "SELECT pg_current_snapshot()::text", cancellation))!;

    private static bool SameColumns(IReadOnlyList<string>? left, IReadOnlyList<string>? right) =>
        left is null || right is null ? left is null && right is null : left.ToHashSet().SetEquals(right);
}
