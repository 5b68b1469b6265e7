namespace Puff.Sync.Changes;

internal enum ColumnState : byte
{
    Null,

    /// <summary>A value stored out of line that an update did not touch: the server does not send it.</summary>
    Unchanged,

    /// <summary>In the text form of the type's output function.</summary>
    Text,

    /// <summary>In the form of the type's send function.</summary>
    Binary,
}

/// <summary>What a change says of the row before it.</summary>
internal enum OldTupleKind : byte
{
    None,

    /// <summary>The columns of the replica identity; the others come as null and mean "not sent".</summary>
    Key,

    /// <summary>The whole row.</summary>
    Full,
}

/// <summary>One row's columns: a view into its batch, valid as long as the batch.</summary>
internal readonly struct RowTuple(ChangeBatch batch, int firstColumn, int columnCount)
{
    private readonly ChangeBatch? batch = batch;

    /// <summary>False for the missing side of an insert or delete.</summary>
    public bool Exists => batch is not null;

    public int ColumnCount => columnCount;

    public ColumnState this[int ordinal] => batch!.StateOf(Index(ordinal));

    public bool IsNull(int ordinal) => this[ordinal] == ColumnState.Null;

    /// <summary>The value's bytes; empty for null and unchanged columns.</summary>
    public ReadOnlySpan<byte> Bytes(int ordinal) => batch!.BytesOf(Index(ordinal));

    private int Index(int ordinal) =>
        (uint)ordinal < (uint)columnCount ? firstColumn + ordinal : throw new ArgumentOutOfRangeException(nameof(ordinal), ordinal, null);
}
