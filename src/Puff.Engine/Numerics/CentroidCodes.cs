using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Puff.Engine.Numerics;

/// <summary>
/// Centroids with 8 bits a dimension, for ranking the clusters that a query may have to visit: a quarter of the bytes of singles and three times as fast.
/// The bytes are differences from the mean of all centroids, each row with a step of its own. In memory only, never changed: any number of threads may read.
/// </summary>
internal sealed unsafe class CentroidCodes : IDisposable
{
    private const int RowsAhead = 4;
    private const int CacheLine = 64;

    // A byte times this, summed over the most dimensions that a vector can have (10,752), stays below 2^31.
    private const float LargestElement = 1023;
    private const float LargestByte = 127;

    private readonly int padded;
    private readonly sbyte* codes;
    private readonly float* steps;
    private readonly float* squaredNorms;
    private readonly float* mean;
    private bool disposed;

    private CentroidCodes(int count, int padded)
    {
        this.padded = padded;
        Count = count;
        Bytes = (long)count * (padded + 2 * sizeof(float)) + padded * sizeof(float);
        mean = (float*)NativeMemory.AlignedAlloc((nuint)Bytes, CacheLine);
        codes = (sbyte*)(mean + padded);
        steps = (float*)(codes + (long)count * padded);
        squaredNorms = steps + count;
    }

    ~CentroidCodes() => Free();

    public int Count { get; }

    public long Bytes { get; }

    /// <summary>Encodes centroids.</summary>
    /// <param name="rows">The first of them; finite numbers.</param>
    /// <param name="count">At least 1.</param>
    /// <param name="padded">Dimensions, a multiple of 64, at most 10,752.</param>
    /// <param name="stride">Elements from the start of one row to the start of the next.</param>
    public static CentroidCodes Create(float* rows, int count, int padded, long stride)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        if (padded is < 64 or > 10_752 || padded % 64 != 0)
        {
            throw new ArgumentOutOfRangeException(nameof(padded), padded, "rotated vectors have a multiple of 64 dimensions, at most 10,752");
        }

        var result = new CentroidCodes(count, padded);
        result.ComputeMean(rows, stride);
        for (int row = 0; row < count; row++)
        {
            result.Encode(rows + row * stride, row);
        }

        return result;
    }

    /// <summary>|c-q|² of chosen centroids, good to about a hundredth of |c-m||q-m|/√D where m is the mean of all centroids; never
    /// negative, and infinite where single precision overflows.</summary>
    /// <param name="rotated">The query, rotated as the centroids are.</param>
    /// <param name="rows">Numbers of centroids.</param>
    /// <param name="squaredDistances">Receives as many.</param>
    public void Distances(float* rotated, ReadOnlySpan<int> rows, Span<float> squaredDistances)
    {
        short* query = stackalloc short[padded];
        float step = Quantize(rotated, query, out float squaredNorm);
        for (int i = 0; i < rows.Length; i++)
        {
            if (Sse.IsSupported && i + RowsAhead < rows.Length)
            {
                Prefetch(codes + (long)rows[i + RowsAhead] * padded);
            }

            int row = rows[i];
            int dot = ByteDot.Compute(codes + (long)row * padded, query, padded);
            float distance = squaredNorms[row] + squaredNorm - 2 * (steps[row] * step * dot);
            squaredDistances[i] = float.IsNaN(distance) ? float.PositiveInfinity : Math.Max(0, distance);
        }

        GC.KeepAlive(this);
    }

    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private void ComputeMean(float* rows, long stride)
    {
        NativeMemory.Clear(mean, (nuint)padded * sizeof(float));

        // Divided first, so that large centroids do not overflow.
        var weight = Vector256.Create(1f / Count);
        for (int row = 0; row < Count; row++)
        {
            float* centroid = rows + row * stride;
            for (int i = 0; i < padded; i += Vector256<float>.Count)
            {
                (Vector256.Load(mean + i) + Vector256.Load(centroid + i) * weight).Store(mean + i);
            }
        }
    }

    private void Encode(float* centroid, int row)
    {
        float largest = LargestDifference(centroid, out squaredNorms[row]);
        float inverseStep = InverseStep(LargestByte, largest);
        sbyte* code = codes + (long)row * padded;
        for (int i = 0; i < padded; i += 32)
        {
            var low = Vector256.Narrow(Steps(centroid, i, inverseStep), Steps(centroid, i + 8, inverseStep));
            var high = Vector256.Narrow(Steps(centroid, i + 16, inverseStep), Steps(centroid, i + 24, inverseStep));
            Vector256.Narrow(low, high).Store(code + i);
        }

        steps[row] = largest / LargestByte;
    }

    /// <summary>The query's difference from the mean, in steps; returns the step.</summary>
    private float Quantize(float* rotated, short* query, out float squaredNorm)
    {
        float largest = LargestDifference(rotated, out squaredNorm);
        float inverseStep = InverseStep(LargestElement, largest);
        for (int i = 0; i < padded; i += 16)
        {
            Vector256.Narrow(Steps(rotated, i, inverseStep), Steps(rotated, i + 8, inverseStep)).Store(query + i);
        }

        return largest / LargestElement;
    }

    private static float InverseStep(float steps, float largest) => largest > 0 && float.IsFinite(steps / largest) ? steps / largest : 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Vector256<int> Steps(float* vector, int start, float inverseStep) =>
        Vector256.ConvertToInt32Native(Vector256.Round((Vector256.Load(vector + start) - Vector256.Load(mean + start)) * inverseStep));

    private float LargestDifference(float* vector, out float squaredNorm)
    {
        Vector256<float> largest = default, squares = default;
        for (int i = 0; i < padded; i += Vector256<float>.Count)
        {
            var difference = Vector256.Load(vector + i) - Vector256.Load(mean + i);
            largest = Vector256.MaxNative(largest, Vector256.Abs(difference));
            squares = Vector256.MultiplyAddEstimate(difference, difference, squares);
        }

        squaredNorm = Vector256.Sum(squares);
        float result = 0;
        for (int i = 0; i < Vector256<float>.Count; i++)
        {
            result = Math.Max(result, largest[i]);
        }

        return result;
    }

    private void Prefetch(sbyte* row)
    {
        for (int i = 0; i < padded; i += CacheLine)
        {
            Sse.Prefetch0(row + i);
        }
    }

    private void Free()
    {
        if (!disposed)
        {
            disposed = true;
            NativeMemory.AlignedFree(mean);
        }
    }
}
