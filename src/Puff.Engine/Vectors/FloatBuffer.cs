using System.Runtime.InteropServices;

namespace Puff.Engine.Vectors;

/// <summary>Numbers outside of the collected heap: too many and too short-lived for it. Freed at the latest when nobody refers to it any more.</summary>
internal sealed unsafe class FloatBuffer : IDisposable
{
    /// <param name="count">How many; they are not zeroed.</param>
    public FloatBuffer(long count)
    {
        Count = count;
        Pointer = (float*)NativeMemory.AlignedAlloc((nuint)Math.Max(count, 1) * sizeof(float), 64);
        GC.AddMemoryPressure(Math.Max(count, 1) * sizeof(float));
    }

    ~FloatBuffer() => Free();

    public long Count { get; }

    /// <summary>64-byte aligned.</summary>
    public float* Pointer { get; private set; }

    public void Clear() => NativeMemory.Clear(Pointer, (nuint)Count * sizeof(float));

    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private void Free()
    {
        if (Pointer != null)
        {
            NativeMemory.AlignedFree(Pointer);
            GC.RemoveMemoryPressure(Math.Max(Count, 1) * sizeof(float));
            Pointer = null;
        }
    }
}
