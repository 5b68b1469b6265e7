using System.Globalization;
using Npgsql;
using Puff.Sync.Changes;

namespace Puff.Sync.Postgres;

/// <summary>The catalog of the source, asked with a session that the caller keeps.</summary>
internal static class Catalog
{
    /// <summary>A table by name; null when there is none.</summary>
    public static async Task<TableFacts?> FindTableAsync(NpgsqlConnection session, string schema, string table, CancellationToken cancellation)
    {
        string sql = $"""
            SELECT c.oid::bigint FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE n.nspname = {SqlText.Literal(schema)} AND c.relname = {SqlText.Literal(table)}
            """;
        return await ScalarAsync(session, sql, cancellation) is long oid ? await ReadTableAsync(session, (uint)oid, cancellation) : null;
    }

    /// <summary>Tables of other names that may have been meant: "public.posts".</summary>
    public static async Task<IReadOnlyList<string>> ListTablesAsync(NpgsqlConnection session, CancellationToken cancellation) => await ListAsync(
        session,
        """
        SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\_toast%'
        ORDER BY 1
        """,
        reader => reader.GetString(0),
        cancellation);

    /// <summary>A table by its OID, whatever its name is now; null when it was dropped.</summary>
    public static async Task<TableFacts?> ReadTableAsync(NpgsqlConnection session, uint oid, CancellationToken cancellation)
    {
        string id = oid.ToString(CultureInfo.InvariantCulture);
        var heads = await ListAsync(
            session,
            $"""
            SELECT n.nspname::text, c.relname::text, c.relkind::text, c.relpersistence::text, c.relispartition, c.relreplident::text,
                pg_get_userbyid(c.relowner)::text, pg_has_role(c.relowner, 'USAGE'), row_security_active(c.oid),
                CASE WHEN c.relkind = 'p' THEN (SELECT coalesce(sum(greatest(l.reltuples, 0)), 0) FROM pg_partition_tree(c.oid) t
                    JOIN pg_class l ON l.oid = t.relid WHERE t.isleaf) ELSE c.reltuples END::bigint,
                c.relkind <> 'p' AND EXISTS (SELECT FROM pg_inherits i WHERE i.inhparent = c.oid)
            FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = {id}
            """,
            HeadOf,
            cancellation);
        if (heads.Count == 0)
        {
            return null;
        }

        var head = heads[0];
        var types = await CatalogTypes.ReadAsync(session, oid, cancellation);
        var columns = await ListAsync(
            session,
            $"""
            SELECT a.attname::text, a.atttypid::bigint, a.atttypmod, NOT a.attnotnull, a.attndims::int, a.attgenerated <> '', a.attnum,
                coalesce(co.collname IN ('C', 'POSIX') OR co.collname = 'default' AND d.datcollate IN ('C', 'POSIX'), true),
                coalesce(co.collisdeterministic, true), a.attstorage <> 'p', has_column_privilege(a.attrelid, a.attnum, 'SELECT')
            FROM pg_attribute a LEFT JOIN pg_collation co ON co.oid = a.attcollation CROSS JOIN pg_database d
            WHERE a.attrelid = {id} AND a.attnum > 0 AND NOT a.attisdropped AND d.datname = current_database() ORDER BY a.attnum
            """,
            reader => ColumnOf(reader, types),
            cancellation);
        var indexes = await IndexesAsync(session, id, cancellation);
        var primary = indexes.FirstOrDefault(index => index.IsPrimary);
        var shape = new TableShape(head.Schema, head.Table, [.. columns.Select(column => column.Column)], primary?.Columns ?? [], head.Identity);
        IReadOnlyList<string> identity = head.Identity switch
        {
            ReplicaIdentity.Full => [.. shape.Columns.Select(column => column.Name)],
            ReplicaIdentity.Default => primary?.Columns ?? [],
            ReplicaIdentity.Index => indexes.FirstOrDefault(index => index.IsIdentity)?.Columns ?? [],
            _ => [],
        };
        var leaves = head.Kind == TableKind.Partitioned ? await LeavesAsync(session, id, cancellation) : [];
        return new TableFacts(
            oid, shape, head.Kind, head.IsUnlogged, head.IsPartition, head.HasChildren, head.Owner, head.IsOwner, head.IsRowSecurityActive, head.Rows,
            identity, [.. columns.Select(column => column.Facts)], indexes, leaves);
    }

