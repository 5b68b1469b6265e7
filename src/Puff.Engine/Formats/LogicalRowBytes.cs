using Puff.Engine.Encoding;
using Puff.Engine.Schema;

namespace Puff.Engine.Formats;

/// <summary>Logical sizes (<see cref="LogicalBytes"/>) of encoded rows, counted without decoding them; multi-vectors count at the column's width.</summary>
internal static class LogicalRowBytes
{
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
