using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Puff.Engine.Encoding;

/// <summary>
/// Decodes the bulk of a base64 text, 32 characters at a time (Muła and Lemire, 2018, "Faster base64 encoding and decoding using AVX2 instructions"). The
/// framework's decoder does the same, but is generic: a server that has just started runs it unoptimised for seconds, in which it took a tenth of the time of
/// writing vectors. This one is compiled optimised at once.
/// </summary>
internal static class Base64Blocks
{
    private const int BlockCharacters = 32;
    private const int BlockBytes = 24;

    /// <summary>
    /// Decodes whole blocks as long as they hold nothing but the 64 characters of the standard alphabet: without padding, which ends a text, and without
    /// white space. The rest is the framework's.
    /// </summary>
    /// <param name="base64">ASCII bytes.</param>
    /// <param name="bytes">Receives 3 bytes of 4 characters; blocks that would not leave 8 bytes behind them are not begun.</param>
    /// <returns>Characters decoded, a multiple of 32.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static int Decode(ReadOnlySpan<byte> base64, Span<byte> bytes)
    {
        if (!Avx2.IsSupported)
        {
            return 0;
        }

        // By the low half of a character: a bit for every high half with which it is none of the alphabet. By the high half: that half's bit.
        var lowBits = Twice(0x15, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x13, 0x1A, 0x1B, 0x1B, 0x1B, 0x1A);
        var highBits = Twice(0x10, 0x10, 0x01, 0x02, 0x04, 0x08, 0x04, 0x08, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10);

        // What turns a character into its six bits, by its high half; '/' has a place of its own.
        var shifts = Twice(0, 16, 19, 4, 191, 191, 185, 185, 0, 0, 0, 0, 0, 0, 0, 0);
        var order = Twice(2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, 255, 255, 255, 255);
        var lanes = Vector256.Create(0, 1, 2, 4, 5, 6, 7, 7);
        var slash = Vector256.Create((byte)'/');
        ref byte source = ref MemoryMarshal.GetReference(base64);
        ref byte target = ref MemoryMarshal.GetReference(bytes);
        int read = 0;
        for (int written = 0; read + BlockCharacters <= base64.Length && written + BlockCharacters <= bytes.Length; read += BlockCharacters)
        {
            var characters = Vector256.LoadUnsafe(ref source, (nuint)read);
            var high = Vector256.ShiftRightLogical(characters.AsUInt32(), 4).AsByte() & slash;
            var wrong = Avx2.Shuffle(lowBits, characters & slash) & Avx2.Shuffle(highBits, high);
            if (wrong != Vector256<byte>.Zero)
            {
                break;
            }

            var sextets = characters + Avx2.Shuffle(shifts, Vector256.Equals(characters, slash) + high);
            var pairs = Avx2.MultiplyAddAdjacent(sextets, Vector256.Create(0x0140_0140).AsSByte());
            var triples = Avx2.MultiplyAddAdjacent(pairs, Vector256.Create(0x0001_1000).AsInt16()).AsByte();
            Avx2.PermuteVar8x32(Avx2.Shuffle(triples, order).AsInt32(), lanes).AsByte().StoreUnsafe(ref target, (nuint)written);
            written += BlockBytes;
        }

        return read;
    }

    /// <summary>Both halves of a register alike: byte shuffles work within halves.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<byte> Twice(
        byte b0, byte b1, byte b2, byte b3, byte b4, byte b5, byte b6, byte b7, byte b8, byte b9, byte b10, byte b11, byte b12, byte b13, byte b14, byte b15)
    {
        var half = Vector128.Create(b0, b1, b2, b3, b4, b5, b6, b7, b8, b9, b10, b11, b12, b13, b14, b15);
        return Vector256.Create(half, half);
    }
}
