using System.Buffers.Binary;

namespace Puff.Engine.Encoding;

/// <summary>Reads what <see cref="ByteWriter"/> wrote. Every overrun or impossible number is a <see cref="CorruptDataException"/>.</summary>
internal ref struct ByteReader(ReadOnlySpan<byte> data)
{
    private readonly ReadOnlySpan<byte> data = data;

    public int Position { get; private set; }

    public readonly int Remaining => data.Length - Position;

    public readonly bool AtEnd => Position == data.Length;

    public ReadOnlySpan<byte> Bytes(int count)
    {
        if (count < 0 || count > Remaining)
        {
            throw new CorruptDataException($"{count} bytes wanted at offset {Position}, {Remaining} left");
        }

        var result = data.Slice(Position, count);
        Position += count;
        return result;
    }

    public byte Byte() => Bytes(1)[0];

    public ushort UInt16() => BinaryPrimitives.ReadUInt16LittleEndian(Bytes(2));

    public uint UInt32() => BinaryPrimitives.ReadUInt32LittleEndian(Bytes(4));

    public ulong UInt64() => BinaryPrimitives.ReadUInt64LittleEndian(Bytes(8));

    public long Int64() => BinaryPrimitives.ReadInt64LittleEndian(Bytes(8));

    public double Double() => BinaryPrimitives.ReadDoubleLittleEndian(Bytes(8));

    public ulong Varint()
    {
        ulong result = 0;
        for (int shift = 0; shift < 64; shift += 7)
        {
            byte part = Byte();
            if (shift == 63 && part > 1)
            {
                break;
            }

            result |= (ulong)(part & 0x7F) << shift;
            if (part < 0x80)
            {
                return result;
            }
        }

        throw new CorruptDataException($"the varint before offset {Position} is longer than 64 bits");
    }

    /// <summary>A varint below 2³¹.</summary>
    public int Int32Varint()
    {
        ulong value = Varint();
        return value <= int.MaxValue ? (int)value : throw new CorruptDataException($"number {value} before offset {Position} is out of range");
    }

    /// <summary>A varint below 2⁶³.</summary>
    public long Int64Varint()
    {
        ulong value = Varint();
        return value <= long.MaxValue ? (long)value : throw new CorruptDataException($"number {value} before offset {Position} is out of range");
    }

    /// <summary>A byte that is 0 or 1.</summary>
    public bool Boolean()
    {
        byte value = Byte();
        return value <= 1 ? value == 1 : throw new CorruptDataException($"{value} at offset {Position - 1} is no boolean");
    }

    /// <summary>A varint that counts things of at least <paramref name="minimumBytes"/> bytes each, so that a damaged count cannot ask for the world.</summary>
    public int Count(int minimumBytes = 1)
    {
        ulong count = Varint();
        if (count > (ulong)(Remaining / Math.Max(minimumBytes, 1)))
        {
            throw new CorruptDataException($"a count of {count} at offset {Position} does not fit the {Remaining} bytes left");
        }

        return (int)count;
    }

    public ReadOnlySpan<byte> Block() => Bytes(Count());

    public string Text()
    {
        try
        {
            return StrictUtf8.GetString(Block());
        }
        catch (System.Text.DecoderFallbackException)
        {
            throw new CorruptDataException($"the text before offset {Position} is not UTF-8");
        }
    }

    public void Align(int alignment) => Bytes(-Position & (alignment - 1));

    public readonly void ExpectEnd()
    {
        if (!AtEnd)
        {
            throw new CorruptDataException($"{Remaining} bytes too many at offset {Position}");
        }
    }

    private static readonly System.Text.UTF8Encoding StrictUtf8 = new(false, throwOnInvalidBytes: true);
}
