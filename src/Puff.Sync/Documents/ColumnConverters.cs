using Puff.Engine.Schema;
using Puff.Sync.Changes;
using Puff.Sync.Migrations;

namespace Puff.Sync.Documents;

/// <summary>The attribute type each column type becomes, and the converter for each pair.</summary>
internal sealed class ColumnConverters(AttributeOptions options, ConversionCounters counters)
{
    private readonly TimeZoneInfo? zone = options.TimestampZone is { } name ? FindZone(name) : null;

    /// <summary>What a column becomes when nobody says otherwise.</summary>
    /// <exception cref="SyncException">A vector whose dimensions nobody knows.</exception>
    public AttributeType DefaultTypeOf(TableColumn column, in SourceType source) => source.Kind switch
    {
        SourceKind.Array => ArrayTypeOf(column, source),
        SourceKind.Vector => new AttributeType(TypeKind.VectorF32, DimensionsOf(column, source)),
        SourceKind.HalfVector => new AttributeType(TypeKind.VectorF16, DimensionsOf(column, source)),
        SourceKind.SparseVector => new AttributeType(TypeKind.SparseF16),
        SourceKind.IntVector => new AttributeType(TypeKind.IntArray),
        SourceKind.Bytes => new AttributeType(TypeKind.Bytes),
        _ => new AttributeType(ScalarKindOf(source)),
    };

    /// <summary>Reads the column's text into values of the type.</summary>
    /// <exception cref="SyncException">The type cannot hold the column's values.</exception>
    public ValueConverter Create(TableColumn column, in SourceType source, AttributeType target, AttributeState state)
    {
        var converter = target switch
        {
            { IsDenseVector: true } => IsVectorText(source.Kind) ? new VectorConverter(column.Name, state.Name, target.Dimensions) : null,
            { IsSparse: true } => source.Kind == SourceKind.SparseVector ? new SparseConverter(column.Name) : null,
            { IsArray: true } => ToArray(column.Name, source, target, state),
            _ => ToScalar(column.Name, source, target.Kind, state),
        };
        return converter ?? throw new SyncException(
            SyncExit.Usage, "attribute_type", $"column \"{column.Name}\" is a {source.Type.Name}, which cannot become a {target}",
            $"choose another type for it in [attributes] types, or leave it out");
    }

    /// <summary>What ranges, points and JSON are taken apart by when they are flattened; null for types that are not.</summary>
    public Flattener? CreateFlattener(string attribute, TableColumn column, in SourceType source, FlattenedAttributes declared)
    {
        switch (source.Kind)
        {
            case SourceKind.Json:
                return new JsonFlattener(attribute, column.Name, declared, counters);
            case SourceKind.Point:
                return new PointFlattener(attribute, column.Name, declared);
            case SourceKind.Geometry:
                return new GeometryFlattener(attribute, column.Name, declared);
            case SourceKind.Range:
                var bound = source.Element;
                var type = new AttributeType(ScalarKindOf(bound));
                var state = new AttributeState(attribute, isFilterable: true, _ => { });
                return new RangeFlattener(attribute, column.Name, declared, type, Create(column, bound, type, state));
            default:
                return null;
        }
    }

    private TypeKind ScalarKindOf(in SourceType source) => source.Kind switch
    {
        SourceKind.Bool => TypeKind.Bool,
        SourceKind.Int or SourceKind.BigInt => TypeKind.Int,
        SourceKind.Float => options.Infinity == InfinityPolicy.String ? TypeKind.String : TypeKind.Float,
        SourceKind.Numeric => NumericKindOf(source),
        SourceKind.Uuid => TypeKind.Uuid,
        SourceKind.Date or SourceKind.Timestamp or SourceKind.TimestampTz =>
            options.Infinity == InfinityPolicy.String ? TypeKind.String : TypeKind.DateTime,
        _ => TypeKind.String,
    };

    private TypeKind NumericKindOf(in SourceType source) => options.Numeric switch
    {
        NumericPolicy.String => TypeKind.String,
        NumericPolicy.IntIfExact when source.NumericScale is <= 0 => TypeKind.Int,
        _ => options.Infinity == InfinityPolicy.String ? TypeKind.String : TypeKind.Float,
    };

