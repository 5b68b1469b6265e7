using System.Runtime.InteropServices;

namespace Puff.Engine.Vectors;

/// <summary>
/// The centroids of one <see cref="NodeList"/>, as they are stored: queries read thousands of them, and as singles they would be twice the memory. Immutable
/// and shared by all versions of a tree that have these nodes.
/// </summary>
internal sealed unsafe class CentroidBlock
{
    private Half* rows;
    private int references = 1;

    public CentroidBlock(NodeList nodes, in TreeShape shape)
    {
        Count = nodes.Count;
        Stride = shape.PaddedDimensions;
        long count = (long)nodes.Count * Stride;
        rows = (Half*)NativeMemory.AlignedAlloc((nuint)Math.Max(count, 1) * (nuint)sizeof(Half), 64);
        nodes.Centroids.AsSpan(0, checked((int)count)).CopyTo(new Span<Half>(rows, (int)count));
    }

    ~CentroidBlock() => NativeMemory.AlignedFree(rows);

    /// <summary>How many nodes.</summary>
    public int Count { get; }

    public int Stride { get; }

    /// <summary>To be multiplied by <see cref="TreeShape.CentroidScale"/>.</summary>
    public Half* Row(int index) => rows + (long)index * Stride;

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
