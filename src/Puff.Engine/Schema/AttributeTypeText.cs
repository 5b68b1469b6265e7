using System.Globalization;

namespace Puff.Engine.Schema;

/// <summary>The type strings of the wire (turbopuffer-api 2.4).</summary>
internal static class AttributeTypeText
{
    /// <summary>Why a text is no type: an unknown name does not fit the request's shape, dimensions out of range break a limit.</summary>
    internal enum Outcome
    {
        Read,
        Unknown,
        DimensionsOutOfRange,
    }

    internal static Outcome Read(string text, out AttributeType type)
    {
        type = default;
        if (text.StartsWith("[][", StringComparison.Ordinal))
        {
            return ReadVector(text.AsSpan(2), TypeKind.MultiVectorF32, TypeKind.MultiVectorF16, null, AttributeType.MaxMultiVectorDimensions, out type);
        }

        if (text.StartsWith('[') && !text.StartsWith("[]", StringComparison.Ordinal))
        {
            return ReadVector(text, TypeKind.VectorF32, TypeKind.VectorF16, TypeKind.VectorI8, AttributeType.MaxDimensions, out type);
        }

        if (ReadName(text) is not { } kind)
        {
            return Outcome.Unknown;
        }

        type = new AttributeType(kind);
        return Outcome.Read;
    }

    private static TypeKind? ReadName(string text) => text switch
    {
        "string" => TypeKind.String,
        "int" => TypeKind.Int,
        "uint" => TypeKind.UInt,
        "float" => TypeKind.Float,
        "bool" => TypeKind.Bool,
        "uuid" => TypeKind.Uuid,
        "datetime" => TypeKind.DateTime,
        "bytes" => TypeKind.Bytes,
        "[]string" => TypeKind.StringArray,
        "[]int" => TypeKind.IntArray,
        "[]uint" => TypeKind.UIntArray,
        "[]float" => TypeKind.FloatArray,
        "[]bool" => TypeKind.BoolArray,
        "[]uuid" => TypeKind.UuidArray,
        "[]datetime" => TypeKind.DateTimeArray,
        "[]unknown" => TypeKind.UnknownArray,
        "{}f16" => TypeKind.SparseF16,
        _ => null,
    };

    private static Outcome ReadVector(ReadOnlySpan<char> text, TypeKind f32, TypeKind f16, TypeKind? i8, int maxDimensions, out AttributeType type)
    {
        type = default;
        int end = text.IndexOf(']');
        if (end < 2 || text[1..end].ContainsAnyExceptInRange('0', '9'))
        {
            return Outcome.Unknown;
        }

        TypeKind? kind = text[(end + 1)..] switch
        {
            "f32" => f32,
            "f16" => f16,
            "i8" => i8,
            _ => null,
        };
        if (kind is null)
        {
            return Outcome.Unknown;
        }

        if (!int.TryParse(text[1..end], NumberStyles.None, CultureInfo.InvariantCulture, out int dimensions) || dimensions < 1 || dimensions > maxDimensions)
        {
            return Outcome.DimensionsOutOfRange;
        }

        type = new AttributeType(kind.Value, dimensions);
        return Outcome.Read;
    }
}
