using Puff.Engine.Encoding;
using Puff.Engine.Formats;
using Puff.Engine.Storage;

namespace Puff.Engine.Segments;

/// <summary>One part of a segment in memory, under its key. Owns one reference on the memory.</summary>
internal sealed class MappedPart
{
    private readonly ObjectMemory memory;
    private bool isEvictable;

    private MappedPart(string key, ObjectMemory memory, PartReader reader)
    {
        Key = key;
        this.memory = memory;
        Reader = reader;
    }

    public string Key { get; }

    /// <summary>Whether parts of it may have to be fetched when they are read.</summary>
    public bool IsDemandLoaded => memory.IsDemandLoaded;

    public PartReader Reader { get; }

    /// <exception cref="PuffException">
    /// Corrupt: absent although a manifest names it, of another length, or with a damaged footer. A store's failure passes through.
    /// </exception>
    public static async ValueTask<MappedPart> OpenAsync(
        IObjectStore store, string key, PartKind? kind, SegmentPart expected, int documents, CancellationToken cancellation)
    {
        var memory = await store.MapAsync(key, expected.Bytes, StorePurpose.Segment, cancellation) ?? throw Missing(key);
        try
        {
            return new MappedPart(key, memory, Check(memory, kind, expected, documents));
        }
        catch (CorruptDataException damage)
        {
            memory.ReleaseOwner();
            throw Damaged(key, damage);
        }
        catch
        {
            memory.ReleaseOwner();
            throw;
        }
    }

    /// <summary>Fetches what is not here of the first bytes. Returns how many bytes that concerns, here or not.</summary>
    public async Task<long> PrefetchAsync(long limit)
    {
        long length = memory.IsDemandLoaded ? Math.Clamp(limit, 0, memory.Length) : 0;
        if (length > 0)
        {
            var batch = new BlockBatch();
            batch.Add(memory, 0, length);
            await batch.RunAsync();
        }

        return length;
    }

    /// <summary>Waits until all of the part is here: for readers that go through it from beginning to end, and would wait for block after block.</summary>
    public void RequireAll() => memory.Require(0, memory.Length);

    /// <summary>Who reads the part while blocks of it may be taken away; null when they may not.</summary>
    public ReaderEpochs? Readers => memory.Readers;

    /// <summary>From now on nobody reads the part without a ticket of <see cref="Readers"/>.</summary>
    public void AllowEviction()
    {
        if (!Interlocked.Exchange(ref isEvictable, true))
        {
            memory.AllowEviction();
        }
    }

    public void Release()
    {
        if (isEvictable)
        {
            memory.Release();
        }
        else
        {
            memory.ReleaseOwner();
        }
    }

    public PuffException Damaged(CorruptDataException damage) => Damaged(Key, damage);

    public static PuffException Damaged(string key, CorruptDataException damage) =>
        PuffException.Corrupt($"object {key} is damaged: {damage.Message}; restore it from a copy", damage);

    public static PuffException Missing(string key) =>
        PuffException.Corrupt($"object {key} is missing, but the namespace needs it; restore it from a copy");

    private static unsafe PartReader Check(ObjectMemory memory, PartKind? kind, SegmentPart expected, int documents)
    {
        if (memory.Length != expected.Bytes)
        {
            throw new CorruptDataException($"it has {memory.Length} bytes instead of {expected.Bytes}");
        }

        var copies = memory.PrefersCopies ? new Copies(memory) : null;
        var blocks = memory.IsDemandLoaded ? new MemoryBlocks(memory) : null;
        var reader = new PartReader(new MemoryRegion(memory.Pointer, memory.Length), kind, copies, blocks);
        return reader.Documents == documents
            ? reader
            : throw new CorruptDataException($"it holds {reader.Documents} documents instead of {documents}");
    }

    private sealed class Copies(ObjectMemory memory) : IByteSource
    {
        public void Read(long offset, Span<byte> destination) => memory.Read(offset, destination);
    }
}
