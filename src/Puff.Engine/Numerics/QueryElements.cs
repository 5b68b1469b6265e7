using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Puff.Engine.Numerics;

/// <summary>What <see cref="CodeQuery"/> has to know about the elements of a query, and the elements in 8 bits.</summary>
internal static unsafe class QueryElements
{
    /// <summary>Largest magnitude of a rounded element.</summary>
    public const int MaxElement = 127;

    /// <summary>Σq, Σ|q|, the largest |q|, and the largest Σ|q| of four elements from a multiple of four on.</summary>
    /// <param name="padded">A multiple of 64.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static (double Sum, double AbsoluteSum, float Largest, float Range) Measure(float* query, int padded)
    {
        Vector256<double> sum = default, absoluteSum = default;
        Vector256<float> largest = default, range = default;
        for (int i = 0; i < padded; i += 8)
        {
            var elements = Vector256.Load(query + i);
            var absolute = Vector256.Abs(elements);
            sum += Vector256.WidenLower(elements) + Vector256.WidenUpper(elements);
            absoluteSum += Vector256.WidenLower(absolute) + Vector256.WidenUpper(absolute);
            largest = Vector256.MaxNative(largest, absolute);
            var pairs = absolute + Vector256.Shuffle(absolute, Vector256.Create(1, 0, 3, 2, 5, 4, 7, 6));
            range = Vector256.MaxNative(range, pairs + Vector256.Shuffle(pairs, Vector256.Create(2, 3, 0, 1, 6, 7, 4, 5)));
        }

        return (Vector256.Sum(sum), Vector256.Sum(absoluteSum), Largest(largest), Largest(range));
    }

    /// <summary>Rounds the elements to bytes and returns their sum.</summary>
    /// <param name="inverseStep">127 / (the largest |q|), or 0.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static int Round(float* query, int padded, float inverseStep, sbyte* elements)
    {
        var sum = Vector256<int>.Zero;
        for (int i = 0; i < padded; i += 32)
        {
            var a = Round(query + i, inverseStep);
            var b = Round(query + i + 8, inverseStep);
            var c = Round(query + i + 16, inverseStep);
            var d = Round(query + i + 24, inverseStep);
            sum += (a + b) + (c + d);
            Vector256.Narrow(Vector256.Narrow(a, b), Vector256.Narrow(c, d)).Store(elements + i);
        }

        return Vector256.Sum(sum);
    }

    /// <summary>The plain loop: what the other is tested against, bit for bit.</summary>
    internal static int RoundScalar(float* query, int padded, float inverseStep, sbyte* elements)
    {
        int sum = 0;
        for (int i = 0; i < padded; i++)
        {
            int element = (int)MathF.Round(query[i] * inverseStep);
            elements[i] = (sbyte)element;
            sum += element;
        }

        return sum;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Round(float* query, float inverseStep) =>
        Vector256.ConvertToInt32Native(Vector256.Round(Vector256.Load(query) * inverseStep));

    private static float Largest(Vector256<float> values)
    {
        float largest = 0;
        for (int i = 0; i < Vector256<float>.Count; i++)
        {
            largest = Math.Max(largest, values[i]);
        }

        return largest;
    }
}
