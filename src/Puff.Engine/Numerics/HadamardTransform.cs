using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Puff.Engine.Numerics;

/// <summary>
/// Fast Walsh-Hadamard transform in natural order, not scaled: 2^k log 2^k additions. All widths add the same pairs in the same order, so every machine gets
/// the same bits.
/// </summary>
internal static unsafe class HadamardTransform
{
    /// <summary>Transforms in place.</summary>
    /// <param name="count">A power of two, at least 64.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Apply(float* x, int count)
    {
        if (!Vector256.IsHardwareAccelerated)
        {
            Apply128(x, count);
            return;
        }

        // Distances 1, 2 and 4 inside of a register, 8 to 32 between eight registers at once, the others in pairs of steps.
        for (int i = 0; i < count; i += 64)
        {
            First64(x + i);
        }

        int distance = 64;
        for (; distance * 2 < count; distance *= 4)
        {
            for (int i = 0; i < count; i += 4 * distance)
            {
                for (int j = i; j < i + distance; j += 8)
                {
                    TwoSteps(x + j, distance);
                }
            }
        }

        if (distance < count)
        {
            for (int j = 0; j < distance; j += 8)
            {
                var a = Vector256.Load(x + j);
                var b = Vector256.Load(x + j + distance);
                (a + b).Store(x + j);
                (a - b).Store(x + j + distance);
            }
        }
    }

    /// <summary>For machines without vectors of 256 bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void Apply128(float* x, int count)
    {
        for (int i = 0; i < count; i += 4)
        {
            float a = x[i] + x[i + 1], b = x[i] - x[i + 1], c = x[i + 2] + x[i + 3], d = x[i + 2] - x[i + 3];
            Vector128.Create(a + c, b + d, a - c, b - d).Store(x + i);
        }

        for (int distance = 4; distance < count; distance *= 2)
        {
            for (int i = 0; i < count; i += 2 * distance)
            {
                for (int j = i; j < i + distance; j += 4)
                {
                    var a = Vector128.Load(x + j);
                    var b = Vector128.Load(x + j + distance);
                    (a + b).Store(x + j);
                    (a - b).Store(x + j + distance);
                }
            }
        }
    }

    /// <summary>The plain loops: what the others are tested against.</summary>
    internal static void Scalar(float* x, int count)
    {
        for (int distance = 1; distance < count; distance *= 2)
        {
            for (int i = 0; i < count; i++)
            {
                if ((i & distance) == 0)
                {
                    (x[i], x[i + distance]) = (x[i] + x[i + distance], x[i] - x[i + distance]);
                }
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void First64(float* x)
    {
        var a = First8(Vector256.Load(x));
        var b = First8(Vector256.Load(x + 8));
        var c = First8(Vector256.Load(x + 16));
        var d = First8(Vector256.Load(x + 24));
        var e = First8(Vector256.Load(x + 32));
        var f = First8(Vector256.Load(x + 40));
        var g = First8(Vector256.Load(x + 48));
        var h = First8(Vector256.Load(x + 56));
        (a, b) = (a + b, a - b);
        (c, d) = (c + d, c - d);
        (e, f) = (e + f, e - f);
        (g, h) = (g + h, g - h);
        (a, c) = (a + c, a - c);
        (b, d) = (b + d, b - d);
        (e, g) = (e + g, e - g);
        (f, h) = (f + h, f - h);
        (a + e).Store(x);
        (b + f).Store(x + 8);
        (c + g).Store(x + 16);
        (d + h).Store(x + 24);
        (a - e).Store(x + 32);
        (b - f).Store(x + 40);
        (c - g).Store(x + 48);
        (d - h).Store(x + 56);
    }

    /// <summary>Distances 1, 2 and 4: the partner comes by a permutation, the sign of the upper one by a multiplication with ±1, which is exact.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> First8(Vector256<float> v)
    {
        v = Vector256.Create(1f, -1, 1, -1, 1, -1, 1, -1) * v + Vector256.Shuffle(v, Vector256.Create(1, 0, 3, 2, 5, 4, 7, 6));
        v = Vector256.Create(1f, 1, -1, -1, 1, 1, -1, -1) * v + Vector256.Shuffle(v, Vector256.Create(2, 3, 0, 1, 6, 7, 4, 5));
        return Vector256.Create(1f, 1, 1, 1, -1, -1, -1, -1) * v + Vector256.Shuffle(v, Vector256.Create(4, 5, 6, 7, 0, 1, 2, 3));
    }

    /// <summary>The steps of <paramref name="distance"/> and twice that.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void TwoSteps(float* x, int distance)
    {
        var a = Vector256.Load(x);
        var b = Vector256.Load(x + distance);
        var c = Vector256.Load(x + 2 * distance);
        var d = Vector256.Load(x + 3 * distance);
        (a, b) = (a + b, a - b);
        (c, d) = (c + d, c - d);
        (a + c).Store(x);
        (b + d).Store(x + distance);
        (a - c).Store(x + 2 * distance);
        (b - d).Store(x + 3 * distance);
    }
}
