using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Puff.Engine.Numerics;

/// <summary>
/// A seeded random orthogonal transform, after which the coordinates of any vector are about equally large, as the codes need it. Four rounds of random
/// signs, a fast Hadamard transform of the first or last 2^k coordinates in turn and, unless that is all of them, a Givens rotation by 45° of each coordinate
/// with the one half the dimensions away (Ailon and Chazelle's fast Johnson-Lindenstrauss transform, with steps of Kac's walk for other lengths). Vectors are
/// padded with zeros to a multiple of 64 dimensions first. The same seed gives the same transform, bit for bit, on every machine. Any number of threads may
/// apply it.
/// </summary>
internal sealed unsafe class RandomRotation
{
    private const int Rounds = 4;
    private const float Diagonal = 0.70710678f; // the sine and cosine of 45°

    private readonly uint[] signs;
    private readonly int hadamard;
    private readonly float hadamardScale;

    /// <param name="dimensions">At least 1.</param>
    public RandomRotation(int dimensions, ulong seed)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(dimensions, 1);
        Dimensions = dimensions;
        PaddedDimensions = (dimensions + 63) / 64 * 64;
        hadamard = 1 << BitOperations.Log2((uint)PaddedDimensions);
        hadamardScale = (float)(1 / Math.Sqrt(hadamard));
        signs = GC.AllocateUninitializedArray<uint>(Rounds * PaddedDimensions, pinned: true);
        for (int i = 0; i < signs.Length; i++)
        {
            signs[i] = (uint)(Mix(seed, (ulong)(i / 64)) >> (i % 64)) << 31;
        }
    }

    public int Dimensions { get; }

    /// <summary><see cref="Dimensions"/> rounded up to a multiple of 64.</summary>
    public int PaddedDimensions { get; }

    /// <summary>Transforms one vector. Lengths and distances stay as they are, but for rounding.</summary>
    /// <param name="source"><see cref="Dimensions"/> numbers.</param>
    /// <param name="destination">Receives <see cref="PaddedDimensions"/> numbers; must not overlap the source.</param>
    public void Apply(float* source, float* destination)
    {
        NativeMemory.Copy(source, destination, (nuint)Dimensions * sizeof(float));
        NativeMemory.Clear(destination + Dimensions, (nuint)(PaddedDimensions - Dimensions) * sizeof(float));
        fixed (uint* pinned = signs)
        {
            for (int round = 0; round < Rounds; round++)
            {
                float* part = round % 2 == 0 ? destination : destination + PaddedDimensions - hadamard;
                FlipSigns(destination, pinned + round * PaddedDimensions, PaddedDimensions);
                HadamardTransform.Apply(part, hadamard);
                Scale(part, hadamardScale, hadamard);

                // Where the Hadamard transform takes all coordinates, this would only undo its last step.
                if (hadamard != PaddedDimensions)
                {
                    Givens(destination, destination + PaddedDimensions / 2, PaddedDimensions / 2);
                }
            }
        }
    }

    /// <summary>The same with plain loops: what <see cref="Apply"/> is tested against, bit for bit.</summary>
    internal void ApplyScalar(ReadOnlySpan<float> source, Span<float> destination)
    {
        destination.Clear();
        source.CopyTo(destination);
        int half = PaddedDimensions / 2;
        for (int round = 0; round < Rounds; round++)
        {
            for (int i = 0; i < PaddedDimensions; i++)
            {
                destination[i] = signs[round * PaddedDimensions + i] == 0 ? destination[i] : -destination[i];
            }

            Span<float> part = round % 2 == 0 ? destination[..hadamard] : destination[(PaddedDimensions - hadamard)..];
            fixed (float* pinned = part)
            {
                HadamardTransform.Scalar(pinned, hadamard);
            }

            for (int i = 0; i < hadamard; i++)
            {
                part[i] *= hadamardScale;
            }

            for (int i = 0; i < half && hadamard != PaddedDimensions; i++)
            {
                (float u, float v) = (destination[i], destination[i + half]);
                (destination[i], destination[i + half]) = ((u + v) * Diagonal, (u - v) * Diagonal);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FlipSigns(float* x, uint* signs, int count)
    {
        for (int i = 0; i < count; i += Vector256<uint>.Count)
        {
            (Vector256.Load((uint*)x + i) ^ Vector256.Load(signs + i)).Store((uint*)x + i);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Scale(float* x, float factor, int count)
    {
        for (int i = 0; i < count; i += Vector256<float>.Count)
        {
            (Vector256.Load(x + i) * factor).Store(x + i);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Givens(float* x, float* y, int count)
    {
        for (int i = 0; i < count; i += Vector256<float>.Count)
        {
            var u = Vector256.Load(x + i);
            var v = Vector256.Load(y + i);
            ((u + v) * Diagonal).Store(x + i);
            ((u - v) * Diagonal).Store(y + i);
        }
    }

    /// <summary>One number of the SplitMix64 sequence (Steele, Lea and Flood): platform-independent, as the transform has to be.</summary>
    private static ulong Mix(ulong seed, ulong index)
    {
        ulong z = seed + (index + 1) * 0x9E37_79B9_7F4A_7C15;
        z = (z ^ (z >> 30)) * 0xBF58_476D_1CE4_E5B9;
        z = (z ^ (z >> 27)) * 0x94D0_49BB_1331_11EB;
        return z ^ (z >> 31);
    }
}
