using System.Buffers;
using Puff.Engine.Encoding;
using Puff.Engine.Formats;
using Puff.Engine.Storage;

namespace Puff.Engine.Segments;

/// <summary>
/// Carries a <see cref="PartEncoder"/>'s bytes to an object. The owner appends to <see cref="Encoder"/>, calls <see cref="DrainAsync"/> whenever it says so,
/// and <see cref="CompleteAsync"/> at the end; disposed before, it leaves no object.
/// </summary>
internal sealed class PartStream : IAsyncDisposable
{
    private const int WriteBytes = 4 << 20;

    private readonly IObjectWriter writer;

    private PartStream(IObjectWriter writer, PartKind kind)
    {
        this.writer = writer;
        Encoder = new PartEncoder(kind);
    }

    public PartEncoder Encoder { get; }

    public static async ValueTask<PartStream> CreateAsync(IObjectStore store, string key, PartKind kind, CancellationToken cancellation) =>
        new(await store.CreateAsync(key, StorePurpose.Segment, cancellation), kind);

    public async ValueTask DisposeAsync()
    {
        Encoder.Dispose();
        await writer.DisposeAsync();
    }

    /// <summary>Writes away what the encoder gathered.</summary>
    public async ValueTask DrainAsync(CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        var content = Encoder.Seal();
        for (long offset = 0; offset < content.Length; offset += WriteBytes)
        {
            using var chunk = new RegionMemory(content.Slice(offset, Math.Min(WriteBytes, content.Length - offset)));
            await writer.WriteAsync(chunk.Memory, cancellation);
        }

        Encoder.Drained();
    }

    /// <summary>Adds the footer and makes the object visible. Returns its length.</summary>
    public async ValueTask<long> CompleteAsync(int documents, CancellationToken cancellation)
    {
        Encoder.Finish(documents);
        await DrainAsync(cancellation);
        await writer.CompleteAsync(cancellation);
        return Encoder.Position;
    }

    /// <summary>Unmanaged memory as <see cref="Memory{T}"/>, for one write.</summary>
    private sealed unsafe class RegionMemory(MemoryRegion region) : MemoryManager<byte>
    {
        public override Span<byte> GetSpan() => new(region.Pointer, (int)region.Length);

        public override MemoryHandle Pin(int elementIndex = 0) => new(region.Pointer + elementIndex);

        public override void Unpin()
        {
        }

        protected override void Dispose(bool disposing)
        {
        }
    }
}
