using Puff.Engine.Encoding;
using Puff.Engine.Formats;
using Puff.Engine.Numerics;
using Puff.TestKit.Segments;
using Xunit;

namespace Puff.Engine.Tests.Formats;

public class EnvelopeTests
{
    [Fact]
    public void The_body_comes_back()
    {
        byte[] content = Write("TEST"u8, 3, [1, 2, 3]);
        Assert.Equal([1, 2, 3], Envelope.Open(content, "TEST"u8, 3, out ushort version).ToArray());
        Assert.Equal(3, version);
    }

    [Fact]
    public void Another_magic_and_a_newer_version_are_refused()
    {
        byte[] content = Write("TEST"u8, 3, [1, 2, 3]);
        Assert.Throws<CorruptDataException>(() => Envelope.Open(content, "TOST"u8, 3, out _));
        Assert.Throws<CorruptDataException>(() => Envelope.Open(content, "TEST"u8, 2, out _));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(64)]
    [InlineData(1000)]
    public void Every_truncation_and_flipped_bit_of_a_deletion_bitmap_is_refused(int documents)
    {
        var random = new Xorshift(documents);
        var deleted = new BitSet(documents);
        for (int i = 0; i < documents; i++)
        {
            deleted[i] = random.Next(3) == 0;
        }

        byte[] content = DeletesFormat.Write(deleted);
        Assert.Equal(ValueText.Of(deleted), ValueText.Of(DeletesFormat.Read(content)));
        for (int length = 0; length < content.Length; length++)
        {
            Assert.Throws<CorruptDataException>(() => DeletesFormat.Read(content.AsSpan(0, length)));
        }

        for (int bit = 0; bit < content.Length * 8; bit++)
        {
            content[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.Throws<CorruptDataException>(() => DeletesFormat.Read(content));
            content[bit / 8] ^= (byte)(1 << (bit % 8));
        }
    }

    [Fact]
    public void A_bitmap_with_a_bit_beyond_its_documents_is_refused()
    {
        using var writer = new ByteWriter();
        Envelope.Begin(writer, "PUFD"u8, 1);
        writer.UInt32(3);
        writer.UInt32(1);
        writer.UInt64(1UL << 3);
        Envelope.End(writer);
        Assert.Throws<CorruptDataException>(() => DeletesFormat.Read(writer.Written.AsSpan()));
    }

    private static byte[] Write(ReadOnlySpan<byte> magic, ushort version, ReadOnlySpan<byte> body)
    {
        using var writer = new ByteWriter();
        Envelope.Begin(writer, magic, version);
        writer.Bytes(body);
        Envelope.End(writer);
        return writer.Written.AsSpan().ToArray();
    }
}
