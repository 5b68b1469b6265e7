using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Puff.Engine.Encoding;

/// <summary>
/// Blocks of up to 128 unsigned integers at a common width of 0 to 32 bits, for posting lists. Value i belongs to lane i mod 8 and row i / 8; each lane
/// packs its 16 values into a stream of 32-bit words, low bits first, and the words of the eight lanes alternate, so that one vector operation handles a
/// row. An odd width ends in half a word a lane, eight times 16 bits. A block of fewer values is cut after the last word row it needs.
/// </summary>
/// <remarks>The vertical layout of Lemire and Boytsov, "Decoding billions of integers per second through vectorization" (2015), for eight lanes.</remarks>
internal static unsafe class PackedIntegers
{
    /// <summary>Values in a full block.</summary>
    public const int BlockLength = 128;

    private const int Lanes = 8;
    private const int Rows = BlockLength / Lanes;
    private const int WordRowBytes = Lanes * sizeof(uint);

    /// <summary>Bytes of a block of <paramref name="count"/> (1 to 128) values of <paramref name="bits"/> (0 to 32) bits each.</summary>
    public static int Bytes(int bits, int count)
    {
        int rows = (count + Lanes - 1) / Lanes;
        int wordRows = (rows * bits + 31) / 32;
        return Math.Min(wordRows * WordRowBytes, Rows * bits);
    }

    /// <summary>The width the largest value needs.</summary>
    public static int WidthOf(ReadOnlySpan<uint> values)
    {
        uint all = 0;
        foreach (uint value in values)
        {
            all |= value;
        }

        return 32 - BitOperations.LeadingZeroCount(all);
    }

