using Npgsql;
using Puff.Sync.Changes;
using Puff.Sync.Documents;
using Puff.Sync.Migrations;
using Puff.Sync.Postgres;

namespace Puff.Sync.Verbs;

/// <summary>A mapping that can be applied.</summary>
/// <param name="Notes">What a person should know: how unchanged columns are handled, warnings of the plan.</param>
/// <param name="IdentitySql">Statement that gives the table an identity, when that was agreed; null for none.</param>
internal sealed record CheckedMapping(
    MappingDefinition Definition, TableFacts Table, DocumentPlan Plan, IReadOnlyList<string> Notes, string? IdentitySql);

/// <summary>
/// Everything that is checked of a mapping before it is applied (section 8.6): the table and its columns, privileges, ids, the replica identity, the filter,
/// the plan of its documents, and one row through all of it.
/// </summary>
/// <param name="setIdentity">A table without replica identity gets FULL instead of being refused.</param>
internal sealed class Preflight(PostgresSessions sessions, NpgsqlConnection session, bool setIdentity = false, bool allowRowSecurity = false)
{
    /// <param name="sample">Read rows: one through the plan, a thousand to measure texts.</param>
    /// <exception cref="SyncException">The first thing that is wrong.</exception>
    public async Task<CheckedMapping> CheckAsync(MappingDefinition mapping, bool sample, CancellationToken cancellation)
    {
        var table = await FindAsync(mapping.Source, cancellation);
        CheckKind(table);
        CheckColumns(mapping, table);
        CheckPrivileges(mapping, table);
        string? identitySql = CheckIdentity(table);
        var id = mapping.Id.Columns ?? table.Shape.PrimaryKey;
        CheckId(table, id, hasFull: identitySql is not null);
        string? where = mapping.Source.Where is { } text ? new TableFilter(RowFilter.Parse(text), table.Shape).Bind().Sql : null;
        var decisions = PlanDecisions.Make(mapping, table.Shape, sample ? await MeasureAsync(mapping, table, cancellation) : null);
        var plan = new DocumentPlan(mapping, table.Shape, decisions);
        CheckVectors(mapping, plan);
        if (sample)
        {
            await ConvertOneAsync(mapping, table, plan, id, where, cancellation);
        }

        return new CheckedMapping(mapping, table, plan, [.. plan.Warnings, .. NotesOf(mapping, table)], identitySql);
    }

    private async Task<TableFacts> FindAsync(SourceDefinition source, CancellationToken cancellation)
    {
        if (await Catalog.FindTableAsync(session, source.Schema, source.Table, cancellation) is { } found)
        {
            return found;
        }

        string wanted = $"{source.Schema}.{source.Table}";
        string? similar = Suggestion.For(wanted, await Catalog.ListTablesAsync(session, cancellation));
        throw new SyncException(
            SyncExit.NotFound, "table_not_found", $"Table {wanted} does not exist.{(similar is null ? "" : $" Similar: {similar}.")}");
    }

    private static void CheckKind(TableFacts table)
    {
        string? reason = table.Kind switch
        {
            TableKind.View or TableKind.MaterializedView => "is a view; views have no change stream",
            TableKind.Foreign => "is a foreign table; its changes happen on another server",
            TableKind.Other => "is no table",
            _ => table.IsUnlogged ? "is unlogged or temporary; its changes are not in the log" : null,
        };
        if (reason is not null)
        {
            throw new SyncException(SyncExit.Usage, "table_not_supported", $"{table.Name} {reason}.");
        }

        if (table.Leaves.FirstOrDefault(leaf => leaf.IsUnlogged) is { } unlogged)
        {
            throw new SyncException(
                SyncExit.Usage, "table_not_supported",
                $"{unlogged.Schema}.{unlogged.Table}, a partition of {table.Name}, is unlogged; its changes are not in the log.");
        }
    }

