using System.Numerics.Tensors;
using System.Runtime.InteropServices;

namespace Puff.Engine.Vectors;

/// <summary>
/// The centroids of one <see cref="NodeList"/>, each widened when it is first asked for: a query on a node that has just opened a large tree needs few of them.
/// Shared by all versions of a tree that have these nodes; for any number of threads.
/// </summary>
internal sealed unsafe class CentroidBlock
{
    private readonly float scale;
    private readonly ulong[] ready;
    private NodeList? source;
    private float* rows;
    private int left;
    private int references = 1;

    public CentroidBlock(NodeList nodes, in TreeShape shape)
    {
        Count = left = nodes.Count;
        Stride = shape.PaddedDimensions;
        scale = shape.CentroidScale;
        source = nodes;
        ready = new ulong[(Count + 63) / 64];
        rows = (float*)NativeMemory.AlignedAlloc((nuint)Math.Max((long)Count * Stride, 1) * sizeof(float), 64);
    }

    ~CentroidBlock() => NativeMemory.AlignedFree(rows);

    /// <summary>How many nodes.</summary>
    public int Count { get; }

    public int Stride { get; }

    /// <summary>A widened centroid, 64-byte aligned.</summary>
    public float* Row(int index)
    {
        if ((Volatile.Read(ref ready[index >> 6]) >> index & 1) == 0)
        {
            Widen(index);
        }

        return rows + (long)index * Stride;
    }

    public void AddReference() => Interlocked.Increment(ref references);

    public void Release()
    {
        if (Interlocked.Decrement(ref references) == 0)
        {
            NativeMemory.AlignedFree(rows);
            rows = null;
            GC.SuppressFinalize(this);
        }
    }

    /// <summary>Several threads may do this at once: they write the same.</summary>
    private void Widen(int index)
    {
        if (Volatile.Read(ref source) is not { } nodes)
        {
            return;
        }

        var row = new Span<float>(rows + (long)index * Stride, Stride);
        TensorPrimitives.ConvertToSingle(nodes.Centroids.AsSpan(index * Stride, Stride), row);
        TensorPrimitives.Multiply(row, scale, row);
        ulong bit = 1UL << index;
        if ((Interlocked.Or(ref ready[index >> 6], bit) & bit) == 0 && Interlocked.Decrement(ref left) == 0)
        {
            // All are here: the short ones are not needed any more.
            Volatile.Write(ref source, null);
        }
    }
}
