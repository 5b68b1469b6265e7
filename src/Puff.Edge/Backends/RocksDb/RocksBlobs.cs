using System.Buffers.Binary;

namespace Puff.Edge.Backends.RocksDb;

/// <summary>
/// A blob store in the column families `data` and `metadata`, keyed by the id as 8 bytes little-endian; a blob without metadata has no key in the second. The
/// highest id that was given out stands in the default family.
/// </summary>
internal sealed class RocksBlobs : IBlobBackend
{
    private static readonly byte[] MarkKey = "edge_meta/blob_id"u8.ToArray();

    private readonly RocksDatabase database;
    private readonly IntPtr marks;
    private readonly IntPtr data;
    private readonly IntPtr metadata;
    private readonly Reader reader;
    private ulong highest;

    public RocksBlobs(string path)
    {
        database = new RocksDatabase(path, RocksDatabase.DefaultFamily, "data", "metadata");
        marks = database.Family(RocksDatabase.DefaultFamily);
        data = database.Family("data");
        metadata = database.Family("metadata");
        reader = new Reader(database, data, metadata);
        highest = ReadMark() ?? FindHighest();
    }

    public bool IsShared => false;

    public IBlobReader CreateReader() => new Reader(database, data, metadata);

    public void Commit(IReadOnlyList<BlobWrite> writes)
    {
        ulong mark = highest;
        var written = new Dictionary<ulong, bool>();
        IntPtr batch = RocksNative.CreateBatch();
        try
        {
            foreach (BlobWrite write in writes)
            {
                if (write.Operation is BlobOperation.Store or BlobOperation.Reserve && write.Id == 0)
                {
                    write.Id = mark = IBlobBackend.NextId(mark);
                }

                Apply(write, batch, written);
            }

            if (mark != highest)
            {
                Put(batch, marks, MarkKey, KeyOf(mark));
            }

            database.Write(batch);
            highest = mark;
        }
        finally
        {
            RocksNative.DestroyBatch(batch);
        }
    }

    private void Apply(BlobWrite write, IntPtr batch, Dictionary<ulong, bool> written)
    {
        byte[] key = KeyOf(write.Id);
        switch (write.Operation)
        {
            case BlobOperation.Reserve:
                return;
            case BlobOperation.Check:
                byte[]?[] digest = [null];
                reader.TryRead(write.Id, digest, static (blob, digest) => digest[0] = blob.Digest());
                write.Check(digest[0]);
                return;
            case BlobOperation.Store:
                Put(batch, data, key, write.Data ?? []);
                SetMetadata(batch, key, write.Metadata);
                break;
            case BlobOperation.Delete:
                write.Existed = Exists(write.Id, written);
                Delete(batch, data, key);
                Delete(batch, metadata, key);
                break;
            case BlobOperation.Update when Exists(write.Id, written):
                write.Existed = true;
                if (write.Data is not null)
                {
                    Put(batch, data, key, write.Data);
                }

                if (write.SetsMetadata)
                {
                    SetMetadata(batch, key, write.Metadata);
                }

                return;
            default:
                write.Existed = false;
                return;
        }

        written[write.Id] = write.Operation == BlobOperation.Store;
    }

    private bool Exists(ulong id, Dictionary<ulong, bool> written) =>
        written.TryGetValue(id, out bool isThere) ? isThere : database.TryRead(reader.Options, data, KeyOf(id), 0, static (_, _) => { });

    private void SetMetadata(IntPtr batch, byte[] key, byte[]? value)
    {
        if (value is null)
        {
            Delete(batch, metadata, key);
        }
        else
        {
            Put(batch, metadata, key, value);
        }
    }

    private static unsafe void Put(IntPtr batch, IntPtr family, byte[] key, byte[] value)
    {
        fixed (byte* keyStart = key, valueStart = value)
        {
            RocksNative.Put(batch, family, keyStart, (nuint)key.Length, valueStart, (nuint)value.Length);
        }
    }

    private static unsafe void Delete(IntPtr batch, IntPtr family, byte[] key)
    {
        fixed (byte* start = key)
        {
            RocksNative.Delete(batch, family, start, (nuint)key.Length);
        }
    }

    private ulong? ReadMark()
    {
        ulong?[] found = [null];
        database.TryRead(reader.Options, marks, MarkKey, found, static (value, found) => found[0] = BinaryPrimitives.ReadUInt64LittleEndian(value));
        return found[0];
    }

    /// <summary>
    /// Of a store that another program has filled: the largest id that may be given out again must not be. Little-endian keys are in no order of ids.
    /// </summary>
    private unsafe ulong FindHighest()
    {
        ulong found = 0;
        IntPtr iterator = RocksNative.CreateIterator(database.Handle, reader.Options, data);
        for (RocksNative.SeekToFirst(iterator); RocksNative.IsValid(iterator) != 0; RocksNative.Next(iterator))
        {
            byte* key = RocksNative.KeyOf(iterator, out nuint length);
            ulong id = length == sizeof(ulong) ? BinaryPrimitives.ReadUInt64LittleEndian(new ReadOnlySpan<byte>(key, sizeof(ulong))) : 0;
            // Released servers gave out random ids of 64 bits: new ones stay below 2^53 and go round those that are there.
            found = id <= IBlobBackend.MaxId ? Math.Max(found, id) : found;
        }

        RocksNative.DestroyIterator(iterator);
        return found;
    }

    private static byte[] KeyOf(ulong id)
    {
        byte[] key = new byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(key, id);
        return key;
    }

    public void Dispose()
    {
        reader.Dispose();
        database.Dispose();
    }

    private sealed class Reader(RocksDatabase database, IntPtr data, IntPtr metadata) : IBlobReader
    {
        private readonly RocksSnapshot snapshot = new(database);
        private bool isSnapshot;

        public IntPtr Options => snapshot.Options;

        public bool TryRead<TState>(ulong id, TState state, BlobAction<TState> read)
        {
            byte[] key = KeyOf(id);
            // Data and metadata are two keys: one state of both needs a snapshot.
            bool isOwn = !isSnapshot;
            if (isOwn)
            {
                snapshot.Begin();
            }

            try
            {
                byte[]?[] text = [null];
                database.TryRead(snapshot.Options, metadata, key, text, static (value, text) => text[0] = value.ToArray());
                return database.TryRead(snapshot.Options, data, key, (state, read, text), static (value, all) =>
                    all.read(new BlobView(value, all.text[0], all.text[0] is not null), all.state));
            }
            finally
            {
                if (isOwn)
                {
                    snapshot.End();
                }
            }
        }

        public void BeginSnapshot()
        {
            snapshot.Begin();
            isSnapshot = true;
        }

        public void EndSnapshot()
        {
            isSnapshot = false;
            snapshot.End();
        }

        public void Dispose() => snapshot.Dispose();
    }
}
