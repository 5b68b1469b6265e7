using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Puff.Engine.Text;

/// <summary>What 64 bytes of text are, one bit a byte.</summary>
internal readonly struct AsciiBlock
{
    public const int Length = 64;

    public readonly ulong Letters;
    public readonly ulong Digits;
    public readonly ulong Underscores;

    /// <summary>Colon, full stop, apostrophe: keep letters together.</summary>
    public readonly ulong MidLetters;

    /// <summary>Comma, semicolon, full stop, apostrophe: keep digits together.</summary>
    public readonly ulong MidDigits;

    public readonly ulong NonAscii;

    /// <summary>Classifies 64 bytes and copies them, in lower case if asked to.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public AsciiBlock(ref byte source, ref byte target, bool isLowerCased)
    {
        var low = Vector256.LoadUnsafe(ref source);
        var high = Vector256.LoadUnsafe(ref source, (nuint)Vector256<byte>.Count);
        var lettersLow = IsLetter(low);
        var lettersHigh = IsLetter(high);
        Letters = Bits(lettersLow, lettersHigh);
        Digits = Bits(IsBetween(low, (byte)'0', (byte)'9'), IsBetween(high, (byte)'0', (byte)'9'));
        Underscores = Bits(Vector256.Equals(low, Vector256.Create((byte)'_')), Vector256.Equals(high, Vector256.Create((byte)'_')));
        var bothLow = Vector256.Equals(low, Vector256.Create((byte)'.')) | Vector256.Equals(low, Vector256.Create((byte)'\''));
        var bothHigh = Vector256.Equals(high, Vector256.Create((byte)'.')) | Vector256.Equals(high, Vector256.Create((byte)'\''));
        MidLetters = Bits(bothLow | Vector256.Equals(low, Vector256.Create((byte)':')), bothHigh | Vector256.Equals(high, Vector256.Create((byte)':')));
        MidDigits = Bits(
            bothLow | Vector256.Equals(low, Vector256.Create((byte)',')) | Vector256.Equals(low, Vector256.Create((byte)';')),
            bothHigh | Vector256.Equals(high, Vector256.Create((byte)',')) | Vector256.Equals(high, Vector256.Create((byte)';')));
        NonAscii = Bits(low, high);
        var caseBit = isLowerCased ? Vector256.Create((byte)0x20) : Vector256<byte>.Zero;
        (low | lettersLow & caseBit).StoreUnsafe(ref target);
        (high | lettersHigh & caseBit).StoreUnsafe(ref target, (nuint)Vector256<byte>.Count);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<byte> IsLetter(Vector256<byte> bytes) => IsBetween(bytes | Vector256.Create((byte)0x20), (byte)'a', (byte)'z');

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<byte> IsBetween(Vector256<byte> bytes, byte first, byte last) =>
        Vector256.LessThanOrEqual(bytes - Vector256.Create(first), Vector256.Create((byte)(last - first)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Bits(Vector256<byte> low, Vector256<byte> high) =>
        low.ExtractMostSignificantBits() | (ulong)high.ExtractMostSignificantBits() << 32;
}
