using System.Runtime.InteropServices;
using Puff.Engine.Numerics;

namespace Puff.Benchmarks;

/// <summary>Random stored vectors in native memory, and a query for them.</summary>
internal sealed unsafe class NativeRows : IDisposable
{
    public NativeRows(ElementType type, int dimensions, int count)
    {
        Dimensions = dimensions;
        Count = count;
        RowBytes = dimensions * type.Bytes();
        Pointer = (byte*)NativeMemory.AlignedAlloc((nuint)(RowBytes * (long)count), 2 << 20);
        var random = new Random(1);
        Query = [.. Enumerable.Range(0, dimensions).Select(_ => (float)random.NextDouble() - 0.5f)];
        for (long i = 0; i < (long)dimensions * count; i++)
        {
            Write(type, i, (float)random.NextDouble() - 0.5f);
        }
    }

    public int Dimensions { get; }

    public int Count { get; }

    public int RowBytes { get; }

    public long Bytes => RowBytes * (long)Count;

    public byte* Pointer { get; }

    public float[] Query { get; }

    /// <summary>Touches every byte once as fast as it goes: what a scan is measured against.</summary>
    public ulong Sum() => PlainRead.Sum(Pointer, Bytes);

    public void Dispose() => NativeMemory.AlignedFree(Pointer);

    private void Write(ElementType type, long index, float value)
    {
        switch (type)
        {
            case ElementType.F32:
                ((float*)Pointer)[index] = value;
                break;
            case ElementType.F16:
                ((Half*)Pointer)[index] = (Half)value;
                break;
            default:
                ((sbyte*)Pointer)[index] = (sbyte)(value * 254);
                break;
        }
    }
}
