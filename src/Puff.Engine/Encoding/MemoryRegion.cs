namespace Puff.Engine.Encoding;

/// <summary>
/// A view of unmanaged memory that somebody else keeps alive: how mapped objects and native buffers are handed to the codecs.
/// May be longer than 2 GiB. Every access is checked against the length, because the bytes may come from a damaged object.
/// </summary>
internal readonly unsafe struct MemoryRegion(byte* pointer, long length)
{
    public byte* Pointer { get; } = pointer;

    public long Length { get; } = length;

    public MemoryRegion Slice(long offset, long count)
    {
        if (offset < 0 || count < 0 || offset > Length - count)
        {
            throw new CorruptDataException($"bytes {offset}..{offset + count} lie outside a region of {Length} bytes");
        }

        return new MemoryRegion(Pointer + offset, count);
    }

    public ReadOnlySpan<byte> Span(long offset, int count)
    {
        var slice = Slice(offset, count);
        return new ReadOnlySpan<byte>(slice.Pointer, count);
    }

    public ReadOnlySpan<byte> AsSpan() => new(Pointer, checked((int)Length));
}

/// <summary>
/// Bytes that break their format: a checksum, a length, a number out of its range. Decoders throw it without knowing where the bytes came from;
/// whoever fetched the object turns it into a <see cref="PuffException"/> of kind Corrupt that names the object's key.
/// </summary>
internal sealed class CorruptDataException(string message) : Exception(message);
