using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Puff.Engine.Numerics;

/// <summary>
/// Sum of query × row over all elements, in single precision with fused multiply-adds where the processor has them. One machine always adds in the same
/// order and so always gives the same bits; machines with vectors of another width may differ in the last ones.
/// </summary>
internal static unsafe class DotProduct
{
    /// <summary>Chooses the widest vectors that this machine runs at full speed.</summary>
    /// <param name="row">Stored elements, at any address.</param>
    /// <param name="query">As many singles, at any address.</param>
    public static float Compute<TElement>(byte* row, float* query, int count)
        where TElement : struct, IElement
    {
        if (Vector512.IsHardwareAccelerated)
        {
            return Compute512<TElement>(row, query, count);
        }

        return Vector256.IsHardwareAccelerated ? Compute256<TElement>(row, query, count) : Compute128<TElement>(row, query, count);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static float Compute512<TElement>(byte* row, float* query, int count)
        where TElement : struct, IElement
    {
        const int Lanes = 16;
        var sum0 = Vector512<float>.Zero;
        var sum1 = Vector512<float>.Zero;
        var sum2 = Vector512<float>.Zero;
        var sum3 = Vector512<float>.Zero;
        int i = 0;
        for (; i <= count - 4 * Lanes; i += 4 * Lanes)
        {
            sum0 = Vector512.MultiplyAddEstimate(TElement.Load512(row, i), Vector512.Load(query + i), sum0);
            sum1 = Vector512.MultiplyAddEstimate(TElement.Load512(row, i + Lanes), Vector512.Load(query + i + Lanes), sum1);
            sum2 = Vector512.MultiplyAddEstimate(TElement.Load512(row, i + 2 * Lanes), Vector512.Load(query + i + 2 * Lanes), sum2);
            sum3 = Vector512.MultiplyAddEstimate(TElement.Load512(row, i + 3 * Lanes), Vector512.Load(query + i + 3 * Lanes), sum3);
        }

        for (; i <= count - Lanes; i += Lanes)
        {
            sum0 = Vector512.MultiplyAddEstimate(TElement.Load512(row, i), Vector512.Load(query + i), sum0);
        }

        var sum = (sum0 + sum1) + (sum2 + sum3);
        return Finish256<TElement>(sum.GetLower() + sum.GetUpper(), i, row, query, count);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static float Compute256<TElement>(byte* row, float* query, int count)
        where TElement : struct, IElement
    {
        const int Lanes = 8;
        var sum0 = Vector256<float>.Zero;
        var sum1 = Vector256<float>.Zero;
        var sum2 = Vector256<float>.Zero;
        var sum3 = Vector256<float>.Zero;
        int i = 0;
        for (; i <= count - 4 * Lanes; i += 4 * Lanes)
        {
            sum0 = Vector256.MultiplyAddEstimate(TElement.Load256(row, i), Vector256.Load(query + i), sum0);
            sum1 = Vector256.MultiplyAddEstimate(TElement.Load256(row, i + Lanes), Vector256.Load(query + i + Lanes), sum1);
            sum2 = Vector256.MultiplyAddEstimate(TElement.Load256(row, i + 2 * Lanes), Vector256.Load(query + i + 2 * Lanes), sum2);
            sum3 = Vector256.MultiplyAddEstimate(TElement.Load256(row, i + 3 * Lanes), Vector256.Load(query + i + 3 * Lanes), sum3);
        }

        return Finish256<TElement>((sum0 + sum1) + (sum2 + sum3), i, row, query, count);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static float Compute128<TElement>(byte* row, float* query, int count)
        where TElement : struct, IElement
    {
        const int Lanes = 4;
        var sum0 = Vector128<float>.Zero;
        var sum1 = Vector128<float>.Zero;
        int i = 0;
        for (; i <= count - 2 * Lanes; i += 2 * Lanes)
        {
            sum0 = Vector128.MultiplyAddEstimate(TElement.Load128(row, i), Vector128.Load(query + i), sum0);
            sum1 = Vector128.MultiplyAddEstimate(TElement.Load128(row, i + Lanes), Vector128.Load(query + i + Lanes), sum1);
        }

        return Finish128<TElement>(sum0 + sum1, i, row, query, count);
    }

    /// <summary>The plain loop, in double precision: what the others are tested against.</summary>
    internal static double Scalar<TElement>(byte* row, float* query, int count)
        where TElement : struct, IElement
    {
        double sum = 0;
        for (int i = 0; i < count; i++)
        {
            sum += (double)TElement.Load(row, i) * query[i];
        }

        return sum;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Finish256<TElement>(Vector256<float> sum, int i, byte* row, float* query, int count)
        where TElement : struct, IElement
    {
        for (; i <= count - Vector256<float>.Count; i += Vector256<float>.Count)
        {
            sum = Vector256.MultiplyAddEstimate(TElement.Load256(row, i), Vector256.Load(query + i), sum);
        }

        return Finish128<TElement>(sum.GetLower() + sum.GetUpper(), i, row, query, count);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Finish128<TElement>(Vector128<float> sum, int i, byte* row, float* query, int count)
        where TElement : struct, IElement
    {
        if (i <= count - Vector128<float>.Count)
        {
            sum = Vector128.MultiplyAddEstimate(TElement.Load128(row, i), Vector128.Load(query + i), sum);
            i += Vector128<float>.Count;
        }

        float result = Vector128.Sum(sum);
        for (; i < count; i++)
        {
            result += TElement.Load(row, i) * query[i];
        }

        return result;
    }
}
