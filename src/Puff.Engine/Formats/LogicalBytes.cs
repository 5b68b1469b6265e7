using Puff.Engine.Encoding;
using Puff.Engine.Schema;

namespace Puff.Engine.Formats;

/// <summary>
/// Logical sizes, the unit of billing fields and size thresholds (turbopuffer-api 4.9): ids 8 or 16 bytes or their length, scalars 8 (booleans 1),
/// strings and bytes their length, vectors dimensions × width, arrays the sum of their elements.
/// </summary>
internal static class LogicalBytes
{
    public static long Of(in DocumentId id) => id.Kind switch
    {
        IdKind.UInt => 8,
        IdKind.Uuid => 16,
        _ => id.AsUtf8.Length,
    };

    /// <summary>A decoded value of that type.</summary>
    public static long Of(AttributeType type, in Value value)
    {
        if (value.IsNull || value.Kind == ValueKind.EmptyArray)
        {
            return 0;
        }

        return type.Kind switch
        {
            TypeKind.String or TypeKind.Uuid or TypeKind.Bytes => value.AsBytes.Length,
            TypeKind.Bool => 1,
            TypeKind.BoolArray => value.AsBools.Length,
            TypeKind.StringArray or TypeKind.UuidArray => value.AsBytesArray.Sum(b => (long)b.Length),
            TypeKind.IntArray or TypeKind.DateTimeArray => value.AsInts.Length * 8L,
            TypeKind.UIntArray => value.AsUInts.Length * 8L,
            TypeKind.FloatArray => value.AsFloats.Length * 8L,
            TypeKind.MultiVectorF32 => value.AsMultiVector.Data.Length * 4L,
            TypeKind.MultiVectorF16 => value.AsMultiVector.Data.Length * 2L,
            TypeKind.SparseF16 => value.AsSparse.Keys.Sum(k => k.Length + 2L),
            _ => type.IsDenseVector ? type.VectorBytes : 8,
        };
    }

    /// <summary>An encoded value (<see cref="PayloadFormat"/>), without building it.</summary>
    public static long OfPayload(AttributeType type, ReadOnlySpan<byte> payload)
    {
        switch (type.Kind)
        {
            case TypeKind.Int or TypeKind.UInt or TypeKind.Float or TypeKind.DateTime:
                return 8;
            case TypeKind.String or TypeKind.Uuid or TypeKind.Bytes or TypeKind.Bool:
                return payload.Length;
        }

        var reader = new ByteReader(payload);
        long count = (long)reader.Varint();
        switch (type.Kind)
        {
            case TypeKind.IntArray or TypeKind.UIntArray or TypeKind.DateTimeArray or TypeKind.FloatArray:
                return count * 8;
            case TypeKind.StringArray:
                long total = 0;
                for (long i = 0; i < count; i++)
                {
                    total += reader.Block().Length;
                }

                return total;
            case TypeKind.SparseF16:
                total = 0;
                for (long i = 0; i < count; i++)
                {
                    total += reader.Block().Length + reader.Bytes(2).Length;
                }

                return total;
            default:
                return reader.Remaining;
        }
    }

    /// <summary>A whole row of a namespace with that schema; attributes the schema does not know count by their stored length.</summary>
    public static long OfRow(NamespaceSchema schema, ReadOnlySpan<byte> row)
    {
        long total = 0;
        foreach (var entry in RowFormat.Enumerate(row))
        {
            total += schema.Find(entry.Number) is { } attribute ? OfPayload(attribute.Type, entry.Payload) : entry.Payload.Length;
        }

        return total;
    }
}
