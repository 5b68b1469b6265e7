using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Puff.Engine.Numerics;

/// <summary>Turns the table sums of a block of <see cref="BinaryCodes"/> into estimates of |x-q|² and lower bounds of it.</summary>
internal readonly unsafe ref struct ScanBounds
{
    /// <summary>⟨v,q⟩ is the sum of a lane times this, plus <see cref="TableBias"/>.</summary>
    public required float TableStep { get; init; }

    public required float TableBias { get; init; }

    /// <summary>How far off ⟨v,q⟩ may be because of the tables.</summary>
    public required float TableError { get; init; }

    /// <summary>|q-c|².</summary>
    public required float Distance { get; init; }

    /// <summary>ε |q-c|.</summary>
    public required float Spread { get; init; }

    /// <summary>What rounding may have done to <see cref="Distance"/>.</summary>
    public required float DistanceSlack { get; init; }

    public required float Threshold { get; init; }

    /// <summary>The lanes asked for whose lower bound is not above the threshold.</summary>
    /// <param name="factors">Those of the block: the addends of 32 lanes, then the rest of the factors.</param>
    /// <param name="estimates">Filled, as <paramref name="bounds"/>, at least for the lanes returned.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public uint Apply(float* factors, float* sums, uint lanes, float* estimates, float* bounds)
    {
        uint kept = 0;
        if (Vector512.IsHardwareAccelerated)
        {
            kept = Bound512(factors, sums, lanes & 0xFFFF, estimates, bounds);
            return kept | Bound512(factors + 16, sums + 16, lanes >> 16, estimates + 16, bounds + 16) << 16;
        }

        for (int lane = 0; lane < BinaryCodes.BlockVectors; lane += Vector256<float>.Count)
        {
            kept |= Bound256(factors + lane, sums + lane, lanes >> lane & 0xFF, estimates + lane, bounds + lane) << lane;
        }

        return kept;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal uint Bound512(float* factors, float* sums, uint lanes, float* estimates, float* bounds)
    {
        var add = Vector512.Load(factors);
        var packed = Vector512.Load((uint*)factors + BinaryCodes.BlockVectors);
        var scale = CodeFactors.Scales(packed);
        var error = CodeFactors.Errors(packed);
        var estimate = scale * (Vector512.Load(sums) * TableStep + Vector512.Create(TableBias)) + (add + Vector512.Create(Distance));
        var slack = error * Spread
            + (Vector512.Abs(scale) * TableError + (Vector512.Abs(add) * CodeQuery.TermRounding + Vector512.Create(DistanceSlack)));
        var bound = estimate - slack;

        // Written so that a bound which is not a number stays a candidate, and an empty lane, whose first factor is infinite, never is one.
        var dropped = Vector512.GreaterThan(bound, Vector512.Create(Threshold)) | Vector512.Equals(add, Vector512.Create(float.PositiveInfinity));
        uint kept = (uint)~dropped.ExtractMostSignificantBits() & lanes;
        if (kept != 0)
        {
            estimate.Store(estimates);
            Vector512.ConditionalSelect(Vector512.Equals(bound, bound), bound, Vector512.Create(float.NegativeInfinity)).Store(bounds);
        }

        return kept;
    }

    /// <summary>The same operations in the same order: the same bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal uint Bound256(float* factors, float* sums, uint lanes, float* estimates, float* bounds)
    {
        var add = Vector256.Load(factors);
        var packed = Vector256.Load((uint*)factors + BinaryCodes.BlockVectors);
        var scale = CodeFactors.Scales(packed);
        var error = CodeFactors.Errors(packed);
        var estimate = scale * (Vector256.Load(sums) * TableStep + Vector256.Create(TableBias)) + (add + Vector256.Create(Distance));
        var slack = error * Spread
            + (Vector256.Abs(scale) * TableError + (Vector256.Abs(add) * CodeQuery.TermRounding + Vector256.Create(DistanceSlack)));
        var bound = estimate - slack;
        var dropped = Vector256.GreaterThan(bound, Vector256.Create(Threshold)) | Vector256.Equals(add, Vector256.Create(float.PositiveInfinity));
        uint kept = ~dropped.ExtractMostSignificantBits() & lanes;
        if (kept != 0)
        {
            estimate.Store(estimates);
            Vector256.ConditionalSelect(Vector256.Equals(bound, bound), bound, Vector256.Create(float.NegativeInfinity)).Store(bounds);
        }

        return kept;
    }

    /// <summary>The plain loop: what the others are tested against, bit for bit.</summary>
    internal uint Scalar(float* factors, float* sums, uint lanes, float* estimates, float* bounds)
    {
        uint kept = 0;
        for (int lane = 0; lane < BinaryCodes.BlockVectors; lane++)
        {
            var (add, scale, error) = CodeFactors.Unpack(factors[lane], ((uint*)factors)[lane + BinaryCodes.BlockVectors]);
            float estimate = scale * (sums[lane] * TableStep + TableBias) + (add + Distance);
            float slack = error * Spread + (Math.Abs(scale) * TableError + (Math.Abs(add) * CodeQuery.TermRounding + DistanceSlack));
            float bound = estimate - slack;
            kept |= bound > Threshold || float.IsPositiveInfinity(add) ? 0 : 1u << lane;
            estimates[lane] = estimate;
            bounds[lane] = float.IsNaN(bound) ? float.NegativeInfinity : bound;
        }

        return kept & lanes;
    }
}
