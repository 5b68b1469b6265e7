using System.Collections.Immutable;

namespace Puff.Edge.Backends;

/// <summary>A blob store that ends with the process: for tests and short-lived data.</summary>
internal sealed class MemoryBlobs : IBlobBackend
{
    private ImmutableSortedDictionary<ulong, Blob> current = ImmutableSortedDictionary<ulong, Blob>.Empty;
    private ulong highest;

    public bool IsShared => false;

    public IBlobReader CreateReader() => new Reader(this);

    public void Commit(IReadOnlyList<BlobWrite> writes)
    {
        var next = current.ToBuilder();
        ulong mark = highest;
        foreach (BlobWrite write in writes)
        {
            Apply(write, next, ref mark);
        }

        highest = mark;
        Volatile.Write(ref current, next.ToImmutable());
    }

    private static void Apply(BlobWrite write, ImmutableSortedDictionary<ulong, Blob>.Builder blobs, ref ulong mark)
    {
        if (write.Operation is BlobOperation.Store or BlobOperation.Reserve && write.Id == 0)
        {
            write.Id = mark = IBlobBackend.NextId(mark);
        }

        switch (write.Operation)
        {
            case BlobOperation.Reserve:
                break;
            case BlobOperation.Check:
                write.Check(blobs.TryGetValue(write.Id, out Blob? there) ? there.View().Digest() : null);
                break;
            case BlobOperation.Store:
                blobs[write.Id] = new Blob(write.Data ?? [], write.Metadata);
                break;
            case BlobOperation.Delete:
                write.Existed = blobs.Remove(write.Id);
                break;
            default:
                write.Existed = blobs.TryGetValue(write.Id, out Blob? old);
                if (old is not null)
                {
                    blobs[write.Id] = new Blob(write.Data ?? old.Data, write.SetsMetadata ? write.Metadata : old.Metadata);
                }

                break;
        }
    }

    public void Dispose()
    {
    }

    private sealed record Blob(byte[] Data, byte[]? Metadata)
    {
        public BlobView View() => new(Data, Metadata, Metadata is not null);
    }

    private sealed class Reader(MemoryBlobs store) : IBlobReader
    {
        private ImmutableSortedDictionary<ulong, Blob>? snapshot;

        public bool TryRead<TState>(ulong id, TState state, BlobAction<TState> read)
        {
            bool isThere = (snapshot ?? Volatile.Read(ref store.current)).TryGetValue(id, out Blob? blob);
            if (isThere)
            {
                read(blob!.View(), state);
            }

            return isThere;
        }

        public void BeginSnapshot() => snapshot = Volatile.Read(ref store.current);

        public void EndSnapshot() => snapshot = null;

        public void Dispose()
        {
        }
    }
}
