using System.Runtime.InteropServices;

namespace Puff.Engine.Text;

/// <summary>Memory of a <see cref="RangeSearch"/> that grows with the set. Each thread keeps one from search to search, if it is not large.</summary>
internal sealed unsafe class RangeScratch : IDisposable
{
    private const long MostKept = 4 << 20;

    [ThreadStatic]
    private static RangeScratch? kept;

    private long bytes;

    private RangeScratch()
    {
    }

    ~RangeScratch() => NativeMemory.AlignedFree(Memory);

    public byte* Memory { get; private set; }

    public static RangeScratch Take(long bytes)
    {
        var scratch = kept ?? new RangeScratch();
        kept = null;
        if (scratch.bytes < bytes)
        {
            NativeMemory.AlignedFree(scratch.Memory);
            scratch.Memory = null;
            scratch.Memory = (byte*)NativeMemory.AlignedAlloc((nuint)bytes, 64);
            scratch.bytes = bytes;
        }

        return scratch;
    }

    /// <summary>Gives it back to the thread.</summary>
    public void Dispose()
    {
        if (bytes <= MostKept)
        {
            kept = this;
        }
    }
}
