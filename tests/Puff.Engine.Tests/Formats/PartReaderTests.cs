using Puff.Engine.Encoding;
using Puff.Engine.Formats;
using Puff.Engine.Storage;
using Xunit;

namespace Puff.Engine.Tests.Formats;

/// <summary>What is copied out of a part is verified like what is read in place, by the bytes that are copied.</summary>
public sealed unsafe class PartReaderTests : IDisposable
{
    private const int Length = (2 * PartFormat.BlockBytes) + 1_000;

    private readonly byte[] content = new byte[Length];
    private readonly NativeObjectMemory memory;
    private readonly Bytes source;
    private readonly PartReader copying;

    public PartReaderTests()
    {
        new Random(3).NextBytes(content);
        using var part = new PartEncoder(PartKind.Vectors);
        part.BeginSection();
        part.Buffer.Bytes(content);
        part.EndSection(PartSection.Vectors);
        part.Finish(1);
        memory = NativeObjectMemory.CopyOf(part.Buffer.Written.AsSpan());
        source = new Bytes(memory);
        copying = new PartReader(new MemoryRegion(memory.Pointer, memory.Length), PartKind.Vectors, source);
    }

    public void Dispose() => memory.Release();

    [Fact]
    public void Copies_are_what_is_read_in_place()
    {
        var inPlace = new PartReader(new MemoryRegion(memory.Pointer, memory.Length), PartKind.Vectors);
        Assert.True(copying.PrefersCopies);
        Assert.False(inPlace.PrefersCopies);
        foreach (var reader in new[] { copying, inPlace })
        {
            foreach (int offset in new[] { 0, 77, PartFormat.BlockBytes - 500, Length - 1_000 })
            {
                byte[] copy = new byte[1_000];
                reader.Copy(reader.Find(PartSection.Vectors), offset, copy);
                Assert.Equal(content[offset..(offset + 1_000)], copy);
            }
        }
    }

    [Fact]
    public void A_block_is_verified_once()
    {
        var section = copying.Find(PartSection.Vectors);
        copying.Copy(section, 5, new byte[10]);
        Assert.Equal(PartFormat.BlockBytes + 10, source.Read);
        copying.Copy(section, 5_000, new byte[10]);
        copying.Slice(section, 9_000, 10);
        Assert.Equal(PartFormat.BlockBytes + 20, source.Read);
    }

    [Fact]
    public void Damage_in_a_block_is_found_before_anything_of_it_is_handed_out()
    {
        var section = copying.Find(PartSection.Vectors);
        memory.WritableSpan[(int)section.Offset + PartFormat.BlockBytes + 4_000] ^= 1;
        copying.Copy(section, 100, new byte[10]);
        byte[] copy = new byte[10];
        Assert.Throws<CorruptDataException>(() => copying.Copy(section, PartFormat.BlockBytes + 100, copy));
        Assert.Throws<CorruptDataException>(() => copying.Copy(section, PartFormat.BlockBytes + 100, copy));
        Assert.Equal(new byte[10], copy);
    }

    [Theory]
    [InlineData(-1, 1)]
    [InlineData(Length, 1)]
    [InlineData(Length - 9, 10)]
    [InlineData(long.MaxValue, 1)]
    public void Nothing_outside_of_a_section_is_copied(long offset, int length) =>
        Assert.Throws<CorruptDataException>(() => copying.Copy(copying.Find(PartSection.Vectors), offset, new byte[length]));

    private sealed class Bytes(ObjectMemory memory) : IByteSource
    {
        public long Read { get; private set; }

        void IByteSource.Read(long offset, Span<byte> destination)
        {
            Read += destination.Length;
            memory.Read(offset, destination);
        }
    }
}
