using Puff.Sync.Changes;

namespace Puff.Sync.Postgres;

/// <summary>
/// Decodes the messages of pgoutput, protocol version 1 (PostgreSQL documentation, "Logical Replication Message Formats"), into a batch; keeps the tables and
/// the transaction in progress between messages. For one stream and one thread; a reconnect begins with <see cref="Restart"/>.
/// </summary>
/// <param name="messagePrefix">Only logical messages whose prefix begins so are passed on.</param>
/// <param name="ignoredOrigins">Transactions that came to the server from one of these replication origins are counted but not passed on.</param>
internal sealed class PgOutputDecoder(string messagePrefix, IReadOnlySet<string>? ignoredOrigins = null)
{
    private const byte NewTuple = (byte)'N';
    private const byte KeyTuple = (byte)'K';
    private const byte FullTuple = (byte)'O';

    private readonly byte[] prefix = System.Text.Encoding.UTF8.GetBytes(messagePrefix);
    private readonly Dictionary<uint, RelationShape> relations = [];
    private readonly Dictionary<uint, RelationShape> known = [];
    private readonly Dictionary<uint, (string Schema, string Name)> types = [];
    private RelationShape? lastRelation;
    private bool inTransaction;
    private bool isIgnored;
    private uint transactionId;
    private Lsn commitLsn;
    private long commitMicroseconds;
    private uint ordinal;

    /// <summary>Names of types that are not built in, by their OID, as far as the stream told.</summary>
    public IReadOnlyDictionary<uint, (string Schema, string Name)> Types => types;

    /// <summary>The transaction in progress, counted from its Begin message.</summary>
    public bool IsInTransaction => inTransaction;

    /// <summary>Gives a table's last known shape: the same shape from the stream keeps its version, another one gets the next.</summary>
    public void Know(RelationShape shape) => known[shape.Oid] = shape;

    /// <summary>Forgets the transaction in progress; the server sends it again from its beginning, and all tables before their first rows.</summary>
    public void Restart()
    {
        inTransaction = false;
        isIgnored = false;
        lastRelation = null;
        relations.Clear();
    }

    /// <summary>Adds what a message says to the batch: at most one change, for truncations one per table. Throws <see cref="ProtocolException"/>.</summary>
    public void Decode(ReadOnlySpan<byte> message, ChangeBatch batch)
    {
        var reader = new ProtocolReader(message);
        byte type = reader.Byte();
        switch (type)
        {
            case (byte)'I':
                DecodeInsert(ref reader, batch);
                break;
            case (byte)'U':
                DecodeUpdate(ref reader, batch);
                break;
            case (byte)'D':
                DecodeDelete(ref reader, batch);
                break;
            case (byte)'B':
                DecodeBegin(ref reader, batch);
                break;
            case (byte)'C':
                DecodeCommit(ref reader, batch);
                break;
            case (byte)'R':
                DecodeRelation(ref reader);
                break;
            case (byte)'Y':
                uint oid = reader.UInt32();
                types[oid] = (SchemaName(reader.Text()), reader.Text());
                break;
            case (byte)'T':
                DecodeTruncate(ref reader, batch);
                break;
            case (byte)'M':
                DecodeMessage(ref reader, batch);
                break;
            case (byte)'O':
                _ = reader.UInt64();
                isIgnored = ignoredOrigins is not null && ignoredOrigins.Contains(reader.Text());
                return;
            default:
                throw new ProtocolException($"message type `{(char)type}` is not understood", isUnknown: true);
        }

        reader.End();
    }

    private void DecodeBegin(ref ProtocolReader reader, ChangeBatch batch)
    {
        if (inTransaction)
        {
            throw new ProtocolException("a transaction begins inside another");
        }

        commitLsn = new Lsn(reader.UInt64());
        commitMicroseconds = reader.Int64();
        transactionId = reader.UInt32();
        ordinal = 0;
        inTransaction = true;
        isIgnored = false;
        batch.Add(ChangeKind.Begin, null, transactionId, new SyncPosition(commitLsn, 0), commitMicroseconds);
    }

