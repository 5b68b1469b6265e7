using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Puff.Engine.Numerics;

/// <summary>
/// The three numbers kept beside a code, in eight bytes: the scale in 20 bits, and in the 12 bits that it leaves the error. With the code's centred digits v,
/// the centroid c and a query q, all rotated, the squared distance is about Add + |q-c|² + Scale · ⟨v,q⟩, and off by more than ε · Error · |q-c| only with
/// the probability that ε stands for (Gao and Long, RaBitQ, 2024; Gao et al., extended RaBitQ, 2025).
/// </summary>
internal readonly record struct CodeFactors(float Add, float Scale, float Error)
{
    // Outside of these bounds single precision has lost bits to underflow, or overflowed.
    private const float SmallestSquaredNorm = 1e-30f;
    private const float LargestSquaredNorm = 1e30f;

    // What rounding alone may do to 1 - a²: codes that happen to be exact still need a bound.
    private const double LeastVariance = 1.0 / (1 << 20);

    // Scales lose half a unit of their eleventh digit, relative to the product that they multiply; squared.
    private const double ScaleRounding = 1.0 / (1 << 24);

    private const uint ScaleBits = 0xFFFF_F000;
    private const uint ErrorBits = 0xFFF;
    private const int ErrorShift = 19;

    /// <summary>Says nothing about the vector: the lower bound is minus infinity, so that it always comes to the exact comparison.</summary>
    public static CodeFactors Unknown => new(0, 0, float.PositiveInfinity);

    /// <summary>Marks a lane without a vector.</summary>
    public static CodeFactors Empty => new(float.PositiveInfinity, 0, 0);

    /// <param name="padded">Dimensions of the residual.</param>
    /// <param name="squaredNorm">|r|² of the residual r.</param>
    /// <param name="alongCode">⟨v,r⟩.</param>
    /// <param name="centroidAlongCode">⟨v,c⟩.</param>
    /// <param name="codeSquaredNorm">|v|².</param>
    public static CodeFactors Create(int padded, float squaredNorm, float alongCode, double centroidAlongCode, double codeSquaredNorm)
    {
        if (squaredNorm < SmallestSquaredNorm)
        {
            // A residual without direction. By the triangle inequality the squared distance differs from |q-c|² by at most 2|r||q-c| + |r|².
            return double.IsFinite(centroidAlongCode) ? new CodeFactors(squaredNorm, 0, RoundUp(4 * MathF.Sqrt(squaredNorm))) : Unknown;
        }

        // Written so that numbers which are none fail the comparisons.
        if (!(squaredNorm <= LargestSquaredNorm) || !(alongCode > 0))
        {
            return Unknown;
        }

        // Rounded before anything is computed with it: what the scale loses, the addend makes up for.
        float scale = RoundScale(-2 * (double)squaredNorm / alongCode);
        double cosine = (double)alongCode * alongCode / (squaredNorm * codeSquaredNorm);
        double variance = Math.Max(1 - cosine, LeastVariance) / cosine;
        double error = 2 * Math.Sqrt(squaredNorm * (variance / (padded - 1) + ScaleRounding / cosine));
        double add = squaredNorm - scale * centroidAlongCode;
        return Math.Abs(add) <= LargestSquaredNorm && error <= LargestSquaredNorm
            ? new CodeFactors((float)add, scale, RoundUp((float)error))
            : Unknown;
    }

    /// <summary>Scale and error, both as <see cref="Create"/> rounds them.</summary>
    public uint Pack() => BitConverter.SingleToUInt32Bits(Scale) & ScaleBits | BitConverter.SingleToUInt32Bits(Error) >> ErrorShift;

    public static CodeFactors Unpack(float add, uint packed) => new(
        add, BitConverter.UInt32BitsToSingle(packed & ScaleBits), BitConverter.UInt32BitsToSingle((packed & ErrorBits) << ErrorShift));

    /// <summary>Scales of eight lanes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Scales(Vector256<uint> packed) => (packed & Vector256.Create(ScaleBits)).AsSingle();

    /// <summary>Errors of eight lanes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Errors(Vector256<uint> packed) => ((packed & Vector256.Create(ErrorBits)) << ErrorShift).AsSingle();

    /// <inheritdoc cref="Scales(Vector256{uint})"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Scales(Vector512<uint> packed) => (packed & Vector512.Create(ScaleBits)).AsSingle();

    /// <inheritdoc cref="Errors(Vector256{uint})"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Errors(Vector512<uint> packed) => ((packed & Vector512.Create(ErrorBits)) << ErrorShift).AsSingle();

    private static float RoundScale(double scale) =>
        BitConverter.UInt32BitsToSingle(BitConverter.SingleToUInt32Bits((float)scale) + ((ErrorBits + 1) / 2) & ScaleBits);

    /// <summary>An error is a bound: never down.</summary>
    private static float RoundUp(float error) =>
        BitConverter.UInt32BitsToSingle(BitConverter.SingleToUInt32Bits(error) + (1u << ErrorShift) - 1 >> ErrorShift << ErrorShift);
}
