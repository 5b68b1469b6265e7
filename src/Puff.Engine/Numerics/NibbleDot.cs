using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Puff.Engine.Numerics;

/// <summary>Sum of 4-bit digits (0 to 15, in the layout of <see cref="NibbleCodes"/>) times signed bytes, exactly.</summary>
internal static unsafe class NibbleDot
{
    // 2 × 15 × 127 = 3,810 is the most that one multiply-add makes: eight of them fit into 16 bits.

    /// <summary>Chooses the widest multiply-add of this machine.</summary>
    /// <param name="row">Half as many bytes as there are dimensions.</param>
    /// <param name="query">Numbers from -127 to 127, in order.</param>
    /// <param name="paired">
    /// The same with the second and third 32 of every 128 exchanged, as <see cref="Pair"/> makes it: what meets the halves of 64 bytes of codes.
    /// </param>
    /// <param name="padded">A multiple of 64.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Compute(byte* row, sbyte* query, sbyte* paired, int padded)
    {
        if (Avx512BW.IsSupported && Vector512.IsHardwareAccelerated)
        {
            return Compute512(row, query, paired, padded);
        }

        return Avx2.IsSupported ? Compute256(row, query, padded) : Compute128(row, query, padded);
    }

    /// <summary>Makes the second form of a query.</summary>
    public static void Pair(sbyte* query, sbyte* paired, int padded)
    {
        for (int i = 0; i <= padded - 128; i += 128)
        {
            Vector256.Load(query + i).Store(paired + i);
            Vector256.Load(query + i + 64).Store(paired + i + 32);
            Vector256.Load(query + i + 32).Store(paired + i + 64);
            Vector256.Load(query + i + 96).Store(paired + i + 96);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static int Compute512(byte* row, sbyte* query, sbyte* paired, int padded)
    {
        var half = Vector512.Create((byte)15);
        var ones = Vector512.Create((short)1);
        var sum = Vector512<int>.Zero;
        int i = 0;
        for (; i <= padded - 256; i += 256)
        {
            var c0 = Vector512.Load(row + i / 2);
            var c1 = Vector512.Load(row + i / 2 + 64);
            var products = Avx512BW.MultiplyAddAdjacent(c0 & half, Vector512.Load(paired + i))
                + Avx512BW.MultiplyAddAdjacent((c0.AsUInt16() >>> 4).AsByte() & half, Vector512.Load(paired + i + 64))
                + (Avx512BW.MultiplyAddAdjacent(c1 & half, Vector512.Load(paired + i + 128))
                + Avx512BW.MultiplyAddAdjacent((c1.AsUInt16() >>> 4).AsByte() & half, Vector512.Load(paired + i + 192)));
            sum += Avx512BW.MultiplyAddAdjacent(products, ones);
        }

        if (i <= padded - 128)
        {
            var c = Vector512.Load(row + i / 2);
            var products = Avx512BW.MultiplyAddAdjacent(c & half, Vector512.Load(paired + i))
                + Avx512BW.MultiplyAddAdjacent((c.AsUInt16() >>> 4).AsByte() & half, Vector512.Load(paired + i + 64));
            sum += Avx512BW.MultiplyAddAdjacent(products, ones);
            i += 128;
        }

        return Vector512.Sum(sum) + Compute256(row + i / 2, query + i, padded - i);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static int Compute256(byte* row, sbyte* query, int padded)
    {
        var half = Vector256.Create((byte)15);
        var ones = Vector256.Create((short)1);
        var sum = Vector256<int>.Zero;
        int i = 0;
        for (; i <= padded - 128; i += 128)
        {
            var c0 = Vector256.Load(row + i / 2);
            var c1 = Vector256.Load(row + i / 2 + 32);
            var products = Avx2.MultiplyAddAdjacent(c0 & half, Vector256.Load(query + i))
                + Avx2.MultiplyAddAdjacent((c0.AsUInt16() >>> 4).AsByte() & half, Vector256.Load(query + i + 32))
                + (Avx2.MultiplyAddAdjacent(c1 & half, Vector256.Load(query + i + 64))
                + Avx2.MultiplyAddAdjacent((c1.AsUInt16() >>> 4).AsByte() & half, Vector256.Load(query + i + 96)));
            sum += Avx2.MultiplyAddAdjacent(products, ones);
        }

        if (i < padded)
        {
            var c = Vector256.Load(row + i / 2);
            var products = Avx2.MultiplyAddAdjacent(c & half, Vector256.Load(query + i))
                + Avx2.MultiplyAddAdjacent((c.AsUInt16() >>> 4).AsByte() & half, Vector256.Load(query + i + 32));
            sum += Avx2.MultiplyAddAdjacent(products, ones);
        }

        return Vector256.Sum(sum);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static int Compute128(byte* row, sbyte* query, int padded)
    {
        var half = Vector128.Create((byte)15);
        var sum = Vector128<int>.Zero;
        for (int i = 0; i < padded; i += 64)
        {
            for (int j = i; j < i + 32; j += 16)
            {
                var c = Vector128.Load(row + i / 2 + (j - i));
                var products = Products(c & half, Vector128.Load(query + j)) + Products(c >>> 4, Vector128.Load(query + j + 32));
                sum += Vector128.WidenLower(products) + Vector128.WidenUpper(products);
            }
        }

        return Vector128.Sum(sum);
    }

    /// <summary>The plain loop: what the others are tested against, bit for bit.</summary>
    internal static int Scalar(byte* row, sbyte* query, int padded)
    {
        int sum = 0;
        for (int i = 0; i < padded; i++)
        {
            sum += (row[i / 64 * 32 + i % 32] >> (i % 64 < 32 ? 0 : 4) & 15) * query[i];
        }

        return sum;
    }

    /// <summary>Products of digits and bytes, those of both halves added up: below 3,811, so 16 bits hold them.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<short> Products(Vector128<byte> digits, Vector128<sbyte> query) =>
        Vector128.WidenLower(digits).AsInt16() * Vector128.WidenLower(query) + Vector128.WidenUpper(digits).AsInt16() * Vector128.WidenUpper(query);
}
