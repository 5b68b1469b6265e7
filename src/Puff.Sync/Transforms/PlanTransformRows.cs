using System.Runtime.CompilerServices;
using System.Text.Json;
using Puff.Sync.Changes;
using Puff.Sync.Documents;
using Puff.Sync.Migrations;

namespace Puff.Sync.Transforms;

/// <summary>Columns of a planned table as a transform sees them, by the types of the catalog.</summary>
internal sealed class PlanTransformRows(TableShape table, MappingDefinition mapping) : ITransformRowWriter
{
    private static readonly TypeShape Unknown = new(0, "text");

    private readonly ConditionalWeakTable<RelationShape, SourceType[]> types = [];

    public TransformColumnKind KindOf(RelationShape relation, int ordinal)
    {
        var type = TypeOf(relation, ordinal);
        return type.Kind switch
        {
            SourceKind.BigInt => TransformColumnKind.BigInt,
            SourceKind.Bytes => TransformColumnKind.Bytes,
            SourceKind.Vector or SourceKind.HalfVector => TransformColumnKind.Vector,
            SourceKind.Array when type.Element.Kind == SourceKind.BigInt => TransformColumnKind.BigIntArray,
            SourceKind.Json or SourceKind.Composite or SourceKind.Hstore when IsTextAttribute(relation.Columns[ordinal].Name) => TransformColumnKind.Json,
            _ => TransformColumnKind.Plain,
        };
    }

    public void WriteValue(RelationShape relation, int ordinal, ColumnState state, ReadOnlySpan<byte> value, Utf8JsonWriter json) =>
        JsonForm.Write(json, relation.Columns[ordinal].Name, TypeOf(relation, ordinal), value, forTransform: true);

    /// <summary>What the migration declares otherwise is written as the code returns it.</summary>
    private bool IsTextAttribute(string column) =>
        !mapping.Attributes.Types.ContainsKey(column)
        && mapping.Target.Schema?.FirstOrDefault(attribute => attribute.Name == column)?.Type is null or "string";

    private SourceType TypeOf(RelationShape relation, int ordinal) => types.GetValue(relation, Types)[ordinal];

    /// <summary>A column that the catalog did not have when it was asked is text until the plan is made anew.</summary>
    private SourceType[] Types(RelationShape relation) =>
        [.. relation.Columns.Select(column => SourceType.Of(table.Find(column.Name)?.Type ?? Unknown, column.TypeModifier))];
}
