using System.Text;
using Puff.Engine.Schema;
using Puff.Sync.Changes;
using Puff.Sync.Documents;
using Puff.Sync.Migrations;

namespace Puff.Sync.Tests.Documents;

/// <summary>Tables, rows and plans for tests. Of a row's values null is NULL, <see cref="Toast"/> a value that was not sent.</summary>
internal static class RowFixture
{
    public const string Toast = "\0toast";

    public static readonly SyncPosition Position = new(new Lsn(0xABC), 3);

    public static TypeShape Type(string name) => new(0, name);

    public static TypeShape ArrayOf(TypeShape element) => new(0, "_" + element.Name, TypeCategory.Array) { Inner = element };

    public static TableColumn Column(string name, string type, int modifier = -1) => new(name, Type(type), modifier);

    public static TableShape Table(params TableColumn[] columns) => new("public", "posts", columns, [columns[0].Name]);

    public static MappingDefinition Mapping(Func<MappingDefinition, MappingDefinition>? change = null)
    {
        var mapping = new MappingDefinition
        {
            Name = "posts", Source = new SourceDefinition("posts"), Target = new TargetDefinition("posts", Metric: DistanceMetric.EuclideanSquared),
            VersionAttribute = null,
        };
        return change is null ? mapping : change(mapping);
    }

    public static RelationShape Shape(TableShape table, ReplicaIdentity identity = ReplicaIdentity.Default) => new(
        1, table.Schema, table.Table, identity,
        [.. table.Columns.Select(c => new ColumnShape(c.Name, c.Type.Oid, c.TypeModifier, identity == ReplicaIdentity.Full || table.PrimaryKey.Contains(c.Name)))]);

    public static RowChange Change(ChangeKind kind, RelationShape shape, string?[]? row, string?[]? old = null, OldTupleKind oldKind = OldTupleKind.None)
    {
        var batch = new ChangeBatch();
        batch.Add(kind, shape, 7, Position, 1000);
        foreach (string? value in row ?? [])
        {
            batch.AddNew(StateOf(value), Encoding.UTF8.GetBytes(value is null or Toast ? "" : value));
        }

        foreach (string? value in old ?? [])
        {
            batch.AddOld(oldKind, StateOf(value), Encoding.UTF8.GetBytes(value is null or Toast ? "" : value));
        }

        return batch[0];
    }

    public static Value Convert(TableColumn column, string text, AttributeOptions? options = null, Func<MappingDefinition, MappingDefinition>? change = null)
    {
        var table = Table(Column("id", "int8"), column);
        var mapping = Mapping(m => (change is null ? m : change(m)) with { Attributes = options ?? new AttributeOptions() });
        var converter = new DocumentPlan(mapping, table).Bind(Shape(table));
        var row = Change(ChangeKind.Insert, Shape(table), ["1", text]).New;
        var document = converter.Upsert(Value.UInt(1), row, Position, 0);
        return document.Attributes.Single(a => a.Key == column.Name).Value;
    }

    /// <summary>A value in words, to compare by.</summary>
    public static string Show(Value value) => value.Kind switch
    {
        ValueKind.Null => "null",
        ValueKind.Bool => value.AsBool ? "true" : "false",
        ValueKind.Int => FormattableString.Invariant($"{value.AsInt}"),
        ValueKind.UInt => FormattableString.Invariant($"{value.AsUInt}u"),
        ValueKind.Float => value.AsFloat.ToString("R", System.Globalization.CultureInfo.InvariantCulture) + "f",
        ValueKind.DateTime => DateTimeText.Format(value.AsDateTime),
        ValueKind.String => $"'{value.AsString}'",
        ValueKind.Uuid => UuidText.Format(value.AsBytes),
        ValueKind.Bytes => "0x" + System.Convert.ToHexString(value.AsBytes),
        ValueKind.EmptyArray => "[]",
        ValueKind.IntArray => $"[{string.Join(",", value.AsInts)}]",
        ValueKind.FloatArray => $"[{string.Join(",", value.AsFloats.Select(v => Show(Value.Float(v))))}]",
        ValueKind.BoolArray => $"[{string.Join(",", value.AsBools.Select(v => Show(Value.Bool(v))))}]",
        ValueKind.DateTimeArray => $"[{string.Join(",", value.AsInts.Select(v => DateTimeText.Format(v)))}]",
        ValueKind.StringArray => $"[{string.Join(",", value.AsBytesArray.Select(v => Show(Value.Utf8(v))))}]",
        ValueKind.UuidArray => $"[{string.Join(",", value.AsBytesArray.Select(v => Show(Value.Uuid(v))))}]",
        ValueKind.VectorF32 => $"<{string.Join(",", value.AsVectorF32.Select(v => v.ToString("R", System.Globalization.CultureInfo.InvariantCulture)))}>",
        ValueKind.Sparse => "{" + string.Join(",", value.AsSparse.Keys.Zip(value.AsSparse.Weights, (k, w) =>
            FormattableString.Invariant($"{Encoding.UTF8.GetString(k)}:{w}"))) + "}",
        _ => value.Kind.ToString(),
    };

    public static string Show(DocumentAction? action) => action is null ? "" : action.Operation + " " + Show(action.Id)
        + (action.Attributes.Count == 0 ? "" : " " + string.Join(" ", action.Attributes.Select(a => $"{a.Key}={Show(a.Value)}")));

    private static ColumnState StateOf(string? value) => value is null ? ColumnState.Null : value == Toast ? ColumnState.Unchanged : ColumnState.Text;

    /// <summary>Rows whose column has this text.</summary>
    internal sealed class Equal(string column, string wanted) : IRowFilter
    {
        public IReadOnlyList<string> Columns => [column];

        public bool Matches(RelationShape relation, in RowTuple row) => Encoding.UTF8.GetString(row.Bytes(relation.Find(column))) == wanted;
    }
}
