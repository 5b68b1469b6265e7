namespace Puff.Engine.Schema;

/// <summary>Converts parsed values to the kind of their column and checks them (turbopuffer-api 2.4). Vectors: <see cref="VectorCoercion"/>.</summary>
internal static class ValueCoercion
{
    public const int MaxValueBytes = 8 << 20;
    public const int MaxFilterableBytes = 4_096;

    private const int UuidBytes = 16;

    // Above it a float no longer tells neighbouring integers apart.
    private const float MaxExactFloatInteger = 1 << 24;

    /// <summary>A value of the column's kind, or Null. Throws <see cref="ErrorKind.Invalid"/>, naming the attribute, when the value does not fit.</summary>
    public static Value Coerce(AttributeDefinition attribute, in Value value)
    {
        if (value.IsNull)
        {
            return value;
        }

        return attribute.Type.Kind switch
        {
            TypeKind.VectorF32 or TypeKind.VectorF16 or TypeKind.VectorI8 => VectorCoercion.Dense(attribute, value),
            TypeKind.MultiVectorF32 or TypeKind.MultiVectorF16 => VectorCoercion.Multi(attribute, value),
            TypeKind.SparseF16 => SparseCoercion.Coerce(attribute, value),
            TypeKind.UnknownArray => value.Kind == ValueKind.EmptyArray ? value : throw Mismatch(attribute, value),
            _ => attribute.Type.IsArray ? Array(attribute, value) : Scalar(attribute, value),
        };
    }

    /// <summary>The error for a value of the wrong kind.</summary>
    public static PuffException Mismatch(AttributeDefinition attribute, in Value value) =>
        PuffException.Invalid($"attribute \"{attribute.Name}\" is a {attribute.Type}, but the value is a {ValueNames.Of(value)}");

    private static Value Scalar(AttributeDefinition attribute, in Value value) => attribute.Type.Kind switch
    {
        TypeKind.String when value.Kind == ValueKind.String => Sized(attribute, value),
        TypeKind.Int when value.Kind == ValueKind.Int => value,
        TypeKind.Int when value.Kind == ValueKind.UInt => Value.Int(ToInt(attribute, value.AsUInt)),
        TypeKind.UInt when value.Kind == ValueKind.UInt => value,
        TypeKind.UInt when value.Kind == ValueKind.Int => Value.UInt(ToUInt(attribute, value.AsInt)),
        TypeKind.Float when value.Kind == ValueKind.Float => Value.Float(Finite(attribute, value.AsFloat)),
        TypeKind.Float when value.Kind == ValueKind.Int => Value.Float(value.AsInt),
        TypeKind.Float when value.Kind == ValueKind.UInt => Value.Float(value.AsUInt),
        TypeKind.Bool when value.Kind == ValueKind.Bool => value,
        TypeKind.Uuid when value.Kind == ValueKind.String => Value.Uuid(ToUuid(attribute, value.AsBytes)),
        TypeKind.Uuid when value.Kind == ValueKind.Uuid => Value.Uuid(CheckUuid(attribute, value.AsBytes)),
        TypeKind.DateTime when value.Kind == ValueKind.String => Value.DateTime(ToDateTime(attribute, value.AsBytes)),
        TypeKind.DateTime when value.Kind == ValueKind.DateTime => Value.DateTime(CheckDateTime(attribute, value.AsDateTime)),
        TypeKind.Bytes when value.Kind == ValueKind.String => Sized(attribute, Value.Bytes(Base64Text.Decode(attribute.Name, value.AsBytes))),
        TypeKind.Bytes when value.Kind == ValueKind.Bytes => Sized(attribute, value),
        _ => throw Mismatch(attribute, value),
    };

