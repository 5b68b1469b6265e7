using Puff.Sync.Changes;

namespace Puff.Sync.Documents;

/// <summary>How the text of a type is read; types that share a member are read alike.</summary>
internal enum SourceKind
{
    /// <summary>Any text that is taken as it is.</summary>
    Text,
    Bool,

    /// <summary>int2, int4, oid: fit a double.</summary>
    Int,
    BigInt,
    Float,
    Numeric,

    /// <summary>Blank-padded text.</summary>
    PaddedText,
    Uuid,
    Bytes,
    Json,
    Date,
    Timestamp,
    TimestampTz,
    TimeTz,
    Enum,
    Array,

    /// <summary>int2vector and oidvector: integers with blanks between.</summary>
    IntVector,
    Composite,
    Range,
    Multirange,
    Point,
    Hstore,
    Geometry,
    TextSearch,
    Vector,
    HalfVector,
    SparseVector,
}

/// <summary>A column's type with its domains taken off.</summary>
/// <param name="Kind">How its text is read.</param>
/// <param name="Type">The base type.</param>
/// <param name="Modifier">Of the base type.</param>
internal readonly record struct SourceType(SourceKind Kind, TypeShape Type, int Modifier)
{
    private const int ModifierHeader = 4;

    public static SourceType Of(TypeShape type, int modifier)
    {
        while (type is { Category: TypeCategory.Domain, Inner: { } inner })
        {
            modifier = type.InnerModifier >= 0 ? type.InnerModifier : modifier;
            type = inner;
        }

        return new SourceType(KindOf(type), type, modifier);
    }

    /// <summary>Of arrays: the elements' type.</summary>
    public SourceType Element => Of(Type.Inner ?? new TypeShape(0, "text"), Modifier);

    /// <summary>The longest text in bytes, as UTF-8; null when there is no bound.</summary>
    public int? MaxTextBytes => Kind switch
    {
        SourceKind.Bool => 1,
        SourceKind.Int => Type.Name == "int2" ? 6 : 11,
        SourceKind.BigInt => 20,
        SourceKind.Uuid => 36,
        SourceKind.Date => 16,
        SourceKind.Timestamp or SourceKind.TimestampTz => 40,
        SourceKind.Enum => Type.Labels.Count > 0 ? Type.Labels.Max(System.Text.Encoding.UTF8.GetByteCount) : 63,
        SourceKind.Numeric when Modifier >= ModifierHeader => NumericPrecision + 2,
        SourceKind.Text or SourceKind.PaddedText when MaxCharacters is { } characters => characters * 4,
        SourceKind.Text when Type.Name == "name" => 63,
        _ => null,
    };

    /// <summary>n of varchar(n) and char(n).</summary>
    public int? MaxCharacters => Type.Name is "varchar" or "bpchar" && Modifier >= ModifierHeader ? Modifier - ModifierHeader : null;

    /// <summary>p of numeric(p, s).</summary>
    public int NumericPrecision => (Modifier - ModifierHeader) >> 16 & 0xFFFF;

    /// <summary>s of numeric(p, s), an 11-bit number with sign; null for numeric without.</summary>
    public int? NumericScale => Modifier >= ModifierHeader ? (((Modifier - ModifierHeader) & 0x7FF) ^ 1024) - 1024 : null;

    /// <summary>n of vector(n), halfvec(n), sparsevec(n); null when not declared.</summary>
    public int? Dimensions => Modifier > 0 ? Modifier : null;

    private static SourceKind KindOf(TypeShape type) => type.Category switch
    {
        TypeCategory.Enum => SourceKind.Enum,
        TypeCategory.Composite => SourceKind.Composite,
        TypeCategory.Range => SourceKind.Range,
        TypeCategory.Multirange => SourceKind.Multirange,
        TypeCategory.Array when type.Name is not ("int2vector" or "oidvector") => SourceKind.Array,
        _ => KindOf(type.Name),
    };

    private static SourceKind KindOf(string name) => name switch
    {
        "bool" => SourceKind.Bool,
        "int2" or "int4" or "oid" => SourceKind.Int,
        "int8" => SourceKind.BigInt,
        "float4" or "float8" => SourceKind.Float,
        "numeric" => SourceKind.Numeric,
        "bpchar" => SourceKind.PaddedText,
        "uuid" => SourceKind.Uuid,
        "bytea" => SourceKind.Bytes,
        "json" or "jsonb" => SourceKind.Json,
        "date" => SourceKind.Date,
        "timestamp" => SourceKind.Timestamp,
        "timestamptz" => SourceKind.TimestampTz,
        "timetz" => SourceKind.TimeTz,
        "int2vector" or "oidvector" => SourceKind.IntVector,
        "point" => SourceKind.Point,
        "hstore" => SourceKind.Hstore,
        "geometry" or "geography" => SourceKind.Geometry,
        "tsvector" or "tsquery" => SourceKind.TextSearch,
        "vector" => SourceKind.Vector,
        "halfvec" => SourceKind.HalfVector,
        "sparsevec" => SourceKind.SparseVector,
        _ => SourceKind.Text,
    };
}
