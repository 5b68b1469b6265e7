using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Puff.Engine.Numerics;

/// <summary>Sum of signed bytes times 16-bit numbers, exactly as long as the sum of the products' magnitudes fits into 31 bits.</summary>
internal static unsafe class ByteDot
{
    /// <summary>Chooses the widest multiply-add of this machine.</summary>
    /// <param name="count">A multiple of 64.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Compute(sbyte* row, short* query, int count)
    {
        if (Avx512BW.IsSupported && Vector512.IsHardwareAccelerated)
        {
            return Compute512(row, query, count);
        }

        return Avx2.IsSupported ? Compute256(row, query, count) : Compute128(row, query, count);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static int Compute512(sbyte* row, short* query, int count)
    {
        var a = Vector512<int>.Zero;
        var b = Vector512<int>.Zero;
        for (int i = 0; i < count; i += 64)
        {
            a += Avx512BW.MultiplyAddAdjacent(Avx512BW.ConvertToVector512Int16(Vector256.Load(row + i)), Vector512.Load(query + i));
            b += Avx512BW.MultiplyAddAdjacent(Avx512BW.ConvertToVector512Int16(Vector256.Load(row + i + 32)), Vector512.Load(query + i + 32));
        }

        return Vector512.Sum(a + b);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static int Compute256(sbyte* row, short* query, int count)
    {
        var a = Vector256<int>.Zero;
        var b = Vector256<int>.Zero;
        for (int i = 0; i < count; i += 32)
        {
            a += Avx2.MultiplyAddAdjacent(Avx2.ConvertToVector256Int16(row + i), Vector256.Load(query + i));
            b += Avx2.MultiplyAddAdjacent(Avx2.ConvertToVector256Int16(row + i + 16), Vector256.Load(query + i + 16));
        }

        return Vector256.Sum(a + b);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static int Compute128(sbyte* row, short* query, int count)
    {
        var sum = Vector128<int>.Zero;
        for (int i = 0; i < count; i += 16)
        {
            var bytes = Vector128.Load(row + i);
            var (low, high) = (Vector128.WidenLower(bytes), Vector128.WidenUpper(bytes));
            var (first, second) = (Vector128.Load(query + i), Vector128.Load(query + i + 8));
            sum += Vector128.WidenLower(low) * Vector128.WidenLower(first) + Vector128.WidenUpper(low) * Vector128.WidenUpper(first);
            sum += Vector128.WidenLower(high) * Vector128.WidenLower(second) + Vector128.WidenUpper(high) * Vector128.WidenUpper(second);
        }

        return Vector128.Sum(sum);
    }

    /// <summary>The plain loop: what the others are tested against, bit for bit.</summary>
    internal static int Scalar(sbyte* row, short* query, int count)
    {
        int sum = 0;
        for (int i = 0; i < count; i++)
        {
            sum += row[i] * query[i];
        }

        return sum;
    }
}
