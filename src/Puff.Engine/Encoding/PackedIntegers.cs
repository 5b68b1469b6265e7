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

    // The row that begins at the last word reads one more, and a cut block is read to its full length.
    private const int PaddedWords = (Rows + 2) * Lanes;

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

    /// <summary>The first <paramref name="count"/> values, and up to 128 unspecified ones behind them.</summary>
    /// <param name="source"><see cref="Bytes"/> bytes are read, no more.</param>
    /// <param name="bits">0 to 32.</param>
    /// <param name="count">1 to 128.</param>
    /// <param name="values">Room for 128.</param>
    [SkipLocalsInit]
    public static void Unpack(byte* source, int bits, int count, uint* values)
    {
        if (!Avx2.IsSupported)
        {
            UnpackScalar(source, bits, count, values);
            return;
        }

        uint* words = stackalloc uint[PaddedWords];
        Spread(source, bits, count, words);
        var mask = MaskOf(bits);
        for (int row = 0; row < Rows; row++)
        {
            Row(words, row * bits, mask).Store(values + row * Lanes);
        }
    }

    /// <summary>
    /// A strictly ascending sequence from its differences: each packed value is the distance to the one before less 1, that of the first to
    /// <paramref name="previous"/>. Additions wrap around. Otherwise like <see cref="Unpack"/>.
    /// </summary>
    /// <param name="source"><see cref="Bytes"/> bytes are read, no more.</param>
    /// <param name="bits">0 to 32.</param>
    /// <param name="count">1 to 128.</param>
    /// <param name="previous">The last value of the block before; uint.MaxValue stands for -1.</param>
    /// <param name="values">Room for 128.</param>
    [SkipLocalsInit]
    public static void UnpackAscending(byte* source, int bits, int count, uint previous, uint* values)
    {
        if (!Avx2.IsSupported)
        {
            UnpackAscendingScalar(source, bits, count, previous, values);
            return;
        }

        uint* words = stackalloc uint[PaddedWords];
        Spread(source, bits, count, words);
        var mask = MaskOf(bits);
        var last = Vector256.Create(previous);
        var ends = Vector256.Create(7u);
        var one = Vector256.Create(1u);
        for (int row = 0; row < Rows; row++)
        {
            var sum = Row(words, row * bits, mask) + one;
            sum += Avx2.ShiftLeftLogical128BitLane(sum, 4);
            sum += Avx2.ShiftLeftLogical128BitLane(sum, 8);

            // The lower half's total into every lane of the upper half.
            var carry = Avx2.Shuffle(sum, 0xFF);
            sum += Avx2.Permute2x128(carry, carry, 0x08);
            (sum + last).Store(values + row * Lanes);
            last += Avx2.PermuteVar8x32(sum, ends);
        }
    }

    /// <summary>One value of a packed block.</summary>
    /// <param name="source">The block.</param>
    /// <param name="bits">0 to 32.</param>
    /// <param name="index">Below the block's number of values.</param>
    public static uint At(byte* source, int bits, int index)
    {
        if (bits == 0)
        {
            return 0;
        }

        int position = index / Lanes * bits;
        int word = position >> 5;
        int shift = position & 31;
        int halfRow = (bits & 1) == 0 ? int.MaxValue : Rows * bits / 32;
        ulong both = Word(source, word, index % Lanes, halfRow);
        if (shift + bits > 32)
        {
            both |= (ulong)Word(source, word + 1, index % Lanes, halfRow) << 32;
        }

        return (uint)(both >> shift & (1UL << bits) - 1);
    }

    /// <summary>Does what <see cref="Unpack"/> does, without vectors.</summary>
    public static void UnpackScalar(byte* source, int bits, int count, uint* values)
    {
        for (int i = 0; i < count; i++)
        {
            values[i] = At(source, bits, i);
        }
    }

    /// <summary>Does what <see cref="UnpackAscending"/> does, without vectors.</summary>
    public static void UnpackAscendingScalar(byte* source, int bits, int count, uint previous, uint* values)
    {
        UnpackScalar(source, bits, count, values);
        for (int i = 0; i < count; i++)
        {
            previous += values[i] + 1;
            values[i] = previous;
        }
    }

    private static uint Word(byte* source, int wordRow, int lane, int halfRow) => wordRow == halfRow
        ? Unsafe.ReadUnaligned<ushort>(source + wordRow * WordRowBytes + lane * sizeof(ushort))
        : Unsafe.ReadUnaligned<uint>(source + wordRow * WordRowBytes + lane * sizeof(uint));

    private static Vector256<uint> MaskOf(int bits) => Vector256.Create((uint)((1UL << bits) - 1));

    /// <summary>
    /// Copies the word rows to where each has its full width and one more may be read: rows of values then need no case of their own.
    /// </summary>
    private static void Spread(byte* source, int bits, int count, uint* words)
    {
        int bytes = Bytes(bits, count);
        int whole = bytes / WordRowBytes;
        for (int row = 0; row < whole; row++)
        {
            Vector256.Load((uint*)(source + row * WordRowBytes)).Store(words + row * Lanes);
        }

        if (bytes % WordRowBytes != 0)
        {
            Avx2.ConvertToVector256Int32((ushort*)(source + whole * WordRowBytes)).AsUInt32().Store(words + whole * Lanes);
        }
    }

    /// <summary>The row that begins at a bit. Variable shifts by 32 give 0; what comes from the next word and does not belong to the value is masked.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<uint> Row(uint* words, int position, Vector256<uint> mask)
    {
        uint* word = words + (position >> 5) * Lanes;
        uint shift = (uint)position & 31;
        var low = Avx2.ShiftRightLogicalVariable(Vector256.Load(word), Vector256.Create(shift));
        var high = Avx2.ShiftLeftLogicalVariable(Vector256.Load(word + Lanes), Vector256.Create(32 - shift));
        return (low | high) & mask;
    }
}
