using System.Buffers.Binary;
using Puff.Engine.Encoding;
using Puff.Engine.Schema;

namespace Puff.Engine.Formats;

/// <summary>
/// A document id inside a log entry: 8 bytes little-endian, 16 bytes in written order, or a varint length and UTF-8. The kind stands elsewhere.
/// </summary>
internal static class IdFormat
{
    public static void Write(ByteWriter writer, in DocumentId id)
    {
        switch (id.Kind)
        {
            case IdKind.UInt:
                writer.UInt64(id.AsUInt);
                break;
            case IdKind.Uuid:
                id.CopyUuidTo(writer.Reserve(16));
                break;
            default:
                writer.Block(id.AsUtf8);
                break;
        }
    }

    public static DocumentId Read(ref ByteReader reader, IdKind kind)
    {
        switch (kind)
        {
            case IdKind.UInt:
                return DocumentId.FromUInt(BinaryPrimitives.ReadUInt64LittleEndian(reader.Bytes(8)));
            case IdKind.Uuid:
                return DocumentId.FromUuid(reader.Bytes(16));
            case IdKind.String:
                var text = reader.Block();
                return text.Length <= DocumentId.MaxStringBytes
                    ? DocumentId.FromUtf8(text.ToArray())
                    : throw new CorruptDataException($"a string id of {text.Length} bytes");
            default:
                throw new CorruptDataException($"id kind {(byte)kind}");
        }
    }
}
