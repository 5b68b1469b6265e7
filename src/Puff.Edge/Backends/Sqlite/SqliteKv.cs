using System.Buffers;

namespace Puff.Edge.Backends.Sqlite;

/// <summary>A key-value store in a table `kv(key TEXT PRIMARY KEY, value TEXT)`, which other programs may read and write too.</summary>
internal sealed class SqliteKv : IKvBackend, ISqlBackend
{
    private const string GetText = "SELECT value FROM kv WHERE key = ?1";

    private readonly string path;
    private readonly SqliteConnection writer;
    private readonly SqliteStatement begin;
    private readonly SqliteStatement commit;
    private readonly SqliteStatement rollback;
    private readonly SqliteStatement set;
    private readonly SqliteStatement remove;
    private readonly SqliteStatement get;

    public SqliteKv(string path)
    {
        this.path = path;
        writer = new SqliteConnection(path);
        writer.Run("CREATE TABLE IF NOT EXISTS kv(key TEXT PRIMARY KEY, value TEXT)");
        begin = writer.Prepare("BEGIN IMMEDIATE");
        commit = writer.Prepare("COMMIT");
        rollback = writer.Prepare("ROLLBACK");
        set = writer.Prepare("INSERT INTO kv(key, value) VALUES(?1, ?2) ON CONFLICT(key) DO UPDATE SET value = excluded.value");
        remove = writer.Prepare("DELETE FROM kv WHERE key = ?1");
        get = writer.Prepare(GetText);
    }

    public bool IsShared => true;

    public IKvReader CreateReader() => new Reader(new SqliteConnection(path));

    public ISqlSession OpenSession() => new SqliteSession(new SqliteConnection(path), refusesVacuum: false);

    public void Commit(IReadOnlyList<KvWrite> writes) => SqliteTransaction.Run(begin, commit, rollback, () =>
    {
        foreach (KvWrite write in writes)
        {
            if (write.Expectation is { } expectation)
            {
                Check(write.Key, expectation);
            }
            else
            {
                Apply(write);
            }
        }
    });

    private unsafe void Check(byte[] key, KvExpectation expectation)
    {
        fixed (byte* start = Addressable(key))
        {
            get.BindText(1, start, key.Length);
            try
            {
                bool isThere = get.Step() && !get.IsNull(0);
                expectation.Check(isThere, isThere ? get.GetBytes(0) : []);
            }
            finally
            {
                get.Reset();
            }
        }
    }


    private unsafe void Apply(KvWrite write)
    {
        SqliteStatement statement = write.Value is null ? remove : set;
        fixed (byte* key = Addressable(write.Key), value = Addressable(write.Value ?? []))
        {
            statement.BindText(1, key, write.Key.Length);
            if (write.Value is not null)
            {
                statement.BindText(2, value, write.Value.Length);
            }

            try
            {
                statement.Step();
            }
            finally
            {
                statement.Reset();
            }
        }

        write.Existed = write.Value is null && SqliteNative.Changes(writer.Handle) > 0;
    }

    /// <summary>No bytes have no address, and a text without an address is null: an empty one needs some place.</summary>
    private static byte[] Addressable(byte[] bytes) => bytes.Length == 0 ? SqliteTransaction.Place : bytes;

    public void Dispose()
    {
        foreach (SqliteStatement statement in (SqliteStatement[])[begin, commit, rollback, set, remove, get])
        {
            statement.Dispose();
        }

        writer.Dispose();
    }

    private sealed class Reader(SqliteConnection connection) : IKvReader
    {
        private readonly SqliteStatement get = connection.Prepare(GetText);

        public unsafe bool TryRead<TState>(ReadOnlySpan<byte> key, TState state, ReadOnlySpanAction<byte, TState> read)
        {
            ReadOnlySpan<byte> place = key.IsEmpty ? SqliteTransaction.Place : key;
            fixed (byte* start = place)
            {
                get.BindText(1, start, key.Length);
                try
                {
                    // A null in the column was put there by raw SQL: to this interface there is no such key.
                    bool isThere = get.Step() && !get.IsNull(0);
                    if (isThere)
                    {
                        read(get.GetBytes(0), state);
                    }

                    return isThere;
                }
                finally
                {
                    get.Reset();
                }
            }
        }

        public void BeginSnapshot()
        {
            connection.Run("BEGIN");
            // The snapshot is taken by the first read.
            connection.Run("SELECT count(*) FROM (SELECT 1 FROM kv LIMIT 1)");
        }

        public void EndSnapshot() => connection.Run("COMMIT");

        public void Dispose()
        {
            get.Dispose();
            connection.Dispose();
        }
    }
}
