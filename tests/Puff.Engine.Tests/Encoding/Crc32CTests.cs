using Puff.Engine.Encoding;
using Xunit;

namespace Puff.Engine.Tests.Encoding;

public sealed class Crc32CTests
{
    /// <summary>RFC 3720 appendix B.4, and the check value of the CRC catalogues.</summary>
    [Fact]
    public void Known_answers()
    {
        Assert.Equal(0u, Crc32C.Compute([]));
        Assert.Equal(0xE306_9283u, Crc32C.Compute("123456789"u8));
        Assert.Equal(0x8A91_36AAu, Crc32C.Compute(new byte[32]));
        Assert.Equal(0x62A8_AB43u, Crc32C.Compute([.. Enumerable.Repeat((byte)0xFF, 32)]));
        Assert.Equal(0x46DD_794Eu, Crc32C.Compute([.. Enumerable.Range(0, 32).Select(i => (byte)i)]));
        Assert.Equal(0x113F_DB5Cu, Crc32C.Compute([.. Enumerable.Range(0, 32).Select(i => (byte)(31 - i))]));
        Assert.Equal(0xD996_3A56u, Crc32C.Compute(Convert.FromHexString(
            "01C000000000000000000000000000001400000000000400000000140000001828000000000000000200000000000000")));
    }

    [Fact]
    public void Every_length_and_every_cut_equals_the_polynomial_division()
    {
        var random = new Random(2);
        for (int length = 0; length < 70; length++)
        {
            byte[] data = new byte[length];
            random.NextBytes(data);
            uint expected = BitByBit(data);
            Assert.Equal(expected, Crc32C.Compute(data));
            for (int cut = 0; cut <= length; cut++)
            {
                Assert.Equal(expected, ~Crc32C.Append(Crc32C.Append(~0u, data.AsSpan(0, cut)), data.AsSpan(cut)));
            }
        }
    }

    private static uint BitByBit(byte[] data)
    {
        uint state = ~0u;
        foreach (byte value in data)
        {
            state ^= value;
            for (int bit = 0; bit < 8; bit++)
            {
                state = (state >> 1) ^ ((state & 1) * 0x82F6_3B78);
            }
        }

        return ~state;
    }
}
