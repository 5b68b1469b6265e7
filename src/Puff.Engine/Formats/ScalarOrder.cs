using Puff.Engine.Schema;

namespace Puff.Engine.Formats;

/// <summary>The order of column values, as unsigned numbers.</summary>
internal static class ScalarOrder
{
    private const ulong Sign = 1UL << 63;

    /// <summary>Maps the 64 bits of a scalar column to an unsigned number of the same order; -0.0 and 0.0 become one.</summary>
    public static ulong SortableBits(TypeKind kind, long bits)
    {
        switch (kind)
        {
            case TypeKind.Int or TypeKind.DateTime:
                return unchecked((ulong)bits) ^ Sign;
            case TypeKind.Float:
                ulong raw = bits == long.MinValue ? 0 : unchecked((ulong)bits);
                return (raw & Sign) != 0 ? ~raw : raw | Sign;
            default:
                return unchecked((ulong)bits);
        }
    }

    /// <summary>The inverse of <see cref="SortableBits"/>.</summary>
    public static long FromSortableBits(TypeKind kind, ulong sortable) => unchecked((long)(kind switch
    {
        TypeKind.Int or TypeKind.DateTime => sortable ^ Sign,
        TypeKind.Float => (sortable & Sign) != 0 ? sortable & ~Sign : ~sortable,
        _ => sortable,
    }));

    /// <summary>The first 8 bytes as a big-endian number, zeros where there are fewer: different prefixes decide the order, equal ones do not.</summary>
    public static ulong PrefixOf(ReadOnlySpan<byte> value)
    {
        if (value.Length >= 8)
        {
            return System.Buffers.Binary.BinaryPrimitives.ReadUInt64BigEndian(value);
        }

        ulong prefix = 0;
        for (int i = 0; i < value.Length; i++)
        {
            prefix |= (ulong)value[i] << (56 - 8 * i);
        }

        return prefix;
    }
}
