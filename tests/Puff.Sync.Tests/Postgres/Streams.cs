using System.Globalization;
using System.Text;
using Puff.Sync.Changes;

namespace Puff.Sync.Tests.Postgres;

/// <summary>Changes written down, a line each, to compare streams.</summary>
internal static class Streams
{
    /// <param name="isStable">Without positions and transaction numbers, which differ from run to run.</param>
    public static IEnumerable<string> Lines(ChangeBatch batch, bool isStable = false)
    {
        for (int index = 0; index < batch.Count; index++)
        {
            yield return Line(batch[index], isStable);
        }
    }

    public static string Line(RowChange change, bool isStable = false)
    {
        var line = new StringBuilder(change.Kind.ToString());
        if (!isStable)
        {
            line.Append(CultureInfo.InvariantCulture, $" {change.TransactionId} {change.Position.Commit}");
        }

        line.Append(CultureInfo.InvariantCulture, $" #{change.Position.Ordinal}");
        if (change.Kind is ChangeKind.Insert or ChangeKind.Update or ChangeKind.Delete or ChangeKind.Truncate or ChangeKind.Snapshot)
        {
            line.Append(CultureInfo.InvariantCulture, $" {change.Relation.Schema}.{change.Relation.Table} v{change.Relation.Version}");
        }

        if (change.New.Exists)
        {
            line.Append(" new").Append(Tuple(change.New));
        }

        if (change.Old.Exists)
        {
            line.Append(CultureInfo.InvariantCulture, $" {change.OldKind}").Append(Tuple(change.Old));
        }

        return line.ToString();
    }

    private static string Tuple(RowTuple tuple) => $"({string.Join(", ", Enumerable.Range(0, tuple.ColumnCount).Select(column => Value(tuple, column)))})";

    private static string Value(RowTuple tuple, int column) => tuple[column] switch
    {
        ColumnState.Null => "null",
        ColumnState.Unchanged => "unchanged",
        _ => Shorten(Encoding.UTF8.GetString(tuple.Bytes(column))),
    };

    private static string Shorten(string value) => value.Length <= 60 ? $"'{value}'" : $"'{value[..20]}'…{value.Length}";
}
