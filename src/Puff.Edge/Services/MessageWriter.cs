namespace Puff.Edge.Services;

/// <summary>The small parts of answers: a field's tag with a length or a number. At most 11 bytes each.</summary>
internal static class MessageWriter
{
    public const int MaxField = 11;

    /// <summary>The head of a length-delimited field; its bytes follow.</summary>
    public static int Head(Span<byte> target, int field, int length)
    {
        target[0] = (byte)((field << 3) | 2);
        return 1 + Varint(target[1..], (ulong)length);
    }

    public static int Number(Span<byte> target, int field, ulong value)
    {
        target[0] = (byte)(field << 3);
        return 1 + Varint(target[1..], value);
    }

    private static int Varint(Span<byte> target, ulong value)
    {
        int count = 0;
        while (value >= 0x80)
        {
            target[count++] = (byte)(value | 0x80);
            value >>= 7;
        }

        target[count++] = (byte)value;
        return count;
    }
}
