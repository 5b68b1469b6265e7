using Puff.Engine.Encoding;
using Xunit;

namespace Puff.Engine.Tests.Encoding;

/// <summary>What the writer writes, the reader reads; and nothing that it is given makes the reader do anything but read or refuse.</summary>
public sealed class ByteReaderTests
{
    private static readonly ulong[] Varints =
        [0, 1, 127, 128, 16_383, 16_384, uint.MaxValue, (1UL << 63) - 1, 1UL << 63, ulong.MaxValue];

    [Fact]
    public void Primitives_have_the_promised_bytes()
    {
        using var writer = new ByteWriter();
        writer.Byte(0x01);
        writer.UInt16(0x0203);
        writer.UInt32(0x04050607);
        writer.UInt64(0x08090A0B0C0D0E0F);
        writer.Int64(-2);
        writer.Double(1.5);
        writer.Varint(300);
        writer.Text("é");
        writer.Block([9, 8]);
        writer.Align(8);
        Assert.Equal(
            "01" + "0302" + "07060504" + "0F0E0D0C0B0A0908" + "FEFFFFFFFFFFFFFF" + "000000000000F83F" + "AC02" + "02C3A9" + "020908" + "00",
            Convert.ToHexString(writer.Written.AsSpan()));
    }

    [Fact]
    public void Random_sequences_read_back()
    {
        var random = new Random(1);
        for (int round = 0; round < 200; round++)
        {
            using var writer = new ByteWriter(initialCapacity: 1);
            int[] operations = [.. Enumerable.Range(0, random.Next(1, 60)).Select(_ => random.Next(10))];
            int seed = random.Next();
            var values = new Random(seed);
            foreach (int operation in operations)
            {
                Write(writer, operation, values);
            }

            var reader = new ByteReader(writer.Written.AsSpan());
            values = new Random(seed);
            foreach (int operation in operations)
            {
                AssertReads(ref reader, operation, values);
            }

            reader.ExpectEnd();
        }
    }

    [Fact]
    public void Varints_of_every_size_read_back_and_none_is_longer_than_ten_bytes()
    {
        foreach (ulong value in Varints)
        {
            using var writer = new ByteWriter();
            writer.Varint(value);
            Assert.InRange(writer.Length, 1, 10);
            var reader = new ByteReader(writer.Written.AsSpan());
            Assert.Equal(value, reader.Varint());
            reader.ExpectEnd();
        }
    }

    [Theory]
    [InlineData("FFFFFFFFFFFFFFFFFF02")] // bit 64
    [InlineData("FFFFFFFFFFFFFFFFFFFF01")] // eleven bytes
    [InlineData("80")] // cut off
    [InlineData("")]
    public void Impossible_varints_are_refused(string hex) => AssertCorrupt(hex, (ref ByteReader reader) => reader.Varint());

    [Theory]
    [InlineData("05AABB")] // more bytes than there are
    [InlineData("FFFFFFFFFFFFFFFFFF01")] // 2^64 - 1
    [InlineData("8080808010")] // 2^32, which an int would lose
    public void Blocks_longer_than_the_data_are_refused(string hex)
    {
        AssertCorrupt(hex, (ref ByteReader reader) => reader.Block());
        AssertCorrupt(hex, (ref ByteReader reader) => reader.Text());
    }

    [Fact]
    public void Counts_are_held_against_the_bytes_left()
    {
        var reader = new ByteReader([3, 0, 0, 0, 0, 0, 0]);
        Assert.Equal(3, reader.Count(minimumBytes: 2));
        AssertCorrupt("03000000000000", (ref ByteReader r) => r.Count(minimumBytes: 3));
    }

    [Theory]
    [InlineData("01FF")]
    [InlineData("02C328")]
    [InlineData("03EDA080")] // a surrogate
    public void Text_that_is_not_UTF8_is_refused(string hex) => AssertCorrupt(hex, (ref ByteReader reader) => reader.Text());

    [Fact]
    public void Trailing_bytes_and_overruns_are_refused()
    {
        AssertCorrupt("00", (ref ByteReader reader) => reader.ExpectEnd());
        AssertCorrupt("000000", (ref ByteReader reader) => reader.UInt32());
        AssertCorrupt("0000", (ref ByteReader reader) => reader.Bytes(-1));
        AssertCorrupt("0000", (ref ByteReader reader) => reader.Bytes(3));
        AssertCorrupt(
            "000000",
            (ref ByteReader reader) =>
            {
                reader.Byte();
                reader.Align(4);
                reader.Align(4);
                reader.Byte();
            });
    }