    internal static async Task<List<T>> ListAsync<T>(
        NpgsqlConnection session, string sql, Func<NpgsqlDataReader, T> read, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(sql, session);
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var rows = new List<T>();
        while (await reader.ReadAsync(cancellation))
        {
            rows.Add(read(reader));
        }

        return rows;
    }

    internal static async Task<object?> ScalarAsync(NpgsqlConnection session, string sql, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(sql, session);
        return await command.ExecuteScalarAsync(cancellation);
    }

    private static async Task<List<IndexFacts>> IndexesAsync(NpgsqlConnection session, string id, CancellationToken cancellation) => await ListAsync(
        session,
        $"""
        SELECT ic.relname::text, ARRAY(SELECT coalesce(a.attname::text, '') FROM unnest(i.indkey::int2[]) WITH ORDINALITY k(attnum, place)
                LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum AND k.attnum > 0 WHERE k.place <= i.indnkeyatts ORDER BY k.place),
            i.indisunique, i.indisprimary, i.indisvalid AND i.indisready, i.indpred IS NOT NULL, i.indimmediate, i.indisreplident
        FROM pg_index i JOIN pg_class ic ON ic.oid = i.indexrelid WHERE i.indrelid = {id} ORDER BY NOT i.indisprimary, ic.relname
        """,
        reader => new IndexFacts(
            reader.GetString(0), reader.GetFieldValue<string[]>(1), reader.GetBoolean(2), reader.GetBoolean(3), reader.GetBoolean(4), reader.GetBoolean(5),
            reader.GetBoolean(6), reader.GetBoolean(7)),
        cancellation);

    private static async Task<List<LeafFacts>> LeavesAsync(NpgsqlConnection session, string id, CancellationToken cancellation) => await ListAsync(
        session,
        $"""
        SELECT n.nspname::text, c.relname::text, c.relreplident::text, EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary),
            c.relpersistence <> 'p',
            ARRAY(SELECT attname::text FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped ORDER BY attnum)
                <> ARRAY(SELECT attname::text FROM pg_attribute WHERE attrelid = {id} AND attnum > 0 AND NOT attisdropped ORDER BY attnum)
        FROM pg_partition_tree({id}) t JOIN pg_class c ON c.oid = t.relid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE t.isleaf ORDER BY 1, 2
        """,
        reader => new LeafFacts(
            reader.GetString(0), reader.GetString(1), IdentityOf(reader.GetString(2)), reader.GetBoolean(3), reader.GetBoolean(4), reader.GetBoolean(5)),
        cancellation);

    private static Head HeadOf(NpgsqlDataReader reader) => new(
        reader.GetString(0),
        reader.GetString(1),
        reader.GetString(2) switch
        {
            "r" => TableKind.Table,
            "p" => TableKind.Partitioned,
            "v" => TableKind.View,
            "m" => TableKind.MaterializedView,
            "f" => TableKind.Foreign,
            _ => TableKind.Other,
        },
        reader.GetString(3) != "p", reader.GetBoolean(4), IdentityOf(reader.GetString(5)), reader.GetString(6), reader.GetBoolean(7), reader.GetBoolean(8),
        reader.GetInt64(9), reader.GetBoolean(10));

    private static (TableColumn Column, ColumnFacts Facts) ColumnOf(NpgsqlDataReader reader, IReadOnlyDictionary<uint, TypeShape> types)
    {
        string name = reader.GetString(0);
        var column = new TableColumn(name, types[(uint)reader.GetInt64(1)], reader.GetInt32(2), reader.GetBoolean(3))
        {
            Dimensions = reader.GetInt32(4),
            IsGenerated = reader.GetBoolean(5),
            Number = reader.GetInt16(6),
            IsCollationC = reader.GetBoolean(7),
            IsCollationDeterministic = reader.GetBoolean(8),
        };
        return (column, new ColumnFacts(name, reader.GetBoolean(9), reader.GetBoolean(10)));
    }

    internal static ReplicaIdentity IdentityOf(string letter) => letter switch
    {
        "f" => ReplicaIdentity.Full,
        "n" => ReplicaIdentity.Nothing,
        "i" => ReplicaIdentity.Index,
        _ => ReplicaIdentity.Default,
    };

    private sealed record Head(
        string Schema, string Table, TableKind Kind, bool IsUnlogged, bool IsPartition, ReplicaIdentity Identity, string Owner, bool IsOwner,
        bool IsRowSecurityActive, long Rows, bool HasChildren);
}
