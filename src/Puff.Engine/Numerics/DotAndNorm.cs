using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Puff.Engine.Numerics;

/// <summary>
/// One pass over a row for the cosine: query·row and the squared norm row·row, both in single precision, with the same lanes and order of additions.
/// So a row that equals the query bit by bit gives two equal sums. Deterministic as <see cref="DotProduct"/> is.
/// </summary>
internal static unsafe class DotAndNorm
{
    /// <summary>Chooses the widest vectors that this machine runs at full speed.</summary>
    /// <param name="row">Stored elements, at any address.</param>
    /// <param name="query">As many singles, at any address.</param>
    public static (float Dot, float SquaredNorm) Compute<TElement>(byte* row, float* query, int count)
        where TElement : struct, IElement
    {
        if (Vector512.IsHardwareAccelerated)
        {
            return Compute512<TElement>(row, query, count);
        }

        return Vector256.IsHardwareAccelerated ? Compute256<TElement>(row, query, count) : Compute128<TElement>(row, query, count);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static (float Dot, float SquaredNorm) Compute512<TElement>(byte* row, float* query, int count)
        where TElement : struct, IElement
    {
        const int Lanes = 16;
        Vector512<float> dot0 = default, dot1 = default, dot2 = default, dot3 = default;
        Vector512<float> norm0 = default, norm1 = default, norm2 = default, norm3 = default;
        int i = 0;
        for (; i <= count - 4 * Lanes; i += 4 * Lanes)
        {
            Add512<TElement>(ref dot0, ref norm0, row, query, i);
            Add512<TElement>(ref dot1, ref norm1, row, query, i + Lanes);
            Add512<TElement>(ref dot2, ref norm2, row, query, i + 2 * Lanes);
            Add512<TElement>(ref dot3, ref norm3, row, query, i + 3 * Lanes);
        }

        for (; i <= count - Lanes; i += Lanes)
        {
            Add512<TElement>(ref dot0, ref norm0, row, query, i);
        }

        var dot = (dot0 + dot1) + (dot2 + dot3);
        var norm = (norm0 + norm1) + (norm2 + norm3);
        return Finish256<TElement>(dot.GetLower() + dot.GetUpper(), norm.GetLower() + norm.GetUpper(), i, row, query, count);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static (float Dot, float SquaredNorm) Compute256<TElement>(byte* row, float* query, int count)
        where TElement : struct, IElement
    {
        const int Lanes = 8;
        Vector256<float> dot0 = default, dot1 = default, dot2 = default, dot3 = default;
        Vector256<float> norm0 = default, norm1 = default, norm2 = default, norm3 = default;
        int i = 0;
        for (; i <= count - 4 * Lanes; i += 4 * Lanes)
        {
            Add256<TElement>(ref dot0, ref norm0, row, query, i);
            Add256<TElement>(ref dot1, ref norm1, row, query, i + Lanes);
            Add256<TElement>(ref dot2, ref norm2, row, query, i + 2 * Lanes);
            Add256<TElement>(ref dot3, ref norm3, row, query, i + 3 * Lanes);
        }

        return Finish256<TElement>((dot0 + dot1) + (dot2 + dot3), (norm0 + norm1) + (norm2 + norm3), i, row, query, count);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static (float Dot, float SquaredNorm) Compute128<TElement>(byte* row, float* query, int count)
        where TElement : struct, IElement
    {
        const int Lanes = 4;
        Vector128<float> dot0 = default, dot1 = default, norm0 = default, norm1 = default;
        int i = 0;
        for (; i <= count - 2 * Lanes; i += 2 * Lanes)
        {
            Add128<TElement>(ref dot0, ref norm0, row, query, i);
            Add128<TElement>(ref dot1, ref norm1, row, query, i + Lanes);
        }

        return Finish128<TElement>(dot0 + dot1, norm0 + norm1, i, row, query, count);
    }

    /// <summary>The plain loop, in double precision: what the others are tested against, and what rows of extreme magnitude are computed with.</summary>
    internal static (double Dot, double SquaredNorm) Scalar<TElement>(byte* row, float* query, int count)
        where TElement : struct, IElement
    {
        double dot = 0;
        double norm = 0;
        for (int i = 0; i < count; i++)
        {
            double element = TElement.Load(row, i);
            dot += element * query[i];
            norm += element * element;
        }

        return (dot, norm);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add512<TElement>(ref Vector512<float> dot, ref Vector512<float> norm, byte* row, float* query, int i)
        where TElement : struct, IElement
    {
        var elements = TElement.Load512(row, i);
        dot = Vector512.MultiplyAddEstimate(elements, Vector512.Load(query + i), dot);
        norm = Vector512.MultiplyAddEstimate(elements, elements, norm);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add256<TElement>(ref Vector256<float> dot, ref Vector256<float> norm, byte* row, float* query, int i)
        where TElement : struct, IElement
    {
        var elements = TElement.Load256(row, i);
        dot = Vector256.MultiplyAddEstimate(elements, Vector256.Load(query + i), dot);
        norm = Vector256.MultiplyAddEstimate(elements, elements, norm);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add128<TElement>(ref Vector128<float> dot, ref Vector128<float> norm, byte* row, float* query, int i)
        where TElement : struct, IElement
    {
        var elements = TElement.Load128(row, i);
        dot = Vector128.MultiplyAddEstimate(elements, Vector128.Load(query + i), dot);
        norm = Vector128.MultiplyAddEstimate(elements, elements, norm);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (float Dot, float SquaredNorm) Finish256<TElement>(
        Vector256<float> dot, Vector256<float> norm, int i, byte* row, float* query, int count)
        where TElement : struct, IElement
    {
        for (; i <= count - Vector256<float>.Count; i += Vector256<float>.Count)
        {
            Add256<TElement>(ref dot, ref norm, row, query, i);
        }

        return Finish128<TElement>(dot.GetLower() + dot.GetUpper(), norm.GetLower() + norm.GetUpper(), i, row, query, count);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (float Dot, float SquaredNorm) Finish128<TElement>(
        Vector128<float> dot, Vector128<float> norm, int i, byte* row, float* query, int count)
        where TElement : struct, IElement
    {
        if (i <= count - Vector128<float>.Count)
        {
            Add128<TElement>(ref dot, ref norm, row, query, i);
            i += Vector128<float>.Count;
        }

        float dotSum = Vector128.Sum(dot);
        float normSum = Vector128.Sum(norm);
        for (; i < count; i++)
        {
            float element = TElement.Load(row, i);
            dotSum += element * query[i];
            normSum += element * element;
        }

        return (dotSum, normSum);
    }
}