    private static void CheckColumns(MappingDefinition mapping, TableFacts table)
    {
        foreach (string column in (string[])[.. mapping.Source.Columns ?? [], .. mapping.Source.Exclude ?? [], .. mapping.Id.Columns ?? []])
        {
            if (table.Shape.Find(column) is not { } found)
            {
                throw new SyncException(
                    SyncExit.Usage, "column_not_found",
                    $"Column `{column}` is not in {table.Name}. Columns: {string.Join(", ", table.Shape.Columns.Select(one => one.Name))}.");
            }

            if (found.IsGenerated && mapping.Source.Exclude?.Contains(column) != true)
            {
                throw new SyncException(
                    SyncExit.Usage, "generated_column", $"`{column}` of {table.Name} is a generated column; Postgres does not stream it before version 18.",
                    "Leave it out, compute it in the transform, or set [updates] unchanged = \"reread\".");
            }
        }
    }

    private void CheckPrivileges(MappingDefinition mapping, TableFacts table)
    {
        string user = SqlText.Identifier(sessions.Address.User);
        if (MappedColumns.Read(mapping, table.Shape).Select(column => column.Name)
            .FirstOrDefault(name => !table.Columns.First(column => column.Name == name).CanSelect) is { } hidden)
        {
            throw new SyncException(
                SyncExit.NotAllowed, "privilege_select", $"permission denied for {table.Name} (column {hidden}).",
                $"GRANT SELECT ON {SqlText.Table(table.Shape.Schema, table.Shape.Table)} TO {user};");
        }

        if (table.IsRowSecurityActive && !allowRowSecurity)
        {
            throw new SyncException(
                SyncExit.NotAllowed, "row_security", $"Row security of {table.Name} hides rows from {sessions.Address.User}, but not from the stream.",
                $"ALTER ROLE {user} BYPASSRLS; or set source.allow_rls = true.");
        }
    }

    private string? CheckIdentity(TableFacts table)
    {
        // What counts of a partitioned table are its leaves: each row change carries the identity of its leaf.
        var leaf = table.Leaves.FirstOrDefault(one =>
            one.Identity == ReplicaIdentity.Nothing || (one.Identity == ReplicaIdentity.Default && !one.HasPrimaryKey));
        bool hasIdentity = table.Leaves.Count > 0 ? leaf is null : table.HasIdentity;
        if (hasIdentity)
        {
            return null;
        }

        (string schema, string name) = leaf is null ? (table.Shape.Schema, table.Shape.Table) : (leaf.Schema, leaf.Table);
        string statement = $"ALTER TABLE {SqlText.Table(schema, name)} REPLICA IDENTITY FULL";
        if (setIdentity)
        {
            return statement;
        }

        string why = leaf is null && table.Shape.Identity == ReplicaIdentity.Nothing ? "has replica identity NOTHING" : "has no primary key";
        throw new SyncException(
            SyncExit.Usage, "no_replica_identity",
            $"{schema}.{name} {why}. Publishing it would make UPDATE and DELETE on it fail for your application.",
            $"Add a primary key, or {statement}; (`apply --replica-identity set` does)");
    }

