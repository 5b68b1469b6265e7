using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Puff.Engine.Encoding;

/// <summary>Appends little-endian primitives and varints (LEB128) to a growing unmanaged buffer; the counterpart of <see cref="ByteReader"/>.</summary>
internal sealed unsafe class ByteWriter : IDisposable
{
    private byte* buffer;
    private long capacity;
    private long length;

    public ByteWriter(long initialCapacity = 1024)
    {
        capacity = Math.Max(initialCapacity, 64);
        buffer = (byte*)NativeMemory.AlignedAlloc((nuint)capacity, 64);
    }

    public long Length => length;

    /// <summary>Bytes allocated.</summary>
    public long Capacity => capacity;

    public MemoryRegion Written => new(buffer, length);

    public void Dispose()
    {
        NativeMemory.AlignedFree(buffer);
        buffer = null;
        GC.SuppressFinalize(this);
    }

    ~ByteWriter() => NativeMemory.AlignedFree(buffer);

    public void Clear() => length = 0;

    /// <summary>Takes back everything written after <paramref name="newLength"/>.</summary>
    public void Truncate(long newLength)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((ulong)newLength, (ulong)length, nameof(newLength));
        length = newLength;
    }

    /// <summary>Hands out the next <paramref name="count"/> bytes to write into; valid until the next call.</summary>
    public Span<byte> Reserve(int count)
    {
        EnsureCapacity(count);
        var span = new Span<byte>(buffer + length, count);
        length += count;
        return span;
    }

    public void Byte(byte value) => Reserve(1)[0] = value;

    public void UInt16(ushort value) => BinaryPrimitives.WriteUInt16LittleEndian(Reserve(2), value);

    public void UInt32(uint value) => BinaryPrimitives.WriteUInt32LittleEndian(Reserve(4), value);

    public void UInt64(ulong value) => BinaryPrimitives.WriteUInt64LittleEndian(Reserve(8), value);

    public void Int64(long value) => BinaryPrimitives.WriteInt64LittleEndian(Reserve(8), value);

    public void Double(double value) => BinaryPrimitives.WriteDoubleLittleEndian(Reserve(8), value);

    public void Varint(ulong value)
    {
        EnsureCapacity(10);
        while (value >= 0x80)
        {
            buffer[length++] = (byte)(value | 0x80);
            value >>= 7;
        }

        buffer[length++] = (byte)value;
    }

    public void Bytes(ReadOnlySpan<byte> value) => value.CopyTo(Reserve(value.Length));

    /// <summary>A varint length, then the bytes.</summary>
    public void Block(ReadOnlySpan<byte> value)
    {
        Varint((ulong)value.Length);
        Bytes(value);
    }

    /// <summary>A varint length, then UTF-8.</summary>
    public void Text(string value)
    {
        int count = System.Text.Encoding.UTF8.GetByteCount(value);
        Varint((ulong)count);
        System.Text.Encoding.UTF8.GetBytes(value, Reserve(count));
    }

    /// <summary>Zero bytes up to the next multiple of <paramref name="alignment"/> (a power of two) of the length.</summary>
    public void Align(int alignment) => Reserve((int)(-length & (alignment - 1))).Clear();

    /// <summary>Overwrites four bytes written before.</summary>
    public void PatchUInt32(long offset, uint value)
    {
        if (offset < 0 || offset > length - 4)
        {
            throw new ArgumentOutOfRangeException(nameof(offset));
        }

        BinaryPrimitives.WriteUInt32LittleEndian(new Span<byte>(buffer + offset, 4), value);
    }

    /// <summary>Overwrites eight bytes written before.</summary>
    public void PatchUInt64(long offset, ulong value)
    {
        if (offset < 0 || offset > length - 8)
        {
            throw new ArgumentOutOfRangeException(nameof(offset));
        }

        BinaryPrimitives.WriteUInt64LittleEndian(new Span<byte>(buffer + offset, 8), value);
    }

    private void EnsureCapacity(int more)
    {
        if (length + more <= capacity)
        {
            return;
        }

        long wanted = Math.Max(capacity * 2, length + more);
        var larger = (byte*)NativeMemory.AlignedAlloc((nuint)wanted, 64);
        Buffer.MemoryCopy(buffer, larger, wanted, length);
        NativeMemory.AlignedFree(buffer);
        buffer = larger;
        capacity = wanted;
    }
}
