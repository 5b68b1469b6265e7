using Puff.Engine.Encoding;
using Xunit;

namespace Puff.Engine.Tests.Encoding;

/// <summary>Blocks of packed integers come back as they were, by either implementation, at every width and length.</summary>
public sealed unsafe class PackedIntegersTests
{
    public static TheoryData<int> Widths => [.. Enumerable.Range(0, 33)];

    [Theory]
    [MemberData(nameof(Widths))]
    public void Values_come_back_from_exactly_their_bytes(int bits)
    {
        var random = new Random(bits);
        for (int count = 1; count <= PackedIntegers.BlockLength; count++)
        {
            uint[] values = Values(random, bits, count);
            int bytes = PackedIntegers.Bytes(bits, count);
            byte[] packed = new byte[bytes + 64];
            random.NextBytes(packed);
            byte[] behind = packed[bytes..];
            PackedIntegers.Pack(values, bits, packed);
            Assert.Equal(behind, packed[bytes..]);
            Assert.Equal(values, Unpack(packed, bits, count, scalar: true));
            Assert.Equal(values, Unpack(packed, bits, count, scalar: false));
        }
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void A_full_block_has_the_size_of_its_bits(int bits) => Assert.Equal(bits * 16, PackedIntegers.Bytes(bits, 128));

    [Fact]
    public void Short_blocks_are_cut()
    {
        Assert.Equal([32, 32, 64, 32, 48, 0], [
            PackedIntegers.Bytes(20, 1), PackedIntegers.Bytes(3, 80), PackedIntegers.Bytes(20, 9), PackedIntegers.Bytes(32, 8), PackedIntegers.Bytes(3, 81),
            PackedIntegers.Bytes(0, 128)]);
    }

    [Fact]
    public void Width_is_that_of_the_largest_value()
    {
        Assert.Equal(0, PackedIntegers.WidthOf([0, 0]));
        Assert.Equal(5, PackedIntegers.WidthOf([3, 16, 1]));
        Assert.Equal(32, PackedIntegers.WidthOf([uint.MaxValue]));
    }

    [Fact]
    public void Impossible_blocks_are_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => PackedIntegers.Pack([1], 33, new byte[1024]));
        Assert.Throws<ArgumentOutOfRangeException>(() => PackedIntegers.Pack([], 3, new byte[1024]));
        Assert.Throws<ArgumentOutOfRangeException>(() => PackedIntegers.Pack(new uint[129], 3, new byte[1024]));
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void Differences_add_up_alike_with_and_without_vectors(int bits)
    {
        var random = new Random(bits + 100);
        for (int count = 1; count <= PackedIntegers.BlockLength; count++)
        {
            uint[] gaps = Values(random, bits, count);
            uint previous = count % 3 == 0 ? uint.MaxValue : (uint)random.NextInt64(uint.MaxValue);
            byte[] packed = new byte[PackedIntegers.Bytes(bits, count) + 64];
            PackedIntegers.Pack(gaps, bits, packed);
            uint[] vector = new uint[PackedIntegers.BlockLength], scalar = new uint[PackedIntegers.BlockLength];
            fixed (byte* source = packed)
            fixed (uint* left = vector, right = scalar)
            {
                PackedIntegers.UnpackAscending(source, bits, count, previous, left);
                PackedIntegers.UnpackAscendingScalar(source, bits, count, previous, right);
            }

            uint sum = previous;
            Assert.Equal(gaps.Select(gap => sum = unchecked(sum + gap + 1)), scalar[..count]);
            Assert.Equal(scalar[..count], vector[..count]);
        }
    }

    private static uint[] Values(Random random, int bits, int count)
    {
        uint[] values = [.. Enumerable.Range(0, count).Select(_ => bits == 0 ? 0 : (uint)random.NextInt64(1L << bits))];
        values[random.Next(count)] = bits == 0 ? 0 : uint.MaxValue >> (32 - bits);
        return values;
    }

    private static uint[] Unpack(byte[] packed, int bits, int count, bool scalar)
    {
        uint[] values = new uint[PackedIntegers.BlockLength];
        fixed (byte* source = packed)
        fixed (uint* destination = values)
        {
            if (scalar)
            {
                PackedIntegers.UnpackScalar(source, bits, count, destination);
            }
            else
            {
                PackedIntegers.Unpack(source, bits, count, destination);
            }
        }

        return values[..count];
    }
}
