using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Puff.Engine.Numerics;

/// <summary>
/// A rotated query, prepared for codes of any centroid: look-up tables of 7 bits for <see cref="BinaryCodes"/>, elements of 8 bits for
/// <see cref="OctalCodes"/>. Prepared again for every query. Not for several threads at once.
/// </summary>
internal sealed unsafe class CodeQuery : IDisposable
{
    // Standard deviation of a rounding error in units of the step: 1/√12.
    private const double RoundingDeviation = 0.29;

    // |v| of a 3-bit code is about 1.67√D, and hardly ever more than this.
    private const double OctalNorm = 1.8;

    // What single precision may lose where large terms cancel: of the terms, and of the |q-c|² given.
    internal const float TermRounding = 1f / (1 << 21);
    private const float DistanceRounding = 1f / (1 << 20);

    // Squares below this have lost bits to underflow; distances so small all survive.
    private const float SmallestSquare = 1e-30f;
    private const float LargestSquare = 1e30f;

    private static long preparations;

    private readonly int padded;
    private readonly byte* tables;
    private readonly sbyte* elements;
    private readonly sbyte* groupedElements;
    private bool disposed;

    // ⟨v,q⟩ of a binary code is sum × tableStep + tableBias. Of the two errors the first is a standard deviation, the second a limit.
    private float tableStep;
    private float tableBias;
    private float tableError;
    private float tableRounding;

    // ⟨v,q⟩ of an octal code is elementStep × (sum - elementBias).
    private float elementStep;
    private float elementBias;
    private float elementError;
    private float elementRounding;

    /// <param name="padded">Dimensions of rotated vectors, a multiple of 64.</param>
    public CodeQuery(int padded)
    {
        if (padded < 64 || padded % 64 != 0)
        {
            throw new ArgumentOutOfRangeException(nameof(padded), padded, "rotated vectors have a multiple of 64 dimensions");
        }

        this.padded = padded;
        Rotated = (float*)NativeMemory.AlignedAlloc((nuint)padded * (sizeof(float) + 4 + 1 + 1), 64);
        tables = (byte*)(Rotated + padded);
        elements = (sbyte*)(tables + 4 * padded);
        groupedElements = elements + padded;
        NativeMemory.Clear(Rotated, (nuint)padded * (sizeof(float) + 4 + 1 + 1));
    }

    ~CodeQuery() => Free();

    public int PaddedDimensions => padded;

    /// <summary>The query as it was given.</summary>
    public float* Rotated { get; }

    public float SquaredNorm { get; private set; }

    /// <summary>Differs from query to query, of all objects in this process: what was computed for one can be told from what was for another.</summary>
    public long Preparation { get; private set; }

    /// <summary>How many standard deviations of the codes' error the bounds allow for.</summary>
    public float Epsilon { get; set; } = 1.9f;

    /// <summary>Takes over a query. One whose squared norm single precision does not hold makes every vector a candidate.</summary>
    /// <param name="rotated"><see cref="PaddedDimensions"/> numbers. Copied.</param>
    public void Prepare(float* rotated)
    {
        if (rotated != Rotated)
        {
            NativeMemory.Copy(rotated, Rotated, (nuint)padded * sizeof(float));
        }

        Preparation = Interlocked.Increment(ref preparations);
        SquaredNorm = DotProduct.Compute<F32Element>((byte*)Rotated, Rotated, padded);
        bool usable = SquaredNorm <= LargestSquare;
        var (sum, absoluteSum, largest, range) = QueryElements.Measure(Rotated, padded);
        PrepareTables(usable, sum, absoluteSum, range);
        PrepareElements(usable, absoluteSum, largest);
    }

