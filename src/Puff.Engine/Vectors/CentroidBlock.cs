using System.Numerics.Tensors;
using System.Runtime.InteropServices;

namespace Puff.Engine.Vectors;

/// <summary>The centroids of one <see cref="NodeList"/>, widened. Immutable and shared by all versions of a tree that have these nodes.</summary>
internal sealed unsafe class CentroidBlock
{
    private float* rows;
    private int references = 1;

    public CentroidBlock(NodeList nodes, in TreeShape shape)
    {
        Count = nodes.Count;
        Stride = shape.PaddedDimensions;
        long count = (long)nodes.Count * Stride;
        rows = (float*)NativeMemory.AlignedAlloc((nuint)Math.Max(count, 1) * sizeof(float), 64);
        var widened = new Span<float>(rows, checked((int)count));
        TensorPrimitives.ConvertToSingle(nodes.Centroids.AsSpan(0, widened.Length), widened);
        TensorPrimitives.Multiply(widened, shape.CentroidScale, widened);
    }

    ~CentroidBlock() => NativeMemory.AlignedFree(rows);

    /// <summary>How many nodes.</summary>
    public int Count { get; }

    public int Stride { get; }

    public float* Row(int index) => rows + (long)index * Stride;

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
}
