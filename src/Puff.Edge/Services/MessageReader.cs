using System.Buffers.Binary;
using Puff.Edge.Transport;

namespace Puff.Edge.Services;

/// <summary>
/// Walks the fields of one protobuf message without copying (protobuf encoding, "Message Structure"). The generated classes are used everywhere but on the
/// per-item path: they turn texts into UTF-16 and replace invalid bytes silently.
/// </summary>
internal ref struct MessageReader(ReadOnlySpan<byte> message)
{
    private ReadOnlySpan<byte> rest = message;

    /// <summary>Of the field that <see cref="Next"/> found.</summary>
    public int Field { get; private set; }

    /// <summary>A varint's value, or a fixed one's bits.</summary>
    public ulong Number { get; private set; }

    /// <summary>A length-delimited value's bytes.</summary>
    public ReadOnlySpan<byte> Bytes { get; private set; }

    public bool IsBytes { get; private set; }

    public bool Next()
    {
        if (rest.IsEmpty)
        {
            return false;
        }

        ulong tag = ReadVarint();
        Field = (int)(tag >> 3);
        if (Field == 0 || tag > uint.MaxValue)
        {
            throw Malformed();
        }

        IsBytes = (tag & 7) == 2;
        switch (tag & 7)
        {
            case 0:
                Number = ReadVarint();
                break;
            case 1:
                Number = BinaryPrimitives.ReadUInt64LittleEndian(Take(8));
                break;
            case 2:
                ulong length = ReadVarint();
                Bytes = length <= (ulong)rest.Length ? Take((int)length) : throw Malformed();
                break;
            case 5:
                Number = BinaryPrimitives.ReadUInt32LittleEndian(Take(4));
                break;
            default:
                throw Malformed();
        }

        return true;
    }

    /// <summary>The field's text, checked.</summary>
    public readonly ReadOnlySpan<byte> Text(string what)
    {
        KvStore.CheckText(Payload(), what);
        return Bytes;
    }

    public readonly ReadOnlySpan<byte> Payload() => IsBytes ? Bytes : throw Malformed();

    public readonly ulong Integer() => IsBytes ? throw Malformed() : Number;

    /// <summary>The numbers of a packed field.</summary>
    public readonly void Varints(List<ulong> numbers)
    {
        var packed = new MessageReader(Payload());
        while (!packed.rest.IsEmpty)
        {
            numbers.Add(packed.ReadVarint());
        }
    }

    private ReadOnlySpan<byte> Take(int count)
    {
        if (count > rest.Length)
        {
            throw Malformed();
        }

        ReadOnlySpan<byte> taken = rest[..count];
        rest = rest[count..];
        return taken;
    }

    private ulong ReadVarint()
    {
        ulong value = 0;
        for (int index = 0; index < rest.Length && index < 10; index++)
        {
            byte part = rest[index];
            value |= (ulong)(part & 0x7f) << (7 * index);
            if (part < 0x80)
            {
                rest = rest[(index + 1)..];
                return value;
            }
        }

        throw Malformed();
    }

    private static EdgeException Malformed() => EdgeException.Internal("a message is no valid protobuf");
}
