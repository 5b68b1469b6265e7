using System.Numerics.Tensors;

namespace Puff.Engine.Schema;

/// <summary>Dense and multi-vectors to the width of their column (turbopuffer-api 2.5): f32 and f16 round to nearest, i8 takes integers only.</summary>
internal static class VectorCoercion
{
    public static Value Dense(AttributeDefinition attribute, in Value value)
    {
        var native = Native(attribute, value);
        return native.IsNull ? FromFloats(attribute, Floats(attribute, value)) : native;
    }

    public static Value Multi(AttributeDefinition attribute, in Value value)
    {
        var vectors = value.Kind switch
        {
            ValueKind.MultiVector => value.AsMultiVector,
            ValueKind.StringArray => FromBase64(attribute, value.AsBytesArray),
            _ => throw ValueCoercion.Mismatch(attribute, value),
        };
        CheckDimensions(attribute, vectors.Dimensions);
        if (vectors.Data.Length == 0 || vectors.Data.Length % vectors.Dimensions != 0)
        {
            throw PuffException.Invalid($"attribute \"{attribute.Name}\": a multi-vector has at least one vector, all with {vectors.Dimensions} dimensions");
        }

        if (vectors.Data.Length > ValueCoercion.MaxValueBytes / sizeof(float))
        {
            throw PuffException.Invalid($"attribute \"{attribute.Name}\": a value has at most {ValueCoercion.MaxValueBytes} bytes (8 MiB)");
        }

        CheckFinite(attribute, vectors.Data);
        if (attribute.Type.Kind == TypeKind.MultiVectorF32)
        {
            return Value.MultiVector(vectors);
        }

        var rounded = new float[vectors.Data.Length];
        TensorPrimitives.ConvertToSingle(ToHalf(attribute, vectors.Data), rounded);
        return Value.MultiVector(new MultiVector(vectors.Dimensions, rounded));
    }

    /// <summary>The nearest f16 of every number; those beyond the range of f16 are refused.</summary>
    public static Half[] ToHalf(AttributeDefinition attribute, ReadOnlySpan<float> values)
    {
        var halves = new Half[values.Length];
        TensorPrimitives.ConvertToHalf(values, halves);
        foreach (var half in halves)
        {
            if (Half.IsInfinity(half))
            {
                throw PuffException.Invalid($"attribute \"{attribute.Name}\" is a {attribute.Type}: a number is beyond the range of f16, ±65504");
            }
        }

        return halves;
    }

    /// <summary>A zero vector has no direction, so no cosine distance to anything.</summary>
    /// <param name="attribute">For the message.</param>
    /// <param name="vector">At the column's width, where small numbers may have become zero; Null passes.</param>
    public static void RequireDirection(AttributeDefinition attribute, in Value vector)
    {
        bool hasDirection = vector.Kind switch
        {
            ValueKind.VectorF32 => vector.AsVectorF32.AsSpan().ContainsAnyExcept(0f),
            ValueKind.VectorF16 => vector.AsVectorF16.AsSpan().ContainsAnyExcept(Half.Zero),
            ValueKind.VectorI8 => vector.AsVectorI8.AsSpan().ContainsAnyExcept((sbyte)0),
            _ => true,
        };
        if (!hasDirection)
        {
            throw PuffException.Invalid(
                $"attribute \"{attribute.Name}\": a zero vector has no direction and thus no cosine distance; write another vector, or use euclidean_squared");
        }
    }

    public static void CheckFinite(AttributeDefinition attribute, ReadOnlySpan<float> values)
    {
        // A sum of absolute values is finite only if every term is; it may overflow although they all are, hence the second look.
        if (!float.IsFinite(TensorPrimitives.SumOfMagnitudes(values)))
        {
            foreach (float value in values)
            {
                if (!float.IsFinite(value))
                {
                    throw PuffException.Invalid($"attribute \"{attribute.Name}\": the numbers of a vector must be finite and within the range of f32");
                }
            }
        }
    }

    /// <summary>A value that has the column's width already, or Null.</summary>
    private static Value Native(AttributeDefinition attribute, in Value value)
    {
        if (attribute.Type.Kind == TypeKind.VectorF16 && value.Kind == ValueKind.VectorF16)
        {
            CheckDimensions(attribute, value.AsVectorF16.Length);
            if (value.AsVectorF16.All(Half.IsFinite))
            {
                return value;
            }

            throw PuffException.Invalid($"attribute \"{attribute.Name}\": the numbers of a vector must be finite");
        }

        if (attribute.Type.Kind == TypeKind.VectorI8 && value.Kind == ValueKind.VectorI8)
        {
            CheckDimensions(attribute, value.AsVectorI8.Length);
            return value;
        }

        return Value.Null;
    }

    private static float[] Floats(AttributeDefinition attribute, in Value value) => value.Kind switch
    {
        ValueKind.VectorF32 => value.AsVectorF32,
        ValueKind.FloatArray => Array.ConvertAll(value.AsFloats, v => (float)v),
        ValueKind.IntArray => Array.ConvertAll(value.AsInts, v => (float)v),
        ValueKind.UIntArray => Array.ConvertAll(value.AsUInts, v => (float)v),
        ValueKind.VectorF16 => Array.ConvertAll(value.AsVectorF16, v => (float)v),
        ValueKind.VectorI8 => Array.ConvertAll(value.AsVectorI8, v => (float)v),
        ValueKind.String => Base64Text.DecodeVector(attribute.Name, value.AsBytes),
        ValueKind.EmptyArray => [],
        _ => throw ValueCoercion.Mismatch(attribute, value),
    };

    private static Value FromFloats(AttributeDefinition attribute, float[] values)
    {
        CheckDimensions(attribute, values.Length);
        CheckFinite(attribute, values);
        return attribute.Type.Kind switch
        {
            TypeKind.VectorF32 => Value.Vector(values),
            TypeKind.VectorF16 => Value.Vector(ToHalf(attribute, values)),
            _ => Value.Vector(ToInt8(attribute, values)),
        };
    }

    private static sbyte[] ToInt8(AttributeDefinition attribute, float[] values)
    {
        var bytes = new sbyte[values.Length];
        for (int i = 0; i < values.Length; i++)
        {
            float value = values[i];
            if (!(value is >= sbyte.MinValue and <= sbyte.MaxValue) || value != (sbyte)value)
            {
                throw PuffException.Invalid($"attribute \"{attribute.Name}\" is a {attribute.Type}: its numbers are integers from -128 to 127");
            }

            bytes[i] = (sbyte)value;
        }

        return bytes;
    }

    private static MultiVector FromBase64(AttributeDefinition attribute, byte[][] texts)
    {
        int dimensions = attribute.Type.Dimensions;
        var data = new float[texts.Length * dimensions];
        for (int i = 0; i < texts.Length; i++)
        {
            var vector = Base64Text.DecodeVector(attribute.Name, texts[i]);
            CheckDimensions(attribute, vector.Length);
            vector.CopyTo(data, i * dimensions);
        }

        return new MultiVector(dimensions, data);
    }

    private static void CheckDimensions(AttributeDefinition attribute, int dimensions)
    {
        if (dimensions != attribute.Type.Dimensions)
        {
            throw PuffException.Invalid($"a vector has {dimensions} dimensions; attribute \"{attribute.Name}\" has {attribute.Type.Dimensions}");
        }
    }
}
