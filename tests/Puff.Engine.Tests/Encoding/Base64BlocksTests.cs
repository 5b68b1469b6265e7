using System.Buffers.Text;
using System.Runtime.Intrinsics.X86;
using Puff.Engine.Encoding;
using Xunit;

namespace Puff.Engine.Tests.Encoding;

public sealed class Base64BlocksTests
{
    [Fact]
    public void Every_length_decodes_as_the_frameworks_decoder_does()
    {
        var random = new Random(3);
        for (int length = 0; length < 400; length++)
        {
            var bytes = new byte[length];
            random.NextBytes(bytes);
            byte[] text = System.Text.Encoding.ASCII.GetBytes(Convert.ToBase64String(bytes));
            var decoded = new byte[length];
            int first = Base64Blocks.Decode(text, decoded);
            Assert.Equal(0, first % 4);
            Base64.DecodeFromUtf8(text.AsSpan(first), decoded.AsSpan(first / 4 * 3), out _, out int written);
            Assert.Equal(length, first / 4 * 3 + written);
            Assert.Equal(bytes, decoded);
        }
    }

    /// <summary>All 256 bytes at all places of a block: the alphabet is decoded, anything else ends the blocks before it.</summary>
    [Fact]
    public void Nothing_but_the_alphabet_is_decoded()
    {
        const string alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        for (int value = 0; value < 256; value++)
        {
            for (int place = 0; place < 32; place++)
            {
                var text = new byte[64];
                text.AsSpan().Fill((byte)'A');
                text[32 + place] = (byte)value;
                var decoded = new byte[64];
                int first = Base64Blocks.Decode(text, decoded);
                int expected = alphabet.Contains((char)value, StringComparison.Ordinal) ? 64 : 32;
                Assert.True(first == (Avx2.IsSupported ? expected : 0), $"byte {value} at place {place} of the second block: {first} characters decoded");
                if (first == 64)
                {
                    int sextet = alphabet.IndexOf((char)value, StringComparison.Ordinal);
                    int at = 24 + place / 4 * 3;
                    int triple = decoded[at] << 16 | decoded[at + 1] << 8 | decoded[at + 2];
                    Assert.Equal(sextet << 6 * (3 - place % 4), triple);
                }
            }
        }
    }
}
