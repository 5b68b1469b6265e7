namespace Puff.Sync.Changes;

/// <summary>One column as the catalog knows it.</summary>
/// <param name="TypeModifier">pg_attribute.atttypmod; -1 when the type has none.</param>
internal sealed record TableColumn(string Name, TypeShape Type, int TypeModifier = -1, bool IsNullable = true)
{
    /// <summary>Declared dimensions of an array (pg_attribute.attndims); not enforced by the server.</summary>
    public int Dimensions { get; init; }

    public bool IsGenerated { get; init; }

    /// <summary>Texts are ordered by their bytes (collation "C" or "POSIX").</summary>
    public bool IsCollationC { get; init; }

    /// <summary>False for collations under which different bytes may be equal (pg_collation.collisdeterministic).</summary>
    public bool IsCollationDeterministic { get; init; } = true;

    /// <summary>pg_attribute.attnum: stays when a column is renamed.</summary>
    public short Number { get; init; }
}

/// <summary>A table as the catalog knows it: what a mapping is planned against.</summary>
/// <param name="PrimaryKey">Columns in the order of the key; empty when there is none.</param>
internal sealed record TableShape(
    string Schema, string Table, IReadOnlyList<TableColumn> Columns, IReadOnlyList<string> PrimaryKey, ReplicaIdentity Identity = ReplicaIdentity.Default)
{
    public TableColumn? Find(string column) => Columns.FirstOrDefault(c => c.Name == column);
}
