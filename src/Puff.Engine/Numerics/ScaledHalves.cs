using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Puff.Engine.Numerics;

/// <summary>
/// Rows of 16-bit floats that stand for themselves times a power of two: half the memory of singles, and the same results to the last bit, because the product
/// is exact.
/// </summary>
internal static unsafe class ScaledHalves
{
    /// <summary>Rows have a multiple of so many elements.</summary>
    public const int Multiple = 64;

    /// <summary>Sum of (query - scale · row)², as <see cref="SquaredEuclidean"/> has it of the widened row.</summary>
    /// <param name="row">Finite, at any address.</param>
    /// <param name="scale">A power of two.</param>
    /// <param name="query">As many singles, at any address.</param>
    /// <param name="count">A multiple of <see cref="Multiple"/>.</param>
    public static float SquaredDistance(Half* row, float scale, float* query, int count)
    {
        if (Vector512.IsHardwareAccelerated)
        {
            return SquaredDistance512((byte*)row, scale, query, count);
        }

        return Vector256.IsHardwareAccelerated
            ? SquaredDistance256((byte*)row, scale, query, count)
            : SquaredDistance128((byte*)row, scale, query, count);
    }

    /// <summary>Writes the row's numbers as singles.</summary>
    public static void Widen(Half* row, float scale, float* target, int count)
    {
        var widened = new Span<float>(target, count);
        TensorPrimitives.ConvertToSingle(new ReadOnlySpan<Half>(row, count), widened);
        TensorPrimitives.Multiply(widened, scale, widened);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static float SquaredDistance512(byte* row, float scale, float* query, int count)
    {
        const int Lanes = 16;
        var negative = Vector512.Create(-scale);
        var sum0 = Vector512<float>.Zero;
        var sum1 = Vector512<float>.Zero;
        var sum2 = Vector512<float>.Zero;
        var sum3 = Vector512<float>.Zero;
        for (int i = 0; i < count; i += 4 * Lanes)
        {
            sum0 = Add512(sum0, negative, row, query, i);
            sum1 = Add512(sum1, negative, row, query, i + Lanes);
            sum2 = Add512(sum2, negative, row, query, i + 2 * Lanes);
            sum3 = Add512(sum3, negative, row, query, i + 3 * Lanes);
        }

        var sum = (sum0 + sum1) + (sum2 + sum3);
        var half = sum.GetLower() + sum.GetUpper();
        return Vector128.Sum(half.GetLower() + half.GetUpper());
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static float SquaredDistance256(byte* row, float scale, float* query, int count)
    {
        const int Lanes = 8;
        var negative = Vector256.Create(-scale);
        var sum0 = Vector256<float>.Zero;
        var sum1 = Vector256<float>.Zero;
        var sum2 = Vector256<float>.Zero;
        var sum3 = Vector256<float>.Zero;
        for (int i = 0; i < count; i += 4 * Lanes)
        {
            sum0 = Add256(sum0, negative, row, query, i);
            sum1 = Add256(sum1, negative, row, query, i + Lanes);
            sum2 = Add256(sum2, negative, row, query, i + 2 * Lanes);
            sum3 = Add256(sum3, negative, row, query, i + 3 * Lanes);
        }

        var sum = (sum0 + sum1) + (sum2 + sum3);
        return Vector128.Sum(sum.GetLower() + sum.GetUpper());
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static float SquaredDistance128(byte* row, float scale, float* query, int count)
    {
        const int Lanes = 4;
        var negative = Vector128.Create(-scale);
        var sum0 = Vector128<float>.Zero;
        var sum1 = Vector128<float>.Zero;
        for (int i = 0; i < count; i += 2 * Lanes)
        {
            sum0 = Add128(sum0, negative, row, query, i);
            sum1 = Add128(sum1, negative, row, query, i + Lanes);
        }

        return Vector128.Sum(sum0 + sum1);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Add512(Vector512<float> sum, Vector512<float> negativeScale, byte* row, float* query, int i)
    {
        var difference = Vector512.MultiplyAddEstimate(F16Element.Load512(row, i), negativeScale, Vector512.Load(query + i));
        return Vector512.MultiplyAddEstimate(difference, difference, sum);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Add256(Vector256<float> sum, Vector256<float> negativeScale, byte* row, float* query, int i)
    {
        var difference = Vector256.MultiplyAddEstimate(F16Element.Load256(row, i), negativeScale, Vector256.Load(query + i));
        return Vector256.MultiplyAddEstimate(difference, difference, sum);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Add128(Vector128<float> sum, Vector128<float> negativeScale, byte* row, float* query, int i)
    {
        var difference = Vector128.MultiplyAddEstimate(F16Element.Load128(row, i), negativeScale, Vector128.Load(query + i));
        return Vector128.MultiplyAddEstimate(difference, difference, sum);
    }
}
