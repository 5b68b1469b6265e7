using Puff.Sync.Changes;
using Puff.Sync.Documents;
using Puff.Sync.Migrations;

namespace Puff.Sync.Pipelines;

/// <summary>Compares the shape of a table in the stream with the one its mapping was planned for, and says whether the mapping can go on.</summary>
internal static class ShapeDrift
{
    /// <summary>Types whose values become attributes of the same type.</summary>
    private static readonly uint[][] Families = [[21, 23, 20, 26], [25, 1043, 1042, 19], [700, 701], [1114, 1184, 1082]];

    /// <exception cref="SyncException">column_dropped, column_retyped: the mapping is errored.</exception>
    public static void Check(DocumentPlan plan, RelationShape relation)
    {
        foreach (TableColumn column in plan.Columns)
        {
            int ordinal = relation.Find(column.Name);
            if (ordinal < 0)
            {
                if (plan.Mapping.DriftRemoved == RemovedColumnPolicy.Stop)
                {
                    throw new SyncException(
                        SyncExit.Failed, "column_dropped",
                        $"Column \"{column.Name}\" of {relation.Schema}.{relation.Table} was dropped or renamed; the mapping \"{plan.Mapping.Name}\" reads it.",
                        "write a new migration");
                }
            }
            else if (relation.Columns[ordinal].TypeOid != column.Type.Oid && plan.Mapping.DriftRetyped == RetypedColumnPolicy.Stop
                && !IsSameFamily(relation.Columns[ordinal].TypeOid, column.Type.Oid))
            {
                throw new SyncException(
                    SyncExit.Failed, "column_retyped",
                    $"Column \"{column.Name}\" of {relation.Schema}.{relation.Table} has another type than \"{plan.Mapping.Name}\" was planned for.",
                    "write a new migration, or set [drift] retyped = \"convert\"");
            }
        }

        if (relation.Identity == ReplicaIdentity.Nothing)
        {
            throw new SyncException(
                SyncExit.Failed, "no_replica_identity",
                $"{relation.Schema}.{relation.Table} has replica identity NOTHING: updates and deletes fail in the application, and carry no key.",
                "ALTER TABLE … REPLICA IDENTITY DEFAULT, or FULL");
        }
    }

    private static bool IsSameFamily(uint one, uint other) => Families.Any(f => f.Contains(one) && f.Contains(other));
}
