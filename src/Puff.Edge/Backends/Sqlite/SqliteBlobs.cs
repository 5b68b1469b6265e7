namespace Puff.Edge.Backends.Sqlite;

/// <summary>
/// A blob store in a table `blob(data BLOB, metadata TEXT)` whose rowid is the id. Left to itself SQLite gives the newest id out again after a removal, so ids
/// come from a high-water mark in the table `edge_meta`, which is never below a rowid that exists.
/// </summary>
internal sealed class SqliteBlobs : IBlobBackend, ISqlBackend
{
    private readonly string path;
    private readonly SqliteConnection writer;
    private readonly SqliteStatement begin;
    private readonly SqliteStatement commit;
    private readonly SqliteStatement rollback;
    private readonly SqliteStatement highest;
    private readonly SqliteStatement raise;
    private readonly SqliteStatement store;
    private readonly SqliteStatement setData;
    private readonly SqliteStatement setMetadata;
    private readonly SqliteStatement setBoth;
    private readonly SqliteStatement probe;
    private readonly SqliteStatement remove;
    private readonly Reader checks;

    public SqliteBlobs(string path)
    {
        this.path = path;
        writer = new SqliteConnection(path);
        writer.Run("CREATE TABLE IF NOT EXISTS blob(data BLOB, metadata TEXT)");
        writer.Run("CREATE TABLE IF NOT EXISTS edge_meta(name TEXT PRIMARY KEY, value INTEGER)");
        begin = writer.Prepare("BEGIN IMMEDIATE");
        commit = writer.Prepare("COMMIT");
        rollback = writer.Prepare("ROLLBACK");
        highest = writer.Prepare("SELECT max(coalesce((SELECT value FROM edge_meta WHERE name = 'blob_id'), 0), coalesce((SELECT max(rowid) FROM blob), 0))");
        raise = writer.Prepare("INSERT INTO edge_meta(name, value) VALUES('blob_id', ?1) ON CONFLICT(name) DO UPDATE SET value = excluded.value");
        store = writer.Prepare("INSERT INTO blob(rowid, data, metadata) VALUES(?1, ?2, ?3)");
        setData = writer.Prepare("UPDATE blob SET data = ?2 WHERE rowid = ?1");
        setMetadata = writer.Prepare("UPDATE blob SET metadata = ?3 WHERE rowid = ?1");
        setBoth = writer.Prepare("UPDATE blob SET data = ?2, metadata = ?3 WHERE rowid = ?1");
        probe = writer.Prepare("SELECT 1 FROM blob WHERE rowid = ?1");
        remove = writer.Prepare("DELETE FROM blob WHERE rowid = ?1");
        checks = new Reader(writer);
    }

    public bool IsShared => true;

    public IBlobReader CreateReader() => new Reader(new SqliteConnection(path));

    public ISqlSession OpenSession() => new SqliteSession(new SqliteConnection(path), refusesVacuum: true);

    public void Commit(IReadOnlyList<BlobWrite> writes) => SqliteTransaction.Run(begin, commit, rollback, () =>
    {
        bool isMarkNeeded = false;
        ulong mark = HighestId();
        foreach (BlobWrite write in writes)
        {
            if (write.Operation is BlobOperation.Store or BlobOperation.Reserve && write.Id == 0)
            {
                write.Id = mark = IBlobBackend.NextId(mark);
            }

            // A removed blob may have been the highest: the mark has to remember it.
            isMarkNeeded |= write.Operation is not (BlobOperation.Update or BlobOperation.Check);
            Apply(write);
        }

        if (isMarkNeeded)
        {
            raise.Bind(1, (long)mark);
            Run(raise);
        }
    });

    private ulong HighestId()
    {
        try
        {
            highest.Step();
            return (ulong)highest.GetInt64(0);
        }
        finally
        {
            highest.Reset();
        }
    }

    private void Apply(BlobWrite write)
    {
        switch (write.Operation)
        {
            case BlobOperation.Store:
                Run(store, write, hasData: true, hasMetadata: true);
                break;
            case BlobOperation.Reserve:
                break;
            case BlobOperation.Check:
                byte[]?[] digest = [null];
                checks.TryRead(write.Id, digest, static (blob, digest) => digest[0] = blob.Digest());
                write.Check(digest[0]);
                break;
            case BlobOperation.Delete:
                write.Existed = Run(remove, write, hasData: false, hasMetadata: false) > 0;
                break;
            case BlobOperation.Update when write.Data is null && !write.SetsMetadata:
                write.Existed = Exists(write.Id);
                break;
            default:
                SqliteStatement statement = write.Data is null ? setMetadata : write.SetsMetadata ? setBoth : setData;
                write.Existed = Run(statement, write, write.Data is not null, write.SetsMetadata) > 0;
                break;
        }
    }

    private unsafe long Run(SqliteStatement statement, BlobWrite write, bool hasData, bool hasMetadata)
    {
        byte[] data = write.Data ?? [];
        byte[] text = write.Metadata is { Length: > 0 } given ? given : SqliteTransaction.Place;
        fixed (byte* dataStart = data, textStart = text)
        {
            statement.Bind(1, unchecked((long)write.Id));
            if (hasData)
            {
                statement.BindBlob(2, dataStart, data.Length);
            }

            if (hasMetadata && write.Metadata is not null)
            {
                statement.BindText(3, textStart, write.Metadata.Length);
            }
            else if (hasMetadata)
            {
                statement.BindNull(3);
            }

            Run(statement);
        }

        return SqliteNative.Changes(writer.Handle);
    }

    private static void Run(SqliteStatement statement)
    {
        try
        {
            statement.Step();
        }
        finally
        {
            statement.Reset();
        }
    }

    private bool Exists(ulong id)
    {
        probe.Bind(1, unchecked((long)id));
        try
        {
            return probe.Step();
        }
        finally
        {
            probe.Reset();
        }
    }

    public void Dispose()
    {
        SqliteStatement[] statements = [begin, commit, rollback, highest, raise, store, setData, setMetadata, setBoth, probe, remove];
        foreach (SqliteStatement statement in statements)
        {
            statement.Dispose();
        }

        // The reader of checks owns the writer's connection.
        checks.Dispose();
    }

    private sealed class Reader(SqliteConnection connection) : IBlobReader
    {
        private readonly SqliteStatement get = connection.Prepare("SELECT data, metadata FROM blob WHERE rowid = ?1");

        public bool TryRead<TState>(ulong id, TState state, BlobAction<TState> read)
        {
            // Rowids are signed: ids of the upper half are simply not there.
            if (id > long.MaxValue)
            {
                return false;
            }

            get.Bind(1, (long)id);
            try
            {
                bool isThere = get.Step();
                if (isThere)
                {
                    bool hasMetadata = !get.IsNull(1);
                    read(new BlobView(get.IsNull(0) ? [] : get.GetBytes(0), hasMetadata ? get.GetBytes(1) : [], hasMetadata), state);
                }

                return isThere;
            }
            finally
            {
                get.Reset();
            }
        }

        public void BeginSnapshot()
        {
            connection.Run("BEGIN");
            // The snapshot is taken by the first read.
            connection.Run("SELECT count(*) FROM (SELECT 1 FROM blob LIMIT 1)");
        }

        public void EndSnapshot() => connection.Run("COMMIT");

        public void Dispose()
        {
            get.Dispose();
            connection.Dispose();
        }
    }
}
