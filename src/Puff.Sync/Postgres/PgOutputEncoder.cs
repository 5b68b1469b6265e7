using System.Buffers;
using System.Buffers.Binary;
using Puff.Sync.Changes;

namespace Puff.Sync.Postgres;

/// <summary>Writes messages of pgoutput, protocol version 1: the other side of <see cref="PgOutputDecoder"/>, for generated streams.</summary>
internal sealed class PgOutputEncoder
{
    private readonly ArrayBufferWriter<byte> message = new();

    /// <summary>The message written last; valid until the next is begun.</summary>
    public ReadOnlyMemory<byte> Message => message.WrittenMemory;

    public void Begin(Lsn commit, long commitMicroseconds, uint transactionId)
    {
        Start('B');
        UInt64(commit.Value);
        UInt64((ulong)commitMicroseconds);
        UInt32(transactionId);
    }

    public void Commit(Lsn commit, Lsn end, long commitMicroseconds)
    {
        Start('C');
        Byte(0);
        UInt64(commit.Value);
        UInt64(end.Value);
        UInt64((ulong)commitMicroseconds);
    }

    public void Relation(RelationShape shape)
    {
        Start('R');
        UInt32(shape.Oid);
        Text(shape.Schema == "pg_catalog" ? "" : shape.Schema);
        Text(shape.Table);
        Byte((byte)"dnfi"[(int)shape.Identity]);
        UInt16((ushort)shape.Columns.Count);
        foreach (var column in shape.Columns)
        {
            Byte(column.IsKey ? (byte)1 : (byte)0);
            Text(column.Name);
            UInt32(column.TypeOid);
            UInt32((uint)column.TypeModifier);
        }
    }

    /// <param name="row">Text of each column; null for NULL, <see cref="Unchanged"/> for a value that is not sent.</param>
    public void Insert(RelationShape shape, params ReadOnlySpan<string?> row)
    {
        Start('I');
        UInt32(shape.Oid);
        Tuple('N', row);
    }

    public void Update(RelationShape shape, OldTupleKind kind, ReadOnlySpan<string?> old, ReadOnlySpan<string?> row)
    {
        Start('U');
        UInt32(shape.Oid);
        if (kind != OldTupleKind.None)
        {
            Tuple(kind == OldTupleKind.Key ? 'K' : 'O', old);
        }

        Tuple('N', row);
    }

    public void Delete(RelationShape shape, OldTupleKind kind, params ReadOnlySpan<string?> old)
    {
        Start('D');
        UInt32(shape.Oid);
        Tuple(kind == OldTupleKind.Key ? 'K' : 'O', old);
    }

    public void Truncate(params ReadOnlySpan<RelationShape> shapes)
    {
        Start('T');
        UInt32((uint)shapes.Length);
        Byte(0);
        foreach (var shape in shapes)
        {
            UInt32(shape.Oid);
        }
    }

    public void LogicalMessage(bool isTransactional, string prefix, ReadOnlySpan<byte> content)
    {
        Start('M');
        Byte(isTransactional ? (byte)1 : (byte)0);
        UInt64(0);
        Text(prefix);
        UInt32((uint)content.Length);
        message.Write(content);
    }

    public void Origin(string name)
    {
        Start('O');
        UInt64(0);
        Text(name);
    }

    /// <summary>Stands for a value the server does not send.</summary>
    public static string Unchanged { get; } = new(['u', 'n', 'c', 'h', 'a', 'n', 'g', 'e', 'd']);

    private void Tuple(char kind, ReadOnlySpan<string?> columns)
    {
        Byte((byte)kind);
        UInt16((ushort)columns.Length);
        foreach (string? column in columns)
        {
            if (column is null || ReferenceEquals(column, Unchanged))
            {
                Byte(column is null ? (byte)'n' : (byte)'u');
                continue;
            }

            Byte((byte)'t');
            byte[] value = System.Text.Encoding.UTF8.GetBytes(column);
            UInt32((uint)value.Length);
            message.Write(value);
        }
    }

    private void Start(char type)
    {
        message.ResetWrittenCount();
        Byte((byte)type);
    }

    private void Text(string text)
    {
        message.Write(System.Text.Encoding.UTF8.GetBytes(text));
        Byte(0);
    }

    private void Byte(byte value)
    {
        message.GetSpan(1)[0] = value;
        message.Advance(1);
    }

    private void UInt16(ushort value)
    {
        BinaryPrimitives.WriteUInt16BigEndian(message.GetSpan(2), value);
        message.Advance(2);
    }

    private void UInt32(uint value)
    {
        BinaryPrimitives.WriteUInt32BigEndian(message.GetSpan(4), value);
        message.Advance(4);
    }

    private void UInt64(ulong value)
    {
        BinaryPrimitives.WriteUInt64BigEndian(message.GetSpan(8), value);
        message.Advance(8);
    }
}
