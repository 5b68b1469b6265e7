namespace Puff.Engine.Schema;

/// <summary>The kinds of attribute types (turbopuffer-api 2.4). The numbers are stored: they only grow.</summary>
public enum TypeKind : byte
{
    String = 1,
    Int = 2,
    UInt = 3,
    Float = 4,
    Bool = 5,
    Uuid = 6,
    DateTime = 7,
    Bytes = 8,
    StringArray = 16 + 1,
    IntArray = 16 + 2,
    UIntArray = 16 + 3,
    FloatArray = 16 + 4,
    BoolArray = 16 + 5,
    UuidArray = 16 + 6,
    DateTimeArray = 16 + 7,

    /// <summary>`[]` whose element type no value has shown yet.</summary>
    UnknownArray = 31,
    VectorF32 = 32,
    VectorF16 = 33,
    VectorI8 = 34,
    MultiVectorF32 = 40,
    MultiVectorF16 = 41,
    SparseF16 = 48,
}

/// <summary>An attribute's type: a kind and, for vectors, the number of dimensions (else 0). Types never change during a namespace's life.</summary>
public readonly record struct AttributeType(TypeKind Kind, int Dimensions = 0)
{
    public const int MaxDimensions = 10_752;

    /// <summary>Of one vector of a multi-vector.</summary>
    public const int MaxMultiVectorDimensions = 3_072;

    public bool IsDenseVector => Kind is TypeKind.VectorF32 or TypeKind.VectorF16 or TypeKind.VectorI8;

    public bool IsMultiVector => Kind is TypeKind.MultiVectorF32 or TypeKind.MultiVectorF16;

    public bool IsSparse => Kind == TypeKind.SparseF16;

    public bool IsArray => Kind is >= TypeKind.StringArray and <= TypeKind.UnknownArray;

    /// <summary>One comparable value: can be ordered by.</summary>
    public bool IsScalar => Kind is >= TypeKind.String and <= TypeKind.DateTime;

    /// <summary>May be filterable at all.</summary>
    public bool CanFilter => IsScalar || IsArray;

    /// <summary>Kind of the elements of an array type.</summary>
    public TypeKind ElementKind => IsArray && Kind != TypeKind.UnknownArray ? (TypeKind)((byte)Kind - 16) : Kind;

    /// <summary>Bytes of one dense vector at the column's width.</summary>
    public int VectorBytes => Kind switch
    {
        TypeKind.VectorF32 => Dimensions * 4,
        TypeKind.VectorF16 => Dimensions * 2,
        TypeKind.VectorI8 => Dimensions,
        _ => throw new InvalidOperationException($"{this} is no dense vector"),
    };

    /// <summary>Reads the wire form that <see cref="ToString"/> writes; false for an unknown name and for dimensions out of range.</summary>
    public static bool TryParse(string text, out AttributeType type) => AttributeTypeText.Read(text, out type) == AttributeTypeText.Outcome.Read;

    /// <summary>The wire form: "string", "[]int", "[768]f16", "[][128]f32", "{}f16".</summary>
    public override string ToString() => Kind switch
    {
        TypeKind.String => "string",
        TypeKind.Int => "int",
        TypeKind.UInt => "uint",
        TypeKind.Float => "float",
        TypeKind.Bool => "bool",
        TypeKind.Uuid => "uuid",
        TypeKind.DateTime => "datetime",
        TypeKind.Bytes => "bytes",
        TypeKind.UnknownArray => "[]unknown",
        TypeKind.VectorF32 => $"[{Dimensions}]f32",
        TypeKind.VectorF16 => $"[{Dimensions}]f16",
        TypeKind.VectorI8 => $"[{Dimensions}]i8",
        TypeKind.MultiVectorF32 => $"[][{Dimensions}]f32",
        TypeKind.MultiVectorF16 => $"[][{Dimensions}]f16",
        TypeKind.SparseF16 => "{}f16",
        _ when IsArray => "[]" + new AttributeType(ElementKind),
        _ => Kind.ToString(),
    };
}
