using System.Buffers.Binary;

namespace Puff.Sync.Postgres;

/// <summary>Walks through one message of the stream and never past its end: numbers are big-endian, strings end with a zero byte.</summary>
internal ref struct ProtocolReader(ReadOnlySpan<byte> message)
{
    private ReadOnlySpan<byte> rest = message;

    public readonly bool IsAtEnd => rest.IsEmpty;

    public byte Byte() => Bytes(1)[0];

    public ushort UInt16() => BinaryPrimitives.ReadUInt16BigEndian(Bytes(2));

    public int Int32() => BinaryPrimitives.ReadInt32BigEndian(Bytes(4));

    public uint UInt32() => BinaryPrimitives.ReadUInt32BigEndian(Bytes(4));

    public long Int64() => BinaryPrimitives.ReadInt64BigEndian(Bytes(8));

    public ulong UInt64() => BinaryPrimitives.ReadUInt64BigEndian(Bytes(8));

    public ReadOnlySpan<byte> Bytes(int length)
    {
        if ((uint)length > (uint)rest.Length)
        {
            throw new ProtocolException($"{length} bytes are announced where {rest.Length} are left");
        }

        var taken = rest[..length];
        rest = rest[length..];
        return taken;
    }

    public ReadOnlySpan<byte> Terminated()
    {
        int length = rest.IndexOf((byte)0);
        if (length < 0)
        {
            throw new ProtocolException("a string has no end");
        }

        var text = rest[..length];
        rest = rest[(length + 1)..];
        return text;
    }

    /// <summary>Invalid UTF-8, which databases without an encoding may send, becomes replacement characters.</summary>
    public string Text() => System.Text.Encoding.UTF8.GetString(Terminated());

    /// <summary>The message must be used up: what follows is not understood.</summary>
    public readonly void End()
    {
        if (!rest.IsEmpty)
        {
            throw new ProtocolException($"{rest.Length} bytes follow the end of the message");
        }
    }
}

/// <summary>A message of the stream that cannot be taken apart.</summary>
/// <param name="isUnknown">True for a message type or version that this program does not know, false for damage.</param>
internal sealed class ProtocolException(string message, bool isUnknown = false) : Exception(message)
{
    public bool IsUnknown { get; } = isUnknown;
}
