using System.Runtime.CompilerServices;

namespace Puff.Engine.Text;

/// <summary>UTF-8 by code point. Bytes that are not valid UTF-8 read as U+FFFD, one for each maximal part, so any input has a meaning.</summary>
internal static class CodePoints
{
    public const int Replacement = 0xFFFD;

    /// <summary>The code point that begins at <paramref name="at"/> and how many bytes it takes (at least one).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Decode(ReadOnlySpan<byte> utf8, int at, out int length)
    {
        byte first = utf8[at];
        if (first < 0x80)
        {
            length = 1;
            return first;
        }

        return DecodeLong(utf8, at, first, out length);
    }

    /// <summary>How many code points the bytes hold, counted like <see cref="Decode"/> for valid text: bytes that do not continue one.</summary>
    public static int Count(ReadOnlySpan<byte> utf8)
    {
        int count = 0;
        foreach (byte value in utf8)
        {
            count += (sbyte)value >= -64 ? 1 : 0;
        }

        return count;
    }

    /// <summary>Writes a code point as UTF-8; the target has room for four bytes.</summary>
    public static int Encode(int codePoint, Span<byte> target)
    {
        if (codePoint < 0x80)
        {
            target[0] = (byte)codePoint;
            return 1;
        }

        if (codePoint < 0x800)
        {
            target[0] = (byte)(0xC0 | codePoint >> 6);
            target[1] = (byte)(0x80 | codePoint & 0x3F);
            return 2;
        }

        if (codePoint < 0x10000)
        {
            target[0] = (byte)(0xE0 | codePoint >> 12);
            target[1] = (byte)(0x80 | codePoint >> 6 & 0x3F);
            target[2] = (byte)(0x80 | codePoint & 0x3F);
            return 3;
        }

        target[0] = (byte)(0xF0 | codePoint >> 18);
        target[1] = (byte)(0x80 | codePoint >> 12 & 0x3F);
        target[2] = (byte)(0x80 | codePoint >> 6 & 0x3F);
        target[3] = (byte)(0x80 | codePoint & 0x3F);
        return 4;
    }

    private static int DecodeLong(ReadOnlySpan<byte> utf8, int at, byte first, out int length)
    {
        if (first is >= 0xC2 and < 0xE0 && at + 1 < utf8.Length && (utf8[at + 1] & 0xC0) == 0x80)
        {
            length = 2;
            return (first & 0x1F) << 6 | utf8[at + 1] & 0x3F;
        }

        if (System.Text.Rune.DecodeFromUtf8(utf8[at..], out var rune, out length) == System.Buffers.OperationStatus.Done)
        {
            return rune.Value;
        }

        length = Math.Max(1, length);
        return Replacement;
    }
}
