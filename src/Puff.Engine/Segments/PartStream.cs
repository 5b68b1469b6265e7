using Puff.Engine.Formats;
using Puff.Engine.Storage;

namespace Puff.Engine.Segments;

/// <summary>
/// Carries a <see cref="PartEncoder"/>'s bytes to an object. The owner appends to <see cref="Encoder"/>, calls <see cref="DrainAsync"/> whenever it says so,
/// and <see cref="CompleteAsync"/> at the end; disposed before, it leaves no object.
/// </summary>
internal sealed class PartStream : IAsyncDisposable
{
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
        await RegionMemory.WriteAsync(writer, Encoder.Seal(), cancellation);
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
}