    private static Value Array(AttributeDefinition attribute, in Value value)
    {
        if (value.Kind == ValueKind.EmptyArray)
        {
            return value;
        }

        if (value.Kind is ValueKind.StringArray or ValueKind.UuidArray)
        {
            CheckElements(attribute, value.AsBytesArray);
        }

        if (LogicalBytes.Of(value) > MaxValueBytes)
        {
            throw TooLarge(attribute);
        }

        return attribute.Type.Kind switch
        {
            TypeKind.StringArray when value.Kind == ValueKind.StringArray => CheckStrings(attribute, value),
            TypeKind.BoolArray when value.Kind == ValueKind.BoolArray => value,
            TypeKind.IntArray when value.Kind == ValueKind.IntArray => value,
            TypeKind.UIntArray when value.Kind == ValueKind.UIntArray => value,
            TypeKind.FloatArray when value.Kind == ValueKind.FloatArray => CheckFloats(attribute, value),
            TypeKind.IntArray => IntArray(attribute, value),
            TypeKind.UIntArray => UIntArray(attribute, value),
            TypeKind.FloatArray => FloatArray(attribute, value),
            TypeKind.UuidArray => UuidArray(attribute, value),
            TypeKind.DateTimeArray => DateTimeArray(attribute, value),
            _ => throw Mismatch(attribute, value),
        };
    }

    private static Value IntArray(AttributeDefinition attribute, in Value value) => value.Kind switch
    {
        ValueKind.UIntArray => Value.Array(System.Array.ConvertAll(value.AsUInts, v => ToInt(attribute, v))),
        ValueKind.VectorF32 => Value.Array(System.Array.ConvertAll(value.AsVectorF32, v => ToInt(attribute, v))),
        _ => throw Mismatch(attribute, value),
    };

    private static Value UIntArray(AttributeDefinition attribute, in Value value) => value.Kind switch
    {
        ValueKind.IntArray => Value.Array(System.Array.ConvertAll(value.AsInts, v => ToUInt(attribute, v))),
        ValueKind.VectorF32 => Value.Array(System.Array.ConvertAll(value.AsVectorF32, v => ToUInt(attribute, ToInt(attribute, v)))),
        _ => throw Mismatch(attribute, value),
    };

    private static Value FloatArray(AttributeDefinition attribute, in Value value) => value.Kind switch
    {
        ValueKind.IntArray => Value.Array(System.Array.ConvertAll(value.AsInts, v => (double)v)),
        ValueKind.UIntArray => Value.Array(System.Array.ConvertAll(value.AsUInts, v => (double)v)),
        ValueKind.VectorF32 => Value.Array(System.Array.ConvertAll(value.AsVectorF32, v => Widen(attribute, v))),
        _ => throw Mismatch(attribute, value),
    };

    private static Value UuidArray(AttributeDefinition attribute, in Value value) => value.Kind switch
    {
        ValueKind.UuidArray => Value.UuidArray(System.Array.ConvertAll(value.AsBytesArray, v => CheckUuid(attribute, v))),
        ValueKind.StringArray => Value.UuidArray(System.Array.ConvertAll(value.AsBytesArray, v => ToUuid(attribute, v))),
        _ => throw Mismatch(attribute, value),
    };

    private static Value DateTimeArray(AttributeDefinition attribute, in Value value) => value.Kind switch
    {
        ValueKind.DateTimeArray => Value.DateTimeArray(System.Array.ConvertAll(value.AsInts, v => CheckDateTime(attribute, v))),
        ValueKind.StringArray => Value.DateTimeArray(System.Array.ConvertAll(value.AsBytesArray, v => ToDateTime(attribute, v))),
        _ => throw Mismatch(attribute, value),
    };

    private static Value CheckStrings(AttributeDefinition attribute, in Value value)
    {
        foreach (byte[] element in value.AsBytesArray)
        {
            if (attribute.Filterable && element.Length > MaxFilterableBytes)
            {
                throw TooLargeToFilter(attribute);
            }
        }

        return value;
    }

    private static Value CheckFloats(AttributeDefinition attribute, in Value value)
    {
        foreach (double element in value.AsFloats)
        {
            Finite(attribute, element);
        }

        return value;
    }

