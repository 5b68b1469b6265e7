using System.Buffers;
using Puff.Engine.Encoding;
using Puff.Engine.Storage;

namespace Puff.Engine.Segments;

/// <summary>Unmanaged memory as <see cref="Memory{T}"/>, for one write.</summary>
internal sealed class RegionMemory(MemoryRegion region) : MemoryManager<byte>
{
    private const int WriteBytes = 4 << 20;

    /// <summary>Appends a region of any length to an object, in pieces.</summary>
    public static async ValueTask WriteAsync(IObjectWriter writer, MemoryRegion content, CancellationToken cancellation)
    {
        for (long offset = 0; offset < content.Length; offset += WriteBytes)
        {
            using var chunk = new RegionMemory(content.Slice(offset, Math.Min(WriteBytes, content.Length - offset)));
            await writer.WriteAsync(chunk.Memory, cancellation);
        }
    }

    public override unsafe Span<byte> GetSpan() => new(region.Pointer, (int)region.Length);

    public override unsafe MemoryHandle Pin(int elementIndex = 0) => new(region.Pointer + elementIndex);

    public override void Unpin()
    {
    }

    protected override void Dispose(bool disposing)
    {
    }
}
