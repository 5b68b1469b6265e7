namespace Puff.Sync.Changes;

/// <summary>What of an old row the server puts into updates and deletes (pg_class.relreplident).</summary>
internal enum ReplicaIdentity
{
    Default,
    Nothing,
    Full,
    Index,
}

/// <summary>One column as the stream names it.</summary>
/// <param name="Name">As in the catalog.</param>
/// <param name="TypeOid">pg_type.oid.</param>
/// <param name="TypeModifier">pg_attribute.atttypmod; -1 when the type has none.</param>
/// <param name="IsKey">Part of the replica identity.</param>
internal sealed record ColumnShape(string Name, uint TypeOid, int TypeModifier, bool IsKey);

/// <summary>A table at one time of its life: what a Relation message says. Tuples refer to columns by their ordinal here.</summary>
internal sealed record RelationShape(uint Oid, string Schema, string Table, ReplicaIdentity Identity, IReadOnlyList<ColumnShape> Columns)
{
    /// <summary>1, 2, … for the versions of one table, in the order the stream brought them.</summary>
    public int Version { get; init; } = 1;

    /// <summary>The ordinal of a column, or -1.</summary>
    public int Find(string column)
    {
        for (int ordinal = 0; ordinal < Columns.Count; ordinal++)
        {
            if (Columns[ordinal].Name == column)
            {
                return ordinal;
            }
        }

        return -1;
    }

    /// <summary>True when names, identity and columns are those of the other, whatever the versions.</summary>
    public bool HasShapeOf(RelationShape other) =>
        Oid == other.Oid && Schema == other.Schema && Table == other.Table && Identity == other.Identity && Columns.SequenceEqual(other.Columns);
}
