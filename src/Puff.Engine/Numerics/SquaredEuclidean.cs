using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Puff.Engine.Numerics;

/// <summary>
/// Sum of (query - row)² over all elements, in single precision. The differences are squared, instead of taking |q|² + |x|² - 2 q·x, because that form
/// cancels and loses small distances. Deterministic as <see cref="DotProduct"/> is. Differences beyond 1.8e19 give infinity.
/// </summary>
internal static unsafe class SquaredEuclidean
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
            sum0 = Add512<TElement>(sum0, row, query, i);
            sum1 = Add512<TElement>(sum1, row, query, i + Lanes);
            sum2 = Add512<TElement>(sum2, row, query, i + 2 * Lanes);
            sum3 = Add512<TElement>(sum3, row, query, i + 3 * Lanes);
        }

        for (; i <= count - Lanes; i += Lanes)
        {
            sum0 = Add512<TElement>(sum0, row, query, i);
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
            sum0 = Add256<TElement>(sum0, row, query, i);
            sum1 = Add256<TElement>(sum1, row, query, i + Lanes);
            sum2 = Add256<TElement>(sum2, row, query, i + 2 * Lanes);
            sum3 = Add256<TElement>(sum3, row, query, i + 3 * Lanes);
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
            sum0 = Add128<TElement>(sum0, row, query, i);
            sum1 = Add128<TElement>(sum1, row, query, i + Lanes);
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
            double difference = (double)query[i] - TElement.Load(row, i);
            sum += difference * difference;
        }

        return sum;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Add512<TElement>(Vector512<float> sum, byte* row, float* query, int i)
        where TElement : struct, IElement
    {
        var difference = Vector512.Load(query + i) - TElement.Load512(row, i);
        return Vector512.MultiplyAddEstimate(difference, difference, sum);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Add256<TElement>(Vector256<float> sum, byte* row, float* query, int i)
        where TElement : struct, IElement
    {
        var difference = Vector256.Load(query + i) - TElement.Load256(row, i);
        return Vector256.MultiplyAddEstimate(difference, difference, sum);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Add128<TElement>(Vector128<float> sum, byte* row, float* query, int i)
        where TElement : struct, IElement
    {
        var difference = Vector128.Load(query + i) - TElement.Load128(row, i);
        return Vector128.MultiplyAddEstimate(difference, difference, sum);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Finish256<TElement>(Vector256<float> sum, int i, byte* row, float* query, int count)
        where TElement : struct, IElement
    {
        for (; i <= count - Vector256<float>.Count; i += Vector256<float>.Count)
        {
            sum = Add256<TElement>(sum, row, query, i);
        }

        return Finish128<TElement>(sum.GetLower() + sum.GetUpper(), i, row, query, count);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Finish128<TElement>(Vector128<float> sum, int i, byte* row, float* query, int count)
        where TElement : struct, IElement
    {
        if (i <= count - Vector128<float>.Count)
        {
            sum = Add128<TElement>(sum, row, query, i);
            i += Vector128<float>.Count;
        }

        float result = Vector128.Sum(sum);
        for (; i < count; i++)
        {
            float difference = query[i] - TElement.Load(row, i);
            result += difference * difference;
        }

        return result;
    }
}