    private AttributeType ArrayTypeOf(TableColumn column, in SourceType source)
    {
        var element = source.Element;
        bool isPlain = element.Kind is not (SourceKind.Json or SourceKind.Bytes or SourceKind.Composite or SourceKind.Array or SourceKind.IntVector
            or SourceKind.Hstore or SourceKind.Vector or SourceKind.HalfVector or SourceKind.SparseVector);
        return isPlain && column.Dimensions < 2 && options.ArrayNulls != ArrayNullPolicy.KeepAsString
            ? new AttributeType((TypeKind)((byte)ScalarKindOf(element) + 16))
            : new AttributeType(TypeKind.String);
    }

    private static int DimensionsOf(TableColumn column, in SourceType source) => source.Dimensions ?? throw new SyncException(
        SyncExit.Usage, "vector_dimension", $"column \"{column.Name}\" is a {source.Type.Name} without declared dimensions",
        $"[attributes] types = {{ {column.Name} = \"[768]f32\" }}");

    private static bool IsVectorText(SourceKind kind) =>
        kind is SourceKind.Vector or SourceKind.HalfVector or SourceKind.Array or SourceKind.Json or SourceKind.Text;

    private ValueConverter? ToArray(string column, in SourceType source, AttributeType target, AttributeState state)
    {
        if (source.Kind == SourceKind.IntVector)
        {
            return target.Kind == TypeKind.IntArray ? new IntVectorConverter(column) : null;
        }

        if (source.Kind != SourceKind.Array || ToScalar(column, source.Element, target.ElementKind, state) is not { } element)
        {
            return null;
        }

        return new ArrayConverter(column, JsonForm.DelimiterOf(source.Element.Type), element, target.Kind, options.ArrayNulls, counters);
    }

    private ValueConverter? ToScalar(string column, SourceType source, TypeKind target, AttributeState state)
    {
        bool isInteger = source.Kind is SourceKind.Int or SourceKind.BigInt;
        bool isText = source.Kind is SourceKind.Text or SourceKind.PaddedText or SourceKind.Enum;
        return target switch
        {
            TypeKind.String => ToText(column, source, state),
            TypeKind.Int when isInteger || isText || source.Kind == SourceKind.Numeric => new IntConverter(column),
            TypeKind.UInt when isInteger || isText || source.Kind == SourceKind.Numeric => new UIntConverter(column),
            TypeKind.Float when source.Kind == SourceKind.Numeric => new NumericConverter(column, options.Infinity, counters),
            TypeKind.Float when isInteger || isText || source.Kind == SourceKind.Float => new FloatConverter(column, options.Infinity, counters),
            TypeKind.Bool when source.Kind == SourceKind.Bool => new BoolConverter(column),
            TypeKind.Uuid when isText || source.Kind == SourceKind.Uuid => new UuidConverter(column),
            TypeKind.Bytes when source.Kind == SourceKind.Bytes => new BytesConverter(column),
            TypeKind.DateTime when source.Kind == SourceKind.Timestamp => new DateTimeConverter(column, options.Infinity, counters, zone),
            TypeKind.DateTime when isText || source.Kind is SourceKind.Date or SourceKind.TimestampTz =>
                new DateTimeConverter(column, options.Infinity, counters),
            _ => null,
        };
    }

    private ValueConverter ToText(string column, SourceType source, AttributeState state)
    {
        var limit = new TextLimit(state, options.LongText, counters);
        return source.Kind switch
        {
            SourceKind.PaddedText => new PaddedTextConverter(limit, counters),
            SourceKind.Bytes => new Base64Converter(column),
            SourceKind.Json => new RewrittenTextConverter(limit, JsonForm.Compact),
            SourceKind.Timestamp or SourceKind.TimestampTz => new RewrittenTextConverter(limit, IsoText.OfTimestamp),
            SourceKind.TimeTz => new RewrittenTextConverter(limit, IsoText.OfTimeTz),
            SourceKind.Array or SourceKind.IntVector or SourceKind.Composite or SourceKind.Hstore =>
                new RewrittenTextConverter(limit, text => JsonForm.Write(column, source, text)),
            SourceKind.Bool => new RewrittenTextConverter(limit, text => text is [(byte)'t', ..] ? "true"u8.ToArray() : "false"u8.ToArray()),
            _ => new TextConverter(limit, counters),
        };
    }

    private static TimeZoneInfo FindZone(string name) => TimeZoneInfo.TryFindSystemTimeZoneById(name, out var zone)
        ? zone
        : throw new SyncException(
            SyncExit.Usage, "unknown_time_zone", $"[attributes] timestamp_zone: \"{name}\" is no time zone of this machine", "such as Europe/Berlin");
}