    private static Value Sized(AttributeDefinition attribute, in Value value)
    {
        int length = value.AsBytes.Length;
        if (length > MaxValueBytes)
        {
            throw TooLarge(attribute);
        }

        return attribute.Filterable && length > MaxFilterableBytes ? throw TooLargeToFilter(attribute) : value;
    }

    private static long ToInt(AttributeDefinition attribute, ulong value) => value <= long.MaxValue
        ? (long)value
        : throw PuffException.Invalid($"attribute \"{attribute.Name}\" is a {attribute.Type}: a number is beyond a signed 64-bit integer");

    private static long ToInt(AttributeDefinition attribute, float value) => float.IsInteger(value) && Math.Abs(value) <= MaxExactFloatInteger
        ? (long)value
        : throw PuffException.Invalid($"attribute \"{attribute.Name}\" is a {attribute.Type}: a number is not an integer, or was rounded to 32 bits");

    private static ulong ToUInt(AttributeDefinition attribute, long value) => value >= 0
        ? (ulong)value
        : throw PuffException.Invalid($"attribute \"{attribute.Name}\" is a {attribute.Type}: a number is negative");

    private static double Finite(AttributeDefinition attribute, double value) => double.IsFinite(value)
        ? value
        : throw PuffException.Invalid($"attribute \"{attribute.Name}\": numbers must be finite");

    /// <summary>The double nearest to the decimal the float was read from, as far as the float still tells: 0.1f gives 0.1.</summary>
    private static double Widen(AttributeDefinition attribute, float value)
    {
        Span<byte> text = stackalloc byte[32];
        var culture = System.Globalization.CultureInfo.InvariantCulture;
        Finite(attribute, value);
        value.TryFormat(text, out int length, default, culture);
        return double.Parse(text[..length], System.Globalization.NumberStyles.Float, culture);
    }

    private static byte[] ToUuid(AttributeDefinition attribute, byte[] text)
    {
        byte[] uuid = new byte[UuidBytes];
        return UuidText.TryParse(text, uuid) ? uuid : throw PuffException.Invalid($"attribute \"{attribute.Name}\" is a {attribute.Type}: a string is no UUID");
    }

    private static byte[] CheckUuid(AttributeDefinition attribute, byte[] uuid) => uuid.Length == UuidBytes
        ? uuid
        : throw PuffException.Invalid($"attribute \"{attribute.Name}\": a UUID has {UuidBytes} bytes");

    private static long ToDateTime(AttributeDefinition attribute, byte[] text) => DateTimeText.TryParse(text, out long milliseconds)
        ? milliseconds
        : throw PuffException.Invalid($"attribute \"{attribute.Name}\" is a {attribute.Type}: a string is no ISO 8601 datetime such as 2015-01-20T12:34:56Z");

    private static long CheckDateTime(AttributeDefinition attribute, long milliseconds) =>
        milliseconds is >= DateTimeText.MinMilliseconds and <= DateTimeText.MaxMilliseconds
            ? milliseconds
            : throw PuffException.Invalid($"attribute \"{attribute.Name}\": a datetime lies outside the years 0000 to 9999");

    private static void CheckElements(AttributeDefinition attribute, byte[]?[] elements)
    {
        foreach (byte[]? element in elements)
        {
            if (element is null)
            {
                throw PuffException.Invalid($"attribute \"{attribute.Name}\": an array cannot contain null");
            }
        }
    }

    private static PuffException TooLarge(AttributeDefinition attribute) =>
        PuffException.Invalid($"attribute \"{attribute.Name}\": a value has at most {MaxValueBytes} bytes (8 MiB)");

    private static PuffException TooLargeToFilter(AttributeDefinition attribute) => PuffException.Invalid(
        $"attribute \"{attribute.Name}\" is filterable: a value has at most {MaxFilterableBytes} bytes; "
        + "declare the attribute with filterable: false for longer ones");
}
