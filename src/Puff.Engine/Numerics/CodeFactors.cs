namespace Puff.Engine.Numerics;

/// <summary>
/// The three numbers kept beside a code. With the code's centred digits v, the centroid c and a query q, all rotated, the squared distance is about
/// Add + |q-c|² + Scale · ⟨v,q⟩, and off by more than ε · Error · |q-c| only with the probability that ε stands for (Gao and Long, RaBitQ, 2024; Gao et al.,
/// extended RaBitQ, 2025).
/// </summary>
internal readonly record struct CodeFactors(float Add, float Scale, float Error)
{
    // Outside of these bounds single precision has lost bits to underflow, or overflowed.
    private const float SmallestSquaredNorm = 1e-30f;
    private const float LargestSquaredNorm = 1e30f;

    // What rounding alone may do to 1 - a²: codes that happen to be exact still need a bound.
    private const double LeastVariance = 1.0 / (1 << 20);

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
            return double.IsFinite(centroidAlongCode) ? new CodeFactors(squaredNorm, 0, 4 * MathF.Sqrt(squaredNorm)) : Unknown;
        }

        // Written so that numbers which are none fail the comparisons.
        if (!(squaredNorm <= LargestSquaredNorm) || !(alongCode > 0))
        {
            return Unknown;
        }

        double length = (double)squaredNorm / alongCode;
        double cosine = (double)alongCode * alongCode / (squaredNorm * codeSquaredNorm);
        double variance = Math.Max(1 - cosine, LeastVariance) / cosine;
        double error = 2 * Math.Sqrt(squaredNorm * variance / (padded - 1));
        double add = squaredNorm + 2 * length * centroidAlongCode;
        return Math.Abs(add) <= LargestSquaredNorm && error <= LargestSquaredNorm
            ? new CodeFactors((float)add, (float)(-2 * length), (float)error)
            : Unknown;
    }
}
