using System.Diagnostics.CodeAnalysis;

namespace Puff.Sync.Changes;

internal enum ChangeKind : byte
{
    /// <summary>A transaction begins; <see cref="RowChange.TransactionId"/> and its commit's LSN are known.</summary>
    Begin,

    /// <summary>A transaction ended at <see cref="RowChange.EndLsn"/>.</summary>
    Commit,
    Insert,
    Update,
    Delete,
    Truncate,

    /// <summary>A row of a snapshot page or of a re-read.</summary>
    Snapshot,

    /// <summary>A logical message (pg_logical_emit_message); its prefix and content are columns 0 and 1 of <see cref="RowChange.New"/>.</summary>
    Message,
}

/// <summary>
/// Changes in stream order, with one buffer for all their bytes: nothing is allocated per change. Filled by one writer, then read by any number of threads.
/// </summary>
internal sealed class ChangeBatch
{
    private byte[] bytes;
    private int byteCount;
    private Column[] columns = new Column[1024];
    private int columnCount;
    private Header[] headers = new Header[128];

    public ChangeBatch(int byteCapacity = 64 * 1024) => bytes = new byte[byteCapacity];

    public int Count { get; private set; }

    /// <summary>Bytes of all values: what the memory budget counts.</summary>
    public int ByteCount => byteCount;

    public RowChange this[int index] =>
        (uint)index < (uint)Count ? new RowChange(this, index) : throw new ArgumentOutOfRangeException(nameof(index), index, null);

    /// <summary>Adds a change without columns; columns of its new row, then of its old row, follow.</summary>
    public void Add(ChangeKind kind, RelationShape? relation, uint transactionId, SyncPosition position, long commitMicroseconds)
    {
        if (Count == headers.Length)
        {
            Array.Resize(ref headers, Count * 2);
        }

        headers[Count++] = new Header(kind, relation, transactionId, position, commitMicroseconds) { NewFirst = columnCount, OldFirst = columnCount };
    }

    public void AddNew(ColumnState state, ReadOnlySpan<byte> value)
    {
        headers[Count - 1].NewCount++;
        headers[Count - 1].OldFirst++;
        AddColumn(state, value);
    }

    public void AddOld(OldTupleKind kind, ColumnState state, ReadOnlySpan<byte> value)
    {
        headers[Count - 1].OldKind = kind;
        headers[Count - 1].OldCount++;
        AddColumn(state, value);
    }

    /// <summary>Empties the batch and keeps its memory. Only while nobody else holds a change of it.</summary>
    public void Clear()
    {
        Array.Clear(headers, 0, Count);
        Count = 0;
        columnCount = 0;
        byteCount = 0;
    }

    /// <summary>Sets the end of the transaction of the last change, a <see cref="ChangeKind.Commit"/>.</summary>
    public void SetEnd(Lsn end) => headers[Count - 1].End = end;

    /// <summary>Gives all changes one position: rows of a page learn theirs after they were read.</summary>
    public void Place(SyncPosition position)
    {
        for (int i = 0; i < Count; i++)
        {
            headers[i].Position = position;
        }
    }

    internal ColumnState StateOf(int column) => columns[column].State;

    internal ReadOnlySpan<byte> BytesOf(int column) => bytes.AsSpan(columns[column].Start, columns[column].Length);

    internal ref readonly Header HeaderOf(int index) => ref headers[index];

    private void AddColumn(ColumnState state, ReadOnlySpan<byte> value)
    {
        if (columnCount == columns.Length)
        {
            Array.Resize(ref columns, columnCount * 2);
        }

        if (byteCount + value.Length > bytes.Length)
        {
            Array.Resize(ref bytes, (int)Math.Min(Array.MaxLength, Math.Max(bytes.Length * 2L, byteCount + (long)value.Length)));
        }

        value.CopyTo(bytes.AsSpan(byteCount));
        columns[columnCount++] = new Column(byteCount, value.Length, state);
        byteCount += value.Length;
    }

    private readonly record struct Column(int Start, int Length, ColumnState State);

    [SuppressMessage("Design", "CA1051", Justification = "A plain record of the batch, reached by reference.")]
    internal struct Header(ChangeKind kind, RelationShape? relation, uint transactionId, SyncPosition position, long commitMicroseconds)
    {
        public readonly ChangeKind Kind = kind;
        public readonly RelationShape? Relation = relation;
        public readonly uint TransactionId = transactionId;
        public SyncPosition Position = position;
        public readonly long CommitMicroseconds = commitMicroseconds;
        public Lsn End;
        public int NewFirst;
        public int NewCount;
        public int OldFirst;
        public int OldCount;
        public OldTupleKind OldKind;
    }
}

/// <summary>One change: a view into its batch.</summary>
internal readonly struct RowChange(ChangeBatch batch, int index)
{
    public ChangeKind Kind => batch.HeaderOf(index).Kind;

    /// <summary>The table, as it was when the change was made; not of <see cref="ChangeKind.Begin"/>, Commit and Message.</summary>
    public RelationShape Relation => batch.HeaderOf(index).Relation ?? throw new InvalidOperationException($"{Kind} has no table");

    /// <summary>The low 32 bits of the transaction's number, as the stream sends them.</summary>
    public uint TransactionId => batch.HeaderOf(index).TransactionId;

    public SyncPosition Position => batch.HeaderOf(index).Position;

    /// <summary>Microseconds since 2000-01-01 UTC, the server's form.</summary>
    public long CommitMicroseconds => batch.HeaderOf(index).CommitMicroseconds;

    public Lsn EndLsn => batch.HeaderOf(index).End;

    public OldTupleKind OldKind => batch.HeaderOf(index).OldKind;

    public RowTuple New => Tuple(batch.HeaderOf(index).NewFirst, batch.HeaderOf(index).NewCount);

    public RowTuple Old => Tuple(batch.HeaderOf(index).OldFirst, batch.HeaderOf(index).OldCount);

    private RowTuple Tuple(int first, int count) => count == 0 ? default : new RowTuple(batch, first, count);
}
