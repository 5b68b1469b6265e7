using System.Buffers;

namespace Puff.Edge.Backends.RocksDb;

/// <summary>A key-value store in the default column family, keys and values as they are.</summary>
internal sealed class RocksKv : IKvBackend
{
    private readonly RocksDatabase database;
    private readonly IntPtr family;
    private readonly Reader checks;

    public RocksKv(string path)
    {
        database = new RocksDatabase(path, RocksDatabase.DefaultFamily);
        family = database.Family(RocksDatabase.DefaultFamily);
        checks = new Reader(database, family);
    }

    public bool IsShared => false;

    public IKvReader CreateReader() => new Reader(database, family);

    public unsafe void Commit(IReadOnlyList<KvWrite> writes)
    {
        // Whether a removed key was there is a matter of what this group wrote before it, too.
        var written = new Dictionary<byte[], bool>(ByteKeys.Instance);
        IntPtr batch = RocksNative.CreateBatch();
        try
        {
            foreach (KvWrite write in writes)
            {
                if (write.Expectation is { } expectation)
                {
                    Check(write.Key, expectation);
                    continue;
                }

                fixed (byte* key = write.Key, value = write.Value)
                {
                    if (write.Value is null)
                    {
                        write.Existed = written.TryGetValue(write.Key, out bool isThere) ? isThere : Exists(write.Key);
                        RocksNative.Delete(batch, family, key, (nuint)write.Key.Length);
                    }
                    else
                    {
                        RocksNative.Put(batch, family, key, (nuint)write.Key.Length, value, (nuint)write.Value.Length);
                    }
                }

                written[write.Key] = write.Value is not null;
            }

            database.Write(batch);
        }
        finally
        {
            RocksNative.DestroyBatch(batch);
        }
    }

    private bool Exists(byte[] key) => checks.TryRead(key, 0, static (_, _) => { });

    private void Check(byte[] key, KvExpectation expectation)
    {
        if (!checks.TryRead(key, expectation, static (value, expectation) => expectation.Check(true, value)))
        {
            expectation.Check(false, []);
        }
    }

    public void Dispose()
    {
        checks.Dispose();
        database.Dispose();
    }

    private sealed class Reader(RocksDatabase database, IntPtr family) : IKvReader
    {
        private readonly RocksSnapshot snapshot = new(database);

        public bool TryRead<TState>(ReadOnlySpan<byte> key, TState state, ReadOnlySpanAction<byte, TState> read) =>
            database.TryRead(snapshot.Options, family, key, state, read);

        public void BeginSnapshot() => snapshot.Begin();

        public void EndSnapshot() => snapshot.End();

        public void Dispose() => snapshot.Dispose();
    }
}
