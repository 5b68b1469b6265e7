using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;

namespace Puff.Engine.Numerics;

/// <summary>
/// Exact distances between one query and stored vectors of one element type: squared Euclidean, or cosine distance 1 - q·x / (|q| |x|), which lies in 0..2.
/// A zero vector on either side of a cosine gives 1. Distances are finite: what exceeds single precision becomes its largest number.
/// A vector that equals the query has distance 0 exactly. Immutable, so any number of threads may use it until it is disposed of.
/// </summary>
internal sealed unsafe class ExactScorer : IDisposable
{
    // The hardware prefetcher stops at page boundaries; asking this far ahead keeps the stream flowing over them.
    private const int PrefetchDistance = 4_096;
    private const int CacheLine = 64;
    private const int RowsAhead = 4;

    // Outside of these bounds a squared norm in single precision has lost bits to underflow, or overflowed.
    private const float SmallestSafeNorm = 1e-30f;
    private const float LargestSafeNorm = 1e30f;

    private readonly ElementType type;
    private readonly bool cosine;
    private readonly int dimensions;
    private readonly float queryNorm;
    private float* query;

    private ExactScorer(ElementType type, int dimensions, bool cosine, ReadOnlySpan<float> query)
    {
        this.type = type;
        this.dimensions = dimensions;
        this.cosine = cosine;
        this.query = (float*)NativeMemory.AlignedAlloc((nuint)dimensions * sizeof(float), CacheLine);
        query.CopyTo(new Span<float>(this.query, dimensions));
        if (cosine)
        {
            ScaleToOne(new Span<float>(this.query, dimensions));
            queryNorm = DotAndNorm.Compute<F32Element>((byte*)this.query, this.query, dimensions).SquaredNorm;
        }
    }

    ~ExactScorer() => NativeMemory.AlignedFree(query);

    /// <param name="type">How the rows are stored.</param>
    /// <param name="dimensions">At least 1.</param>
    /// <param name="cosine">Cosine distance; otherwise squared Euclidean.</param>
    /// <param name="query">As many finite numbers as there are dimensions. Copied.</param>
    public static ExactScorer Create(ElementType type, int dimensions, bool cosine, ReadOnlySpan<float> query)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(dimensions, 1);
        if (query.Length != dimensions)
        {
            throw new ArgumentException($"the query has {query.Length} dimensions, the column {dimensions}", nameof(query));
        }

        type.Bytes(); // refuses an unknown type here instead of in the middle of a scan
        return new ExactScorer(type, dimensions, cosine, query);
    }

    public void Dispose()
    {
        NativeMemory.AlignedFree(query);
        query = null;
        GC.SuppressFinalize(this);
    }

    /// <summary>The distance to one row, at any address.</summary>
    public float Distance(byte* row) => type switch
    {
        ElementType.F32 => Distance<F32Element>(row),
        ElementType.F16 => Distance<F16Element>(row),
        _ => Distance<I8Element>(row),
    };

    /// <summary>Asks for a row that will be measured soon.</summary>
    public void Prefetch(byte* row) => Prefetch(row, dimensions * type.Bytes());

    /// <summary>The distances to <paramref name="count"/> rows that begin <paramref name="strideBytes"/> apart, at memory speed.</summary>
    public void Distances(byte* rows, long strideBytes, int count, Span<float> destination)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, destination.Length);
        destination = destination[..count];
        switch (type)
        {
            case ElementType.F32:
                Scan<F32Element>(rows, strideBytes, destination);
                break;
            case ElementType.F16:
                Scan<F16Element>(rows, strideBytes, destination);
                break;
            default:
                Scan<I8Element>(rows, strideBytes, destination);
                break;
        }
    }

    /// <summary>The distances to chosen rows, of which number n begins n × <paramref name="strideBytes"/> after <paramref name="rows"/>.</summary>
    public void Distances(byte* rows, long strideBytes, ReadOnlySpan<int> indices, Span<float> destination)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(indices.Length, destination.Length);
        int rowBytes = dimensions * type.Bytes();
        for (int i = 0; i < indices.Length; i++)
        {
            if (i + RowsAhead < indices.Length)
            {
                Prefetch(rows + indices[i + RowsAhead] * strideBytes, rowBytes);
            }

            destination[i] = Distance(rows + indices[i] * strideBytes);
        }
    }

    private void Scan<TElement>(byte* rows, long strideBytes, Span<float> destination)
        where TElement : struct, IElement
    {
        int rowBytes = dimensions * TElement.Bytes;
        byte* row = rows;
        for (int i = 0; i < destination.Length; i++)
        {
            Prefetch(row + PrefetchDistance, rowBytes);
            destination[i] = Distance<TElement>(row);
            row += strideBytes;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private float Distance<TElement>(byte* row)
        where TElement : struct, IElement
    {
        if (!cosine)
        {
            return MathF.Min(SquaredEuclidean.Compute<TElement>(row, query, dimensions), float.MaxValue);
        }

        var (dot, norm) = DotAndNorm.Compute<TElement>(row, query, dimensions);
        return norm is >= SmallestSafeNorm and <= LargestSafeNorm ? Cosine(dot, norm) : CosineOfExtremes<TElement>(row);
    }

    /// <summary>For rows whose norm single precision cannot hold, among them zero vectors.</summary>
    private float CosineOfExtremes<TElement>(byte* row)
        where TElement : struct, IElement
    {
        var (dot, norm) = DotAndNorm.Scalar<TElement>(row, query, dimensions);
        return Cosine(dot, norm);
    }

    // The root of the product, not the product of roots: for equal vectors it is the root of a square, which is exact.
    private float Cosine(double dot, double norm)
    {
        double product = queryNorm * norm;
        return product == 0 ? 1 : (float)Math.Clamp(1 - dot / Math.Sqrt(product), 0, 2);
    }

    /// <summary>Multiplies by a power of two, which costs no precision and leaves cosines alone, so that the norm can neither overflow nor underflow.</summary>
    private static void ScaleToOne(Span<float> vector)
    {
        float largest = MathF.Abs(TensorPrimitives.MaxMagnitude<float>(vector));
        if (largest == 0)
        {
            return;
        }

        int exponent = -MathF.ILogB(largest);
        for (int i = 0; i < vector.Length; i++)
        {
            vector[i] = MathF.ScaleB(vector[i], exponent);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Prefetch(byte* address, int bytes)
    {
        if (Sse.IsSupported)
        {
            for (int offset = 0; offset < bytes; offset += CacheLine)
            {
                Sse.Prefetch0(address + offset);
            }
        }
    }
}