    /// <summary>
    /// Estimates |x-q|² for the vectors of a block of <see cref="BinaryCodes"/>. Numbers that are none never drop a candidate.
    /// </summary>
    /// <param name="centroidSquaredDistance">|q-c|² of the block's centroid, exact but for rounding.</param>
    /// <param name="lanes">The lanes that are asked about, a bit each.</param>
    /// <param name="threshold">Largest lower bound that is still of interest.</param>
    /// <param name="estimates">32 numbers: filled at least where the result has bits.</param>
    /// <param name="bounds">32 lower bounds: filled as the estimates. The upper bound is as far from the estimate.</param>
    /// <returns>The lanes whose lower bound is not above the threshold.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    [SkipLocalsInit]
    public uint Scan(byte* block, float centroidSquaredDistance, uint lanes, float threshold, float* estimates, float* bounds)
    {
        float* sums = stackalloc float[BinaryCodes.BlockVectors];
        new Span<float>(sums, BinaryCodes.BlockVectors).Clear();
        byte* codes = block + BinaryCodes.FactorBytes;
        int count = padded / 4;
        for (int t = 0; t < count; t += FastScan.MaxTables)
        {
            int offset = t * BinaryCodes.TableBytes;
            FastScan.Add(codes + offset, tables + offset, Math.Min(count - t, FastScan.MaxTables), sums);
        }

        return new ScanBounds
        {
            TableStep = tableStep,
            TableBias = tableBias,
            TableError = Epsilon * tableError + tableRounding,
            Distance = centroidSquaredDistance,
            Spread = Epsilon * MathF.Sqrt(centroidSquaredDistance),
            DistanceSlack = centroidSquaredDistance * DistanceRounding + SmallestSquare,
            Threshold = threshold,
        }.Apply((float*)block, sums, lanes, estimates, bounds);
    }

    /// <summary>Estimates |x-q|² for a row of <see cref="OctalCodes"/>; it lies within estimate ± error as likely as <see cref="Epsilon"/> says.</summary>
    /// <param name="centroidSquaredDistance">|q-c|² of the row's centroid, exact but for rounding.</param>
    /// <param name="error">Positive infinity when the code says nothing.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Octal(byte* row, float centroidSquaredDistance, out float estimate, out float error)
    {
        int sum = OctalDot.Compute(row, elements, groupedElements, padded);
        var factors = OctalCodes.Factors(row, padded);
        estimate = factors.Add + centroidSquaredDistance + factors.Scale * (elementStep * (sum - elementBias));
        error = Epsilon * (factors.Error * MathF.Sqrt(centroidSquaredDistance) + MathF.Abs(factors.Scale) * elementError)
            + MathF.Abs(factors.Scale) * elementRounding
            + MathF.Abs(factors.Add) * TermRounding
            + (centroidSquaredDistance * DistanceRounding + SmallestSquare);
        error = float.IsNaN(error) ? float.PositiveInfinity : error;
    }

    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private void PrepareTables(bool usable, double sum, double absoluteSum, float range)
    {
        bool any = usable && range >= SmallestSquare;
        tableStep = any ? range / LookUpTables.MaxEntry : 0;
        if (any)
        {
            LookUpTables.Fill(Rotated, padded, LookUpTables.MaxEntry / range, tables);
        }
        else
        {
            NativeMemory.Clear(tables, (nuint)padded * 4);
        }

        // All tables' least entries add up to the sum of the negative elements, (sum - absoluteSum) / 2; a clear bit stands for -½.
        tableBias = usable ? (float)((any ? (sum - absoluteSum) / 2 : 0) - sum / 2) : 0;
        tableError = (float)(RoundingDeviation * tableStep * Math.Sqrt(padded / 4.0));
        tableRounding = usable ? (float)(absoluteSum * (any ? TermRounding : 1)) : float.PositiveInfinity;
    }

    private void PrepareElements(bool usable, double absoluteSum, float largest)
    {
        bool any = usable && largest >= SmallestSquare;
        elementStep = any ? largest / QueryElements.MaxElement : 0;
        int sum = 0;
        if (any)
        {
            sum = QueryElements.Round(Rotated, padded, QueryElements.MaxElement / largest, elements);
        }
        else
        {
            NativeMemory.Clear(elements, (nuint)padded);
        }

        OctalDot.Group(elements, groupedElements, padded);
        elementBias = 3.5f * sum;
        elementError = (float)(RoundingDeviation * elementStep * OctalNorm * Math.Sqrt(padded));
        elementRounding = usable ? (float)(absoluteSum * (any ? 4 * TermRounding : 4)) : float.PositiveInfinity;
    }

    private void Free()
    {
        if (!disposed)
        {
            disposed = true;
            NativeMemory.AlignedFree(Rotated);
        }
    }
}
