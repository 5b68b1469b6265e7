using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Puff.Engine.Numerics;

/// <summary>
/// The innermost loop of <see cref="Gemm"/>: the products of a few rows with one panel, kept in registers over all dimensions. Fewer rows than a tile has
/// are made up by repeating the last one, which stores the same numbers again at the same place.
/// </summary>
internal static unsafe class GemmTile
{
    /// <summary>Rows that <see cref="Compute"/> takes. At most 8, the ways of a first-level cache: rows of 1,024 elements all fall into one set.</summary>
    public static int Rows => Vector512.IsHardwareAccelerated ? Rows512 : Rows256;

    internal const int Rows512 = 8;
    internal const int Rows256 = 6;

    /// <summary>Chooses the widest vectors that this machine runs at full speed.</summary>
    /// <param name="x">The first of <paramref name="rows"/> rows, 1 to <see cref="Rows"/>.</param>
    /// <param name="panel">A panel of <see cref="PackedRows"/>.</param>
    /// <param name="result">Receives <see cref="PackedRows.PanelWidth"/> products for each row.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Compute(float* x, long stride, int rows, float* panel, int dimensions, float* result, long resultStride)
    {
        if (Vector512.IsHardwareAccelerated)
        {
            Compute512(x, stride, rows, panel, dimensions, result, resultStride);
        }
        else if (Vector256.IsHardwareAccelerated)
        {
            Compute256(x, stride, rows, panel, dimensions, result, resultStride);
        }
        else
        {
            Compute128(x, stride, rows, panel, dimensions, result, resultStride);
        }
    }

    /// <summary>8 rows × 32 columns: 16 accumulators, 2 vectors of the panel, 1 element of a row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void Compute512(float* x, long stride, int rows, float* panel, int dimensions, float* result, long resultStride)
    {
        int last = rows - 1;
        float* x0 = x;
        float* x1 = x + Math.Min(1, last) * stride;
        float* x2 = x + Math.Min(2, last) * stride;
        float* x3 = x + Math.Min(3, last) * stride;
        float* x4 = x + Math.Min(4, last) * stride;
        float* x5 = x + Math.Min(5, last) * stride;
        float* x6 = x + Math.Min(6, last) * stride;
        float* x7 = x + Math.Min(7, last) * stride;
        Vector512<float> a0 = default, a1 = default, a2 = default, a3 = default, a4 = default, a5 = default, a6 = default, a7 = default;
        Vector512<float> b0 = default, b1 = default, b2 = default, b3 = default, b4 = default, b5 = default, b6 = default, b7 = default;
        for (nint k = 0; k < dimensions; k++)
        {
            var left = Vector512.Load(panel);
            var right = Vector512.Load(panel + 16);
            panel += PackedRows.PanelWidth;
            var element = Vector512.Create(x0[k]);
            a0 = Vector512.MultiplyAddEstimate(element, left, a0);
            b0 = Vector512.MultiplyAddEstimate(element, right, b0);
            element = Vector512.Create(x1[k]);
            a1 = Vector512.MultiplyAddEstimate(element, left, a1);
            b1 = Vector512.MultiplyAddEstimate(element, right, b1);
            element = Vector512.Create(x2[k]);
            a2 = Vector512.MultiplyAddEstimate(element, left, a2);
            b2 = Vector512.MultiplyAddEstimate(element, right, b2);
            element = Vector512.Create(x3[k]);
            a3 = Vector512.MultiplyAddEstimate(element, left, a3);
            b3 = Vector512.MultiplyAddEstimate(element, right, b3);
            element = Vector512.Create(x4[k]);
            a4 = Vector512.MultiplyAddEstimate(element, left, a4);
            b4 = Vector512.MultiplyAddEstimate(element, right, b4);
            element = Vector512.Create(x5[k]);
            a5 = Vector512.MultiplyAddEstimate(element, left, a5);
            b5 = Vector512.MultiplyAddEstimate(element, right, b5);
            element = Vector512.Create(x6[k]);
            a6 = Vector512.MultiplyAddEstimate(element, left, a6);
            b6 = Vector512.MultiplyAddEstimate(element, right, b6);
            element = Vector512.Create(x7[k]);
            a7 = Vector512.MultiplyAddEstimate(element, left, a7);
            b7 = Vector512.MultiplyAddEstimate(element, right, b7);
        }

        Store512(a0, b0, result);
        Store512(a1, b1, result + Math.Min(1, last) * resultStride);
        Store512(a2, b2, result + Math.Min(2, last) * resultStride);
        Store512(a3, b3, result + Math.Min(3, last) * resultStride);
        Store512(a4, b4, result + Math.Min(4, last) * resultStride);
        Store512(a5, b5, result + Math.Min(5, last) * resultStride);
        Store512(a6, b6, result + Math.Min(6, last) * resultStride);
        Store512(a7, b7, result + Math.Min(7, last) * resultStride);
    }

