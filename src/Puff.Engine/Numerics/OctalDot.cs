using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Puff.Engine.Numerics;

/// <summary>Sum of 3-bit digits (0 to 7, in the layout of <see cref="OctalCodes"/>) times signed bytes, exactly.</summary>
internal static unsafe class OctalDot
{
    // 2 × 7 × 127 = 1,778 is the most that one multiply-add makes: eighteen of them fit into 16 bits.

    /// <summary>Chooses the widest multiply-add of this machine.</summary>
    /// <param name="row">The two planes of code.</param>
    /// <param name="query">Numbers from -127 to 127, in order.</param>
    /// <param name="grouped">The same in the order in which 64 bytes of the first plane have them, as <see cref="Group"/> makes it.</param>
    /// <param name="padded">A multiple of 64.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Compute(byte* row, sbyte* query, sbyte* grouped, int padded)
    {
        if (Avx512BW.IsSupported && Vector512.IsHardwareAccelerated)
        {
            return Compute512(row, query, grouped, padded);
        }

        return Avx2.IsSupported ? Compute256(row, row + padded / 4, query, padded) : Compute128(row, query, padded);
    }

    /// <summary>Makes the second form of a query: of every 256 elements, a quarter of each 64 at a time.</summary>
    public static void Group(sbyte* query, sbyte* grouped, int padded)
    {
        for (int i = 0; i <= padded - 256; i += 256)
        {
            for (int quarter = 0; quarter < 4; quarter++)
            {
                for (int unit = 0; unit < 4; unit++)
                {
                    Vector128.Load(query + i + unit * 64 + quarter * 16).Store(grouped + i + quarter * 64 + unit * 16);
                }
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static int Compute512(byte* row, sbyte* query, sbyte* grouped, int padded)
    {
        byte* high = row + padded / 4;
        var lowBits = Vector512.Create((byte)3);
        var highBit = Vector512.Create((byte)4);
        var ones = Vector512.Create((short)1);
        var eights = Vector512.Create(0UL, 0, 1, 1, 2, 2, 3, 3);
        var halves = Vector512.Create(0UL, 4, 0, 4, 0, 4, 0, 4);
        var sum = Vector512<int>.Zero;
        int i = 0;
        for (; i <= padded - 256; i += 256)
        {
            var c = Vector512.Load(row + i / 4).AsUInt16();

            // Four bits of the second plane come to each byte of the first.
            var spread = Avx512F.PermuteVar8x64(Vector256.Load(high + i / 8).ToVector512Unsafe().AsUInt64(), eights);
            var h = Avx512F.ShiftRightLogicalVariable(spread, halves).AsUInt16();
            var products = Avx512BW.MultiplyAddAdjacent((c.AsByte() & lowBits) | ((h << 2).AsByte() & highBit), Vector512.Load(grouped + i))
                + Avx512BW.MultiplyAddAdjacent(((c >>> 2).AsByte() & lowBits) | ((h << 1).AsByte() & highBit), Vector512.Load(grouped + i + 64))
                + (Avx512BW.MultiplyAddAdjacent(((c >>> 4).AsByte() & lowBits) | (h.AsByte() & highBit), Vector512.Load(grouped + i + 128))
                + Avx512BW.MultiplyAddAdjacent(((c >>> 6).AsByte() & lowBits) | ((h >>> 1).AsByte() & highBit), Vector512.Load(grouped + i + 192)));
            sum += Avx512BW.MultiplyAddAdjacent(products, ones);
        }

        int total = Vector512.Sum(sum);
        return i == padded ? total : total + Compute256(row + i / 4, high + i / 8, query + i, padded - i);
    }

    /// <param name="low">The first plane.</param>
    /// <param name="high">The second.</param>
    /// <param name="query">In order.</param>
    /// <param name="count">Digits, a multiple of 64.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static int Compute256(byte* low, byte* high, sbyte* query, int count)
    {
        var lowBits = Vector256.Create((byte)3);
        var highBit = Vector256.Create((byte)4);
        var ones = Vector256.Create((short)1);
        var halves = Vector256.Create(0UL, 4, 0, 4);
        var sum = Vector256<int>.Zero;
        int i = 0;
        for (; i <= count - 128; i += 128)
        {
            var c = Vector256.Load(low + i / 4).AsUInt16();
            var spread = Avx2.Permute4x64(Vector128.Load(high + i / 8).ToVector256Unsafe().AsUInt64(), 0b01_01_00_00);
            var h = Avx2.ShiftRightLogicalVariable(spread, halves).AsUInt16();
            sbyte* q = query + i;
            var products = Avx2.MultiplyAddAdjacent((c.AsByte() & lowBits) | ((h << 2).AsByte() & highBit), Quarter(q))
                + Avx2.MultiplyAddAdjacent(((c >>> 2).AsByte() & lowBits) | ((h << 1).AsByte() & highBit), Quarter(q + 16))
                + (Avx2.MultiplyAddAdjacent(((c >>> 4).AsByte() & lowBits) | (h.AsByte() & highBit), Quarter(q + 32))
                + Avx2.MultiplyAddAdjacent(((c >>> 6).AsByte() & lowBits) | ((h >>> 1).AsByte() & highBit), Quarter(q + 48)));
            sum += Avx2.MultiplyAddAdjacent(products, ones);
        }

        return Vector256.Sum(sum) + (i < count ? Unit(low + i / 4, high + i / 8, query + i) : 0);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static int Compute128(byte* row, sbyte* query, int padded)
    {
        int sum = 0;
        for (int i = 0; i < padded; i += 64)
        {
            sum += Unit(row + i / 4, row + padded / 4 + i / 8, query + i);
        }

        return sum;
    }

    /// <summary>The plain loop: what the others are tested against, bit for bit.</summary>
    internal static int Scalar(byte* row, sbyte* query, int padded)
    {
        int sum = 0;
        for (int i = 0; i < padded; i++)
        {
            int place = i % 16;
            int quarter = i % 64 / 16;
            int low = row[i / 64 * 16 + place] >> 2 * quarter & 3;
            int high = row[padded / 4 + i / 64 * 8 + place % 8] >> quarter + place / 8 * 4 & 1;
            sum += (low | high << 2) * query[i];
        }

        return sum;
    }

    /// <summary>The same quarter of two times 64 elements.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<sbyte> Quarter(sbyte* query) => Vector256.Create(Vector128.Load(query), Vector128.Load(query + 64));

    /// <summary>64 digits, with whatever vectors of 128 bits this machine has.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Unit(byte* low, byte* high, sbyte* query)
    {
        var lowBits = Vector128.Create((byte)3);
        var highBit = Vector128.Create((byte)4);
        var c = Vector128.Load(low);
        var eight = Vector64.Load(high);
        var h = Vector128.Create(eight, eight >>> 4);
        var sum = Products((c & lowBits) | (h << 2 & highBit), Vector128.Load(query))
            + Products((c >>> 2 & lowBits) | (h << 1 & highBit), Vector128.Load(query + 16))
            + Products((c >>> 4 & lowBits) | (h & highBit), Vector128.Load(query + 32))
            + Products((c >>> 6 & lowBits) | (h >>> 1 & highBit), Vector128.Load(query + 48));
        return Vector128.Sum(Vector128.WidenLower(sum) + Vector128.WidenUpper(sum));
    }

    /// <summary>Products of digits and bytes, those of both halves added up: below 1,779, so 16 bits hold four of them.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<short> Products(Vector128<byte> digits, Vector128<sbyte> query) =>
        Vector128.WidenLower(digits).AsInt16() * Vector128.WidenLower(query) + Vector128.WidenUpper(digits).AsInt16() * Vector128.WidenUpper(query);
}