    /// <summary>Any bytes at all: every call reads or refuses, and never leaves the data.</summary>
    [Fact]
    public void Random_bytes_are_read_or_refused()
    {
        var random = new Random(7);
        var scratch = new Random(8);
        for (int round = 0; round < 20_000; round++)
        {
            byte[] data = new byte[random.Next(24)];
            random.NextBytes(data);
            var reader = new ByteReader(data);
            try
            {
                while (!reader.AtEnd)
                {
                    ReadAny(ref reader, scratch.Next(10));
                }
            }
            catch (CorruptDataException)
            {
                // Refused, as it may.
            }

            Assert.InRange(reader.Position, 0, data.Length);
        }
    }

    [Fact]
    public void Patches_stay_inside_of_what_is_written()
    {
        using var writer = new ByteWriter();
        writer.UInt64(0);
        writer.PatchUInt32(4, 0xAABBCCDD);
        Assert.Equal("00000000DDCCBBAA", Convert.ToHexString(writer.Written.AsSpan()));
        writer.PatchUInt64(0, 1);
        Assert.Equal("0100000000000000", Convert.ToHexString(writer.Written.AsSpan()));
        Assert.Throws<ArgumentOutOfRangeException>(() => writer.PatchUInt32(5, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => writer.PatchUInt64(1, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => writer.PatchUInt32(-1, 1));
    }

    [Fact]
    public void A_region_gives_out_nothing_beyond_itself()
    {
        using var writer = new ByteWriter();
        writer.Bytes([1, 2, 3, 4]);
        var region = writer.Written;
        Assert.Equal([2, 3], region.Slice(1, 2).AsSpan().ToArray());
        Assert.Equal([4], region.Span(3, 1).ToArray());
        Assert.Equal(0, region.Slice(4, 0).Length);
        foreach (var (offset, count) in new (long, long)[] { (0, 5), (5, 0), (-1, 1), (0, -1), (long.MaxValue, 2), (2, long.MaxValue) })
        {
            Assert.Throws<CorruptDataException>(() => writer.Written.Slice(offset, count));
        }
    }

    private delegate void Reading(ref ByteReader reader);

    private static void AssertCorrupt(string hex, Reading read)
    {
        byte[] data = Convert.FromHexString(hex);
        Assert.Throws<CorruptDataException>(() =>
        {
            var reader = new ByteReader(data);
            read(ref reader);
        });
    }

    private static void Write(ByteWriter writer, int operation, Random values)
    {
        switch (operation)
        {
            case 0: writer.Byte((byte)values.Next()); break;
            case 1: writer.UInt16((ushort)values.Next()); break;
            case 2: writer.UInt32((uint)values.Next()); break;
            case 3: writer.UInt64((ulong)values.NextInt64()); break;
            case 4: writer.Int64(-values.NextInt64()); break;
            case 5: writer.Double(values.NextDouble()); break;
            case 6: writer.Varint((ulong)values.NextInt64() >> values.Next(64)); break;
            case 7: writer.Text(RandomText(values)); break;
            case 8: writer.Block(RandomBytes(values)); break;
            default: writer.Align(8); break;
        }
    }

    private static void AssertReads(ref ByteReader reader, int operation, Random values)
    {
        switch (operation)
        {
            case 0: Assert.Equal((byte)values.Next(), reader.Byte()); break;
            case 1: Assert.Equal((ushort)values.Next(), reader.UInt16()); break;
            case 2: Assert.Equal((uint)values.Next(), reader.UInt32()); break;
            case 3: Assert.Equal((ulong)values.NextInt64(), reader.UInt64()); break;
            case 4: Assert.Equal(-values.NextInt64(), reader.Int64()); break;
            case 5: Assert.Equal(values.NextDouble(), reader.Double()); break;
            case 6: Assert.Equal((ulong)values.NextInt64() >> values.Next(64), reader.Varint()); break;
            case 7: Assert.Equal(RandomText(values), reader.Text()); break;
            case 8: Assert.Equal(RandomBytes(values), reader.Block().ToArray()); break;
            default: reader.Align(8); break;
        }
    }

    private static void ReadAny(ref ByteReader reader, int operation)
    {
        switch (operation)
        {
            case 0: reader.Byte(); break;
            case 1: reader.UInt16(); break;
            case 2: reader.UInt32(); break;
            case 3: reader.UInt64(); break;
            case 4: reader.Int64(); break;
            case 5: reader.Double(); break;
            case 6: reader.Varint(); break;
            case 7: reader.Text(); break;
            case 8: reader.Block(); break;
            default: reader.Count(minimumBytes: 3); break;
        }
    }

    private static string RandomText(Random values) => new([.. Enumerable.Range(0, values.Next(20)).Select(_ => "aé日z"[values.Next(4)])]);

    private static byte[] RandomBytes(Random values)
    {
        byte[] bytes = new byte[values.Next(300)];
        values.NextBytes(bytes);
        return bytes;
    }
}