    /// <summary>Packs 1 to 128 values that fit the width into <see cref="Bytes"/> bytes.</summary>
    public static void Pack(ReadOnlySpan<uint> values, int bits, Span<byte> destination)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)bits, 32U, nameof(bits));
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)(values.Length - 1), (uint)BlockLength - 1, nameof(values));
        uint* words = stackalloc uint[(Rows + 1) * Lanes * 2];
        new Span<uint>(words, (Rows + 1) * Lanes * 2).Clear();
        for (int i = 0; i < values.Length; i++)
        {
            int position = i / Lanes * bits;
            ulong shifted = (ulong)values[i] << (position & 31);
            uint* word = words + (position >> 5) * Lanes + i % Lanes;
            word[0] |= (uint)shifted;
            word[Lanes] |= (uint)(shifted >> 32);
        }

        int bytes = Bytes(bits, values.Length);
        int whole = Math.Min(bytes, Rows * bits / WordRowBytes * WordRowBytes);
        new ReadOnlySpan<byte>(words, whole).CopyTo(destination);
        for (int at = whole; at < bytes; at += sizeof(ushort))
        {
            Unsafe.WriteUnaligned(ref destination[at], (ushort)words[whole / sizeof(uint) + (at - whole) / sizeof(ushort)]);
        }
    }

    /// <summary>
    /// The first <paramref name="count"/> values, and up to 128 unspecified ones behind them.
    /// </summary>
    /// <param name="source"><see cref="Bytes"/> bytes are read, no more.</param>
    /// <param name="bits">0 to 32.</param>
    /// <param name="count">1 to 128.</param>
    /// <param name="values">Room for 128.</param>
    public static void Unpack(byte* source, int bits, int count, uint* values)
    {
        if (!Avx2.IsSupported)
        {
            UnpackScalar(source, bits, count, values);
        }
        else if (count == BlockLength)
        {
            UnpackAvx2(source, bits, values);
        }
        else
        {
            byte* whole = stackalloc byte[BlockLength * sizeof(uint)];
            new ReadOnlySpan<byte>(source, Bytes(bits, count)).CopyTo(new Span<byte>(whole, BlockLength * sizeof(uint)));
            UnpackAvx2(whole, bits, values);
        }
    }

    /// <summary>Does what <see cref="Unpack"/> does, without vectors.</summary>
    public static void UnpackScalar(byte* source, int bits, int count, uint* values)
    {
        ulong mask = (1UL << bits) - 1;
        int halfRow = (bits & 1) == 0 ? int.MaxValue : Rows * bits / 32;
        for (int i = 0; i < count; i++)
        {
            int position = i / Lanes * bits;
            int word = position >> 5;
            int shift = position & 31;
            ulong both = Word(source, word, i % Lanes, halfRow);
            if (shift + bits > 32)
            {
                both |= (ulong)Word(source, word + 1, i % Lanes, halfRow) << 32;
            }

            values[i] = bits == 0 ? 0 : (uint)(both >> shift & mask);
        }
    }

    /// <summary>
    /// Undoes the differences of a strictly ascending sequence: on entry each value is its distance to the one before, less 1; the first to
    /// <paramref name="previous"/>. Additions wrap around.
    /// </summary>
    /// <param name="values">128, of which only the first may matter.</param>
    /// <param name="previous">The last value of the block before; uint.MaxValue stands for -1.</param>
    public static void Accumulate(uint* values, uint previous)
    {
        if (!Avx2.IsSupported)
        {
            AccumulateScalar(values, previous);
            return;
        }

        var last = Vector256.Create(previous);
        var ends = Vector256.Create(7u);
        var one = Vector256.Create(1u);
        for (int row = 0; row < Rows; row++)
        {
            var sum = Vector256.Load(values + row * Lanes) + one;
            sum += Avx2.ShiftLeftLogical128BitLane(sum, 4);
            sum += Avx2.ShiftLeftLogical128BitLane(sum, 8);

            // The lower half's total into every lane of the upper half.
            var carry = Avx2.Shuffle(sum, 0xFF);
            sum += Avx2.Permute2x128(carry, carry, 0x08) + last;
            sum.Store(values + row * Lanes);
            last = Avx2.PermuteVar8x32(sum, ends);
        }
    }

    /// <summary>Does what <see cref="Accumulate"/> does, without vectors.</summary>
    public static void AccumulateScalar(uint* values, uint previous)
    {
        for (int i = 0; i < BlockLength; i++)
        {
            previous += values[i] + 1;
            values[i] = previous;
        }
    }

    private static uint Word(byte* source, int wordRow, int lane, int halfRow) => wordRow == halfRow
        ? Unsafe.ReadUnaligned<ushort>(source + wordRow * WordRowBytes + lane * sizeof(ushort))
        : Unsafe.ReadUnaligned<uint>(source + wordRow * WordRowBytes + lane * sizeof(uint));

    /// <summary>A full block. Variable shifts by 32 and more give 0, so a row that fits its word needs no case of its own.</summary>
    private static void UnpackAvx2(byte* source, int bits, uint* values)
    {
        if (bits == 0)
        {
            new Span<uint>(values, BlockLength).Clear();
            return;
        }

        int lastWord = (Rows * bits - 1) >> 5;
        bool isHalf = (bits & 1) != 0;
        var mask = Vector256.Create(bits == 32 ? uint.MaxValue : (1u << bits) - 1);
        var current = LoadRow(source, 0, isHalf && lastWord == 0);
        int loaded = 0;
        for (int row = 0; row < Rows; row++)
        {
            int position = row * bits;
            int shift = position & 31;
            if (position >> 5 != loaded)
            {
                loaded = position >> 5;
                current = LoadRow(source, loaded, isHalf && loaded == lastWord);
            }

            var value = Avx2.ShiftRightLogicalVariable(current, Vector256.Create((uint)shift));
            if (shift + bits > 32)
            {
                current = LoadRow(source, ++loaded, isHalf && loaded == lastWord);
                value |= Avx2.ShiftLeftLogicalVariable(current, Vector256.Create((uint)(32 - shift)));
            }

            (value & mask).Store(values + row * Lanes);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<uint> LoadRow(byte* source, int wordRow, bool isHalf) => isHalf
        ? Avx2.ConvertToVector256Int32((ushort*)(source + wordRow * WordRowBytes)).AsUInt32()
        : Vector256.Load((uint*)(source + wordRow * WordRowBytes));
}
