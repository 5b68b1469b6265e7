namespace Puff.Engine.Schema;

/// <summary>The type of an undeclared attribute from its first non-null value (turbopuffer-api 2.7).</summary>
internal static class TypeInference
{
    /// <summary>The attribute whose number arrays and base64 strings are vectors without a declaration.</summary>
    public const string VectorName = "vector";

    public static AttributeType Infer(string name, in Value value)
    {
        if (name == VectorName && VectorLength(name, value) is { } dimensions)
        {
            return dimensions is >= 1 and <= AttributeType.MaxDimensions
                ? new AttributeType(TypeKind.VectorF32, dimensions)
                : throw PuffException.Invalid($"attribute \"{name}\": a vector has 1 to {AttributeType.MaxDimensions} dimensions; this one has {dimensions}");
        }

        return value.Kind switch
        {
            ValueKind.String => new(TypeKind.String),
            ValueKind.Int => new(TypeKind.Int),
            ValueKind.Bool => new(TypeKind.Bool),
            ValueKind.Uuid => new(TypeKind.Uuid),
            ValueKind.DateTime => new(TypeKind.DateTime),
            ValueKind.EmptyArray => new(TypeKind.UnknownArray),
            ValueKind.StringArray => new(TypeKind.StringArray),
            ValueKind.IntArray => new(TypeKind.IntArray),
            ValueKind.BoolArray => new(TypeKind.BoolArray),
            ValueKind.UuidArray => new(TypeKind.UuidArray),
            ValueKind.DateTimeArray => new(TypeKind.DateTimeArray),
            ValueKind.MultiVector => InferMultiVector(name, value.AsMultiVector),
            _ => throw NotInferable(name, value.Kind),
        };
    }

    /// <summary>The number of dimensions when the value can be a dense vector, else null.</summary>
    private static int? VectorLength(string name, in Value value) => value.Kind switch
    {
        ValueKind.EmptyArray => 0,
        ValueKind.IntArray => value.AsInts.Length,
        ValueKind.UIntArray => value.AsUInts.Length,
        ValueKind.FloatArray => value.AsFloats.Length,
        ValueKind.VectorF32 => value.AsVectorF32.Length,
        ValueKind.VectorF16 => value.AsVectorF16.Length,
        ValueKind.VectorI8 => value.AsVectorI8.Length,
        ValueKind.String => Base64Text.DecodedLength(name, value.AsBytes) / sizeof(float),
        _ => null,
    };

    private static AttributeType InferMultiVector(string name, MultiVector value) =>
        value.Dimensions is >= 1 and <= AttributeType.MaxMultiVectorDimensions
            ? new AttributeType(TypeKind.MultiVectorF32, value.Dimensions)
            : throw PuffException.Invalid(
                $"attribute \"{name}\": a vector of a multi-vector has 1 to {AttributeType.MaxMultiVectorDimensions} dimensions; "
                + $"this one has {value.Dimensions}");

    private static PuffException NotInferable(string name, ValueKind kind) => PuffException.Invalid(kind switch
    {
        ValueKind.UInt or ValueKind.UIntArray =>
            $"attribute \"{name}\" is not declared, and a number is beyond a signed 64-bit integer; declare it as uint in the schema",
        ValueKind.Float or ValueKind.FloatArray or ValueKind.VectorF32 or ValueKind.VectorF16 or ValueKind.VectorI8 =>
            $"attribute \"{name}\" is not declared, and a number is not a signed 64-bit integer; declare it as float, []float or a vector in the schema",
        ValueKind.Sparse => $"attribute \"{name}\" is not declared, and its value is an object; declare it as {{}}f16 in the schema",
        _ => $"attribute \"{name}\" is not declared, and no type can be inferred from its value; declare it in the schema",
    });
}
