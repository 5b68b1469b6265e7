using System.Runtime.InteropServices;
using Puff.Engine.Encoding;
using Puff.Engine.Formats;
using Puff.Engine.Numerics;
using Puff.Engine.Schema;

namespace Puff.Engine.Vectors;

/// <summary>
/// The dot products of some documents with a sparse query, from an index, and equal to <see cref="SparseDotProduct"/> to the last bit: in double precision,
/// added in the order of the keys. Owns unmanaged scratch memory; for one thread.
/// </summary>
internal sealed unsafe class SparseScorer : IDisposable
{
    /// <summary>Documents of a dense range. Measured: the fixed costs of a window outweigh what smaller sums gain by staying in the first cache.</summary>
    public const int WindowDocuments = 16_384;

    /// <summary>
    /// Weights of the query are scaled to be below 2 and, where they are tiny, raised to this, so that no approximate score overflows or underflows.
    /// </summary>
    private const float LeastScaled = 7.888609e-31f; // 2^-100

    private const int DenseDocuments = 96;
    private const int ListBytes = PackedIntegers.BlockLength * (sizeof(int) + sizeof(float));

    private readonly SparseCursor[] cursors;
    private void* scratch;
    private double* window;

    /// <param name="index">The index of one set.</param>
    /// <param name="query">Keys in ascending bytewise order, finite weights.</param>
    /// <param name="counters">What is done is added to it.</param>
    public SparseScorer(SparseIndex index, SparseVector query, SparseCounters counters)
    {
        Counters = counters;
        counters.Searches++;
        Scale = ScaleOf(query.Weights);
        var terms = new List<(int Dimension, float Weight)>(query.Keys.Length);
        for (int i = 0; i < query.Keys.Length; i++)
        {
            int dimension = query.Weights[i] == 0 ? -1 : index.Find(query.Keys[i]);
            if (dimension >= 0)
            {
                terms.Add((dimension, query.Weights[i]));
            }
        }

        scratch = NativeMemory.AlignedAlloc((nuint)(terms.Count * ListBytes), 64);
        cursors = new SparseCursor[terms.Count];
        for (int i = 0; i < cursors.Length; i++)
        {
            cursors[i] = Open(index, terms[i].Dimension, terms[i].Weight, (byte*)scratch + i * ListBytes);
        }
    }

    ~SparseScorer() => Free();

    public SparseCounters Counters { get; }

    /// <summary>A power of two: what scaled units are of the true ones.</summary>
    public double Scale { get; }

    /// <summary>In the order of their keys, which is the order of summation.</summary>
    public ReadOnlySpan<SparseCursor> Cursors => cursors;

    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    /// <summary>Overwrites the scores; 0 where no dimension is shared.</summary>
    /// <param name="documents">Ascending.</param>
    /// <param name="scores">One for each document.</param>
    public void Score(ReadOnlySpan<int> documents, Span<double> scores)
    {
        scores[..documents.Length].Clear();
        if (documents.Length == 0)
        {
            return;
        }

        Counters.Scored += documents.Length;
        int first = documents[0];
        int span = documents[^1] - first + 1;
        if (documents.Length >= DenseDocuments && span <= WindowDocuments)
        {
            ScoreDense(documents, first, span, scores);
            return;
        }

        foreach (var cursor in cursors)
        {
            cursor.Seek(first);
            cursor.AddTo(documents, scores);
        }
    }

    private static double ScaleOf(float[] weights)
    {
        float largest = 0;
        foreach (float weight in weights)
        {
            largest = Math.Max(largest, Math.Abs(weight));
        }

        return largest == 0 ? 1 : Math.ScaleB(1, -Math.ILogB(largest));
    }

    private SparseCursor Open(SparseIndex index, int dimension, float weight, byte* memory)
    {
        var list = index.GetList(dimension);
        Counters.Lists++;
        Counters.Blocks += list.BlockCount;
        float scaled = (float)(weight * Scale);
        scaled = Math.Abs(scaled) < LeastScaled ? MathF.CopySign(LeastScaled, scaled) : scaled;
        return new SparseCursor(index, list, weight, scaled, Counters, (int*)memory, (float*)(memory + PackedIntegers.BlockLength * sizeof(int)));
    }

    private void ScoreDense(ReadOnlySpan<int> documents, int first, int span, Span<double> scores)
    {
        if (window == null)
        {
            window = (double*)NativeMemory.AlignedAlloc(WindowDocuments * sizeof(double), 64);
        }

        new Span<double>(window, span).Clear();
        foreach (var cursor in cursors)
        {
            if (cursor.Enter(first, first + span))
            {
                cursor.AddAll(window);
            }
        }

        for (int i = 0; i < documents.Length; i++)
        {
            scores[i] = window[documents[i] - first];
        }
    }

    private void Free()
    {
        NativeMemory.AlignedFree(scratch);
        NativeMemory.AlignedFree(window);
        scratch = null;
        window = null;
    }
}