    private void DecodeCommit(ref ProtocolReader reader, ChangeBatch batch)
    {
        NeedTransaction();
        _ = reader.Byte(); // flags: none are defined
        var lsn = new Lsn(reader.UInt64());
        if (lsn != commitLsn)
        {
            throw new ProtocolException($"the transaction of {commitLsn} ends as that of {lsn}");
        }

        var end = new Lsn(reader.UInt64());
        commitMicroseconds = reader.Int64();
        inTransaction = false;
        batch.Add(ChangeKind.Commit, null, transactionId, new SyncPosition(commitLsn, ordinal), commitMicroseconds);
        batch.SetEnd(end);
    }

    private void DecodeInsert(ref ProtocolReader reader, ChangeBatch batch)
    {
        var relation = NextRow(reader.UInt32());
        Expect(reader.Byte(), NewTuple);
        if (isIgnored)
        {
            SkipTuple(ref reader, relation);
            return;
        }

        Add(batch, ChangeKind.Insert, relation);
        AddTuple(ref reader, relation, batch, OldTupleKind.None);
    }

    private void DecodeUpdate(ref ProtocolReader reader, ChangeBatch batch)
    {
        var relation = NextRow(reader.UInt32());
        byte kind = reader.Byte();
        var old = reader;
        if (kind != NewTuple)
        {
            _ = OldKind(kind);
            SkipTuple(ref reader, relation);
            Expect(reader.Byte(), NewTuple);
        }

        if (isIgnored)
        {
            SkipTuple(ref reader, relation);
            return;
        }

        // The message has the old row first, the batch the new one.
        Add(batch, ChangeKind.Update, relation);
        AddTuple(ref reader, relation, batch, OldTupleKind.None);
        if (kind != NewTuple)
        {
            AddTuple(ref old, relation, batch, OldKind(kind));
        }
    }

    private void DecodeDelete(ref ProtocolReader reader, ChangeBatch batch)
    {
        var relation = NextRow(reader.UInt32());
        var kind = OldKind(reader.Byte());
        if (isIgnored)
        {
            SkipTuple(ref reader, relation);
            return;
        }

        Add(batch, ChangeKind.Delete, relation);
        AddTuple(ref reader, relation, batch, kind);
    }

    private void DecodeTruncate(ref ProtocolReader reader, ChangeBatch batch)
    {
        int count = reader.Int32();
        _ = reader.Byte(); // CASCADE and RESTART IDENTITY: every table is named either way
        if (count < 0)
        {
            throw new ProtocolException($"{count} tables are truncated");
        }

        for (int table = 0; table < count; table++)
        {
            var relation = NextRow(reader.UInt32());
            if (!isIgnored)
            {
                Add(batch, ChangeKind.Truncate, relation);
            }
        }
    }

    private void DecodeMessage(ref ProtocolReader reader, ChangeBatch batch)
    {
        bool isTransactional = (reader.Byte() & 1) != 0;
        _ = reader.UInt64();
        var name = reader.Terminated();
        var content = reader.Bytes(reader.Int32());

        // Messages outside transactions have no place in the order of commits; ours are inside.
        if (!isTransactional || !name.StartsWith(prefix))
        {
            return;
        }

        NeedTransaction();
        batch.Add(ChangeKind.Message, null, transactionId, new SyncPosition(commitLsn, ordinal), commitMicroseconds);
        batch.AddNew(ColumnState.Text, name);
        batch.AddNew(ColumnState.Binary, content);
    }

