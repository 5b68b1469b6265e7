using Puff.Engine.Encoding;
using Puff.Engine.Schema;

namespace Puff.Engine.Formats;

/// <summary>The numbers are stored: they only grow.</summary>
internal enum OperationKind : byte
{
    Upsert = 1,
    Patch = 2,
    Delete = 3,
}

/// <summary>A resolved operation. Row is empty for deletes; RowOffset is its place in the operations section.</summary>
internal readonly ref struct Operation(OperationKind kind, DocumentId id, ReadOnlySpan<byte> row, int rowOffset)
{
    public readonly OperationKind Kind = kind;
    public readonly DocumentId Id = id;
    public readonly ReadOnlySpan<byte> Row = row;
    public readonly int RowOffset = rowOffset;
}

/// <summary>
/// The operations section of a WAL entry: one byte with the id kind, then for each operation its kind, id, and (but for deletes) its row with a varint length.
/// The k-th upsert owns the k-th vector of each vectors section.
/// </summary>
internal static class OperationFormat
{
    public static void WriteStart(ByteWriter writer, IdKind kind) => writer.Byte((byte)kind);

    public static void WriteDelete(ByteWriter writer, in DocumentId id)
    {
        writer.Byte((byte)OperationKind.Delete);
        IdFormat.Write(writer, id);
    }

    public static void WriteRow(ByteWriter writer, OperationKind kind, in DocumentId id, ReadOnlySpan<byte> row)
    {
        writer.Byte((byte)kind);
        IdFormat.Write(writer, id);
        writer.Block(row);
    }

    /// <summary>The operations of a whole section, for `foreach`; none when it is empty.</summary>
    public static OperationEnumerator Enumerate(MemoryRegion section) => new(section, 0);

    /// <summary>The operations of a section from a length it had before.</summary>
    public static OperationEnumerator EnumerateFrom(MemoryRegion section, long offset) => new(section, offset);

    internal static Operation Read(scoped ref ByteReader reader, IdKind idKind)
    {
        var kind = (OperationKind)reader.Byte();
        if (kind is < OperationKind.Upsert or > OperationKind.Delete)
        {
            throw new CorruptDataException($"operation kind {(byte)kind} at offset {reader.Position - 1}");
        }

        var id = IdFormat.Read(ref reader, idKind);
        if (kind == OperationKind.Delete)
        {
            return new Operation(kind, id, default, 0);
        }

        var row = reader.Block();
        return new Operation(kind, id, row, reader.Position - row.Length);
    }
}

/// <summary>Walks over an operations section; throws <see cref="CorruptDataException"/> where it breaks its format.</summary>
internal ref struct OperationEnumerator
{
    private readonly IdKind kind;
    private ByteReader reader;
    private Operation current;

    public OperationEnumerator(MemoryRegion section, long offset)
    {
        reader = new ByteReader(section.AsSpan());
        if (section.Length > 0)
        {
            kind = (IdKind)reader.Byte();
            reader.Bytes((int)Math.Max(offset - 1, 0));
        }
    }

    public readonly Operation Current => current;

    public readonly OperationEnumerator GetEnumerator() => this;

    public bool MoveNext()
    {
        if (reader.AtEnd)
        {
            return false;
        }

        current = OperationFormat.Read(ref reader, kind);
        return true;
    }
}
