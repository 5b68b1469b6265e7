using Puff.Sync.Changes;

namespace Puff.Sync.Postgres;

internal enum TableKind
{
    Table,
    Partitioned,
    View,
    MaterializedView,
    Foreign,

    /// <summary>Indexes, sequences and what else is in pg_class.</summary>
    Other,
}

/// <summary>A table with everything that decides whether and how it can be mirrored.</summary>
/// <param name="Kind">pg_class.relkind.</param>
/// <param name="IsUnlogged">Unlogged or temporary: not in the log, hence not in the stream.</param>
/// <param name="IsPartition">Itself a partition of another table.</param>
/// <param name="HasChildren">Inherited from, without partitioning: children are not read with it.</param>
/// <param name="IsOwner">The role may publish it.</param>
/// <param name="IsRowSecurityActive">Row security hides rows from the role's queries, though not from the stream.</param>
/// <param name="Rows">Estimate of the statistics; -1 when there are none yet.</param>
/// <param name="IdentityColumns">What the server sends of old rows: the columns of the primary key or identity index, all with FULL, none with NOTHING.</param>
/// <param name="Leaves">Of partitioned tables: their partitions that hold rows.</param>
internal sealed record TableFacts(
    uint Oid, TableShape Shape, TableKind Kind, bool IsUnlogged, bool IsPartition, bool HasChildren, string Owner, bool IsOwner, bool IsRowSecurityActive,
    long Rows, IReadOnlyList<string> IdentityColumns, IReadOnlyList<ColumnFacts> Columns, IReadOnlyList<IndexFacts> Indexes,
    IReadOnlyList<LeafFacts> Leaves)
{
    public string Name => $"{Shape.Schema}.{Shape.Table}";

    /// <summary>True when the server lets rows be updated and deleted once the table is published.</summary>
    public bool HasIdentity => Shape.Identity == ReplicaIdentity.Full || IdentityColumns.Count > 0;
}

/// <param name="IsToastable">Large values are stored out of line, and not sent with updates that leave them as they are.</param>
/// <param name="CanSelect">The role may read it.</param>
internal sealed record ColumnFacts(string Name, bool IsToastable, bool CanSelect);

/// <param name="Columns">Names in the order of the index; an expression is an empty name.</param>
/// <param name="IsImmediate">Checked at once, not at the end of the transaction.</param>
internal sealed record IndexFacts(
    string Name, IReadOnlyList<string> Columns, bool IsUnique, bool IsPrimary, bool IsValid, bool IsPartial, bool IsImmediate, bool IsIdentity);

/// <param name="HasOtherOrder">Its columns stand in another order than those of the root.</param>
internal sealed record LeafFacts(string Schema, string Table, ReplicaIdentity Identity, bool HasPrimaryKey, bool IsUnlogged, bool HasOtherOrder);