    private void DecodeRelation(ref ProtocolReader reader)
    {
        uint oid = reader.UInt32();
        string schema = SchemaName(reader.Text());
        string table = reader.Text();
        var identity = reader.Byte() switch
        {
            (byte)'d' => ReplicaIdentity.Default,
            (byte)'n' => ReplicaIdentity.Nothing,
            (byte)'f' => ReplicaIdentity.Full,
            (byte)'i' => ReplicaIdentity.Index,
            byte other => throw new ProtocolException($"replica identity `{(char)other}` is not understood", isUnknown: true),
        };
        var columns = new ColumnShape[reader.UInt16()];
        for (int column = 0; column < columns.Length; column++)
        {
            bool isKey = (reader.Byte() & 1) != 0;
            columns[column] = new ColumnShape(reader.Text(), reader.UInt32(), reader.Int32(), isKey);
        }

        var shape = new RelationShape(oid, schema, table, identity, columns);
        if (known.TryGetValue(oid, out var before))
        {
            shape = before.HasShapeOf(shape) ? before : shape with { Version = before.Version + 1 };
        }

        known[oid] = shape;
        relations[oid] = shape;
        lastRelation = null;
    }

    /// <summary>Counts a row change, and gives its table.</summary>
    private RelationShape NextRow(uint oid)
    {
        NeedTransaction();
        ordinal++;
        if (lastRelation?.Oid == oid)
        {
            return lastRelation;
        }

        return lastRelation = relations.TryGetValue(oid, out var relation)
            ? relation
            : throw new ProtocolException($"a row of table {oid} comes before the table was described");
    }

    private void Add(ChangeBatch batch, ChangeKind kind, RelationShape relation) =>
        batch.Add(kind, relation, transactionId, new SyncPosition(commitLsn, ordinal), commitMicroseconds);

    private static void AddTuple(ref ProtocolReader reader, RelationShape relation, ChangeBatch batch, OldTupleKind kind)
    {
        int count = ColumnCount(ref reader, relation);
        for (int column = 0; column < count; column++)
        {
            var state = NextColumn(ref reader, out var value);
            if (kind == OldTupleKind.None)
            {
                batch.AddNew(state, value);
            }
            else
            {
                batch.AddOld(kind, state, value);
            }
        }
    }

    private static void SkipTuple(ref ProtocolReader reader, RelationShape relation)
    {
        int count = ColumnCount(ref reader, relation);
        for (int column = 0; column < count; column++)
        {
            NextColumn(ref reader, out _);
        }
    }

    private static int ColumnCount(ref ProtocolReader reader, RelationShape relation)
    {
        int count = reader.UInt16();
        return count == relation.Columns.Count
            ? count
            : throw new ProtocolException($"a row of {relation.Schema}.{relation.Table} has {count} columns, the table {relation.Columns.Count}");
    }

    private static ColumnState NextColumn(ref ProtocolReader reader, out ReadOnlySpan<byte> value)
    {
        byte kind = reader.Byte();
        value = [];
        switch (kind)
        {
            case (byte)'n':
                return ColumnState.Null;
            case (byte)'u':
                return ColumnState.Unchanged;
            case (byte)'t':
                value = reader.Bytes(reader.Int32());
                return ColumnState.Text;
            case (byte)'b':
                value = reader.Bytes(reader.Int32());
                return ColumnState.Binary;
            default:
                throw new ProtocolException($"column kind `{(char)kind}` is not understood", isUnknown: true);
        }
    }

    private static OldTupleKind OldKind(byte kind) => kind switch
    {
        KeyTuple => OldTupleKind.Key,
        FullTuple => OldTupleKind.Full,
        _ => throw new ProtocolException($"tuple kind `{(char)kind}` is not understood", isUnknown: true),
    };

    private static void Expect(byte found, byte wanted)
    {
        if (found != wanted)
        {
            throw new ProtocolException($"tuple kind `{(char)found}` is not understood", isUnknown: true);
        }
    }

    private void NeedTransaction()
    {
        if (!inTransaction)
        {
            throw new ProtocolException("a change comes outside of a transaction");
        }
    }

    /// <summary>The stream writes pg_catalog as an empty name.</summary>
    private static string SchemaName(string sent) => sent.Length == 0 ? "pg_catalog" : sent;
}