    private static void CheckId(TableFacts table, IReadOnlyList<string> id, bool hasFull)
    {
        var key = id.ToHashSet();
        bool isUnique = table.Indexes.Any(index => index is { IsUnique: true, IsValid: true, IsPartial: false, IsImmediate: true }
            && key.SetEquals(index.Columns) && id.All(column => table.Shape.Find(column) is { IsNullable: false }));
        if (id.Count == 0 || !isUnique)
        {
            string columns = id.Count == 0 ? "…" : SqlText.Identifiers(id);
            throw new SyncException(
                SyncExit.Usage, "id_not_unique",
                $"No usable unique index on ({string.Join(", ", id)}) of {table.Name}: it must be valid, whole, immediate, and over columns that are NOT NULL.",
                $"CREATE UNIQUE INDEX CONCURRENTLY ON {SqlText.Table(table.Shape.Schema, table.Shape.Table)} ({columns});");
        }

        if (!hasFull && table.Shape.Identity != ReplicaIdentity.Full && !id.All(table.IdentityColumns.Contains))
        {
            throw new SyncException(
                SyncExit.Usage, "id_not_in_identity",
                $"Deletes on {table.Name} carry only ({string.Join(", ", table.IdentityColumns)}); the mapping's id is ({string.Join(", ", id)}).",
                $"Use [id] columns = [{string.Join(", ", table.IdentityColumns.Select(column => $"\"{column}\""))}], or ALTER TABLE "
                + $"{SqlText.Table(table.Shape.Schema, table.Shape.Table)} REPLICA IDENTITY FULL / USING INDEX.");
        }
    }

    private static void CheckVectors(MappingDefinition mapping, DocumentPlan plan)
    {
        string[] dense = [.. plan.Attributes.Where(attribute => attribute.Type is { IsDenseVector: true }).Select(attribute => attribute.Attribute)];
        if (dense.Length > 2)
        {
            throw new SyncException(
                SyncExit.Usage, "too_many_vectors", $"{mapping.Name} has {dense.Length} dense vectors ({string.Join(", ", dense)}); a namespace holds two.");
        }

        bool declaresVector = mapping.Target.Schema?.Any(attribute => attribute.Type is ['[', not ']', ..]) == true;
        if ((dense.Length > 0 || declaresVector) && mapping.Target.Metric is null)
        {
            throw new SyncException(
                SyncExit.Usage, "vector_metric_missing", $"{mapping.Name} writes vectors.", "Set [target] distance_metric.");
        }
    }

    /// <summary>Bytes of the longest of a thousand values, of the columns where that decides something.</summary>
    private async Task<Dictionary<string, int>> MeasureAsync(MappingDefinition mapping, TableFacts table, CancellationToken cancellation)
    {
        var columns = PlanDecisions.ColumnsToSample(mapping, table.Shape);
        if (columns.Count == 0)
        {
            return [];
        }

        string lengths = string.Join(", ", columns.Select(column => $"coalesce(max(octet_length({SqlText.Identifier(column)}::text)), 0)"));
        string from = (table.Kind == TableKind.Partitioned ? "" : "ONLY ") + SqlText.Table(table.Shape.Schema, table.Shape.Table);
        var rows = await Catalog.ListAsync(
            session, $"SELECT {lengths} FROM (SELECT {SqlText.Identifiers(columns)} FROM {from} LIMIT 1000) s",
            reader => columns.Select((column, ordinal) => (column, Longest: reader.GetInt32(ordinal))).ToDictionary(one => one.column, one => one.Longest),
            cancellation);
        return rows[0];
    }

    /// <summary>An empty table has no row, and passes.</summary>
    private async Task ConvertOneAsync(
        MappingDefinition mapping, TableFacts table, DocumentPlan plan, IReadOnlyList<string> id, string? where, CancellationToken cancellation)
    {
        var query = new RowQuery(
            table.Shape.Schema, table.Shape.Table, [.. MappedColumns.Read(mapping, table.Shape).Select(column => column.Name)], id, where);
        await using var source = new RowSource(sessions, connections: 1);
        var page = await source.ReadPageAsync(query, null, null, maxRows: 1, maxBytes: long.MaxValue / 8, cancellation);
        if (page.Rows.Count == 0)
        {
            return;
        }

        try
        {
            var converter = plan.Bind(page.Rows[0].Relation);
            converter.Upsert(converter.Ids.Read(page.Rows[0].New), page.Rows[0].New, default, 0);
        }
        catch (RowException error)
        {
            throw new SyncException(
                SyncExit.Usage, error.Code, $"{mapping.Name}: the first row of {table.Name} cannot be written: {error.Message}", error.Remedy);
        }
    }

    private static IEnumerable<string> NotesOf(MappingDefinition mapping, TableFacts table)
    {
        string[] large = [.. MappedColumns.Read(mapping, table.Shape).Select(column => column.Name)
            .Where(name => table.Columns.First(column => column.Name == name).IsToastable)];
        if (table.Shape.Identity != ReplicaIdentity.Full && large.Length > 0 && mapping.Unchanged is UnchangedPolicy.Auto or UnchangedPolicy.Reread)
        {
            string way = mapping.Transform.Kind == TransformKind.None && mapping.Unchanged == UnchangedPolicy.Auto
                ? "are patched around" : "are read again from the table";
            yield return $"large values that an update leaves as they are ({string.Join(", ", large)}) {way}; "
                + "REPLICA IDENTITY FULL would send them, at the cost of log";
        }

        if (table.HasChildren)
        {
            yield return $"{table.Name} is inherited from: rows of its children are not read; map them on their own";
        }

        if (table.IsPartition)
        {
            yield return $"{table.Name} is a partition: this works as long as its root is not mapped";
        }
    }
}