    /// <summary>6 rows × 32 columns in two passes of 16, a cache line of the panel: 12 accumulators, 2 vectors of the panel, 1 element of a row.</summary>
    internal static void Compute256(float* x, long stride, int rows, float* panel, int dimensions, float* result, long resultStride)
    {
        Half256(x, stride, rows, panel, dimensions, result, resultStride);
        Half256(x, stride, rows, panel + 16, dimensions, result + 16, resultStride);
    }

    /// <summary>6 rows × 32 columns in four passes of 8.</summary>
    internal static void Compute128(float* x, long stride, int rows, float* panel, int dimensions, float* result, long resultStride)
    {
        for (int column = 0; column < PackedRows.PanelWidth; column += 8)
        {
            Quarter128(x, stride, rows, panel + column, dimensions, result + column, resultStride);
        }
    }

    /// <summary>The plain loop, in double precision: what the others are tested against.</summary>
    internal static void Scalar(float* x, long stride, int rows, float* panel, int dimensions, float* result, long resultStride)
    {
        for (int i = 0; i < rows; i++)
        {
            for (int j = 0; j < PackedRows.PanelWidth; j++)
            {
                double sum = 0;
                for (int k = 0; k < dimensions; k++)
                {
                    sum += (double)x[i * stride + k] * panel[(long)k * PackedRows.PanelWidth + j];
                }

                result[i * resultStride + j] = (float)sum;
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Half256(float* x, long stride, int rows, float* panel, int dimensions, float* result, long resultStride)
    {
        int last = rows - 1;
        float* x0 = x;
        float* x1 = x + Math.Min(1, last) * stride;
        float* x2 = x + Math.Min(2, last) * stride;
        float* x3 = x + Math.Min(3, last) * stride;
        float* x4 = x + Math.Min(4, last) * stride;
        float* x5 = x + Math.Min(5, last) * stride;
        Vector256<float> a0 = default, a1 = default, a2 = default, a3 = default, a4 = default, a5 = default;
        Vector256<float> b0 = default, b1 = default, b2 = default, b3 = default, b4 = default, b5 = default;
        for (nint k = 0; k < dimensions; k++)
        {
            var left = Vector256.Load(panel);
            var right = Vector256.Load(panel + 8);
            panel += PackedRows.PanelWidth;
            var element = Vector256.Create(x0[k]);
            a0 = Vector256.MultiplyAddEstimate(element, left, a0);
            b0 = Vector256.MultiplyAddEstimate(element, right, b0);
            element = Vector256.Create(x1[k]);
            a1 = Vector256.MultiplyAddEstimate(element, left, a1);
            b1 = Vector256.MultiplyAddEstimate(element, right, b1);
            element = Vector256.Create(x2[k]);
            a2 = Vector256.MultiplyAddEstimate(element, left, a2);
            b2 = Vector256.MultiplyAddEstimate(element, right, b2);
            element = Vector256.Create(x3[k]);
            a3 = Vector256.MultiplyAddEstimate(element, left, a3);
            b3 = Vector256.MultiplyAddEstimate(element, right, b3);
            element = Vector256.Create(x4[k]);
            a4 = Vector256.MultiplyAddEstimate(element, left, a4);
            b4 = Vector256.MultiplyAddEstimate(element, right, b4);
            element = Vector256.Create(x5[k]);
            a5 = Vector256.MultiplyAddEstimate(element, left, a5);
            b5 = Vector256.MultiplyAddEstimate(element, right, b5);
        }

        Store256(a0, b0, result);
        Store256(a1, b1, result + Math.Min(1, last) * resultStride);
        Store256(a2, b2, result + Math.Min(2, last) * resultStride);
        Store256(a3, b3, result + Math.Min(3, last) * resultStride);
        Store256(a4, b4, result + Math.Min(4, last) * resultStride);
        Store256(a5, b5, result + Math.Min(5, last) * resultStride);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Quarter128(float* x, long stride, int rows, float* panel, int dimensions, float* result, long resultStride)
    {
        int last = rows - 1;
        float* x0 = x;
        float* x1 = x + Math.Min(1, last) * stride;
        float* x2 = x + Math.Min(2, last) * stride;
        float* x3 = x + Math.Min(3, last) * stride;
        float* x4 = x + Math.Min(4, last) * stride;
        float* x5 = x + Math.Min(5, last) * stride;
        Vector128<float> a0 = default, a1 = default, a2 = default, a3 = default, a4 = default, a5 = default;
        Vector128<float> b0 = default, b1 = default, b2 = default, b3 = default, b4 = default, b5 = default;
        for (nint k = 0; k < dimensions; k++)
        {
            var left = Vector128.Load(panel);
            var right = Vector128.Load(panel + 4);
            panel += PackedRows.PanelWidth;
            var element = Vector128.Create(x0[k]);
            a0 = Vector128.MultiplyAddEstimate(element, left, a0);
            b0 = Vector128.MultiplyAddEstimate(element, right, b0);
            element = Vector128.Create(x1[k]);
            a1 = Vector128.MultiplyAddEstimate(element, left, a1);
            b1 = Vector128.MultiplyAddEstimate(element, right, b1);
            element = Vector128.Create(x2[k]);
            a2 = Vector128.MultiplyAddEstimate(element, left, a2);
            b2 = Vector128.MultiplyAddEstimate(element, right, b2);
            element = Vector128.Create(x3[k]);
            a3 = Vector128.MultiplyAddEstimate(element, left, a3);
            b3 = Vector128.MultiplyAddEstimate(element, right, b3);
            element = Vector128.Create(x4[k]);
            a4 = Vector128.MultiplyAddEstimate(element, left, a4);
            b4 = Vector128.MultiplyAddEstimate(element, right, b4);
            element = Vector128.Create(x5[k]);
            a5 = Vector128.MultiplyAddEstimate(element, left, a5);
            b5 = Vector128.MultiplyAddEstimate(element, right, b5);
        }

        Store128(a0, b0, result);
        Store128(a1, b1, result + Math.Min(1, last) * resultStride);
        Store128(a2, b2, result + Math.Min(2, last) * resultStride);
        Store128(a3, b3, result + Math.Min(3, last) * resultStride);
        Store128(a4, b4, result + Math.Min(4, last) * resultStride);
        Store128(a5, b5, result + Math.Min(5, last) * resultStride);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store512(Vector512<float> left, Vector512<float> right, float* result)
    {
        left.Store(result);
        right.Store(result + 16);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store256(Vector256<float> left, Vector256<float> right, float* result)
    {
        left.Store(result);
        right.Store(result + 8);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store128(Vector128<float> left, Vector128<float> right, float* result)
    {
        left.Store(result);
        right.Store(result + 4);
    }
}
