using System.Text;
using System.Text.Json;
using Puff.Server.Http;
using Xunit;

namespace Puff.Server.Tests.Http;

public class JsonOutputTests
{
    [Fact]
    public void Commas_stand_between_members_and_elements_only()
    {
        string text = Write(output =>
        {
            output.BeginObject();
            output.Name("a"u8);
            output.Number(1L);
            output.Name("b"u8);
            output.BeginArray();
            output.BeginObject();
            output.EndObject();
            output.Null();
            output.BeginArray();
            output.EndArray();
            output.EndArray();
            output.Name("c");
            output.Bool(false);
            output.EndObject();
        });
        Assert.Equal("""{"a":1,"b":[{},null,[]],"c":false}""", text);
    }

    [Fact]
    public void Integers_keep_all_64_bits()
    {
        Assert.Equal("18446744073709551615", Write(output => output.Number(ulong.MaxValue)));
        Assert.Equal("-9223372036854775808", Write(output => output.Number(long.MinValue)));
    }

    [Theory]
    [InlineData(0.7f, "0.7")]
    [InlineData(1f, "1")]
    [InlineData(-0.1f, "-0.1")]
    [InlineData(1e-20f, "1E-20")]
    [InlineData(3.4028235E+38f, "3.4028235E+38")]
    [InlineData(float.NaN, "null")]
    [InlineData(float.PositiveInfinity, "null")]
    public void Singles_are_as_short_as_they_can_be(float value, string expected) => Assert.Equal(expected, Write(output => output.Number(value)));

    [Theory]
    [InlineData(0, "0.0")]
    [InlineData(-3, "-3.0")]
    [InlineData(0.1, "0.1")]
    [InlineData(1e300, "1E+300")]
    [InlineData(double.NegativeInfinity, "null")]
    public void Doubles_are_recognisable_as_floats(double value, string expected) => Assert.Equal(expected, Write(output => output.Number(value)));

    [Fact]
    public void Random_singles_and_doubles_read_back_exactly()
    {
        var random = new Random(7);
        for (int i = 0; i < 10_000; i++)
        {
            float single = BitConverter.Int32BitsToSingle(random.Next());
            double number = BitConverter.Int64BitsToDouble(random.NextInt64());
            if (float.IsFinite(single))
            {
                Assert.Equal(single, JsonSerializer.Deserialize<float>(Write(output => output.Number(single))));
            }

            if (double.IsFinite(number))
            {
                Assert.Equal(number, JsonSerializer.Deserialize<double>(Write(output => output.Number(number))));
            }
        }
    }

    [Fact]
    public void Every_character_reads_back()
    {
        var text = new StringBuilder();
        for (int c = 0; c < 0x300; c++)
        {
            text.Append((char)c);
        }

        text.Append("\u2028\uFFFD😀\"\\/ end");
        Assert.Equal(text.ToString(), JsonSerializer.Deserialize<string>(Write(output => output.Text(text.ToString()))));
    }

    [Fact]
    public void Text_of_control_characters_only_fits_although_it_grows_sixfold()
    {
        string text = new('\u0001', 20_000);
        Assert.Equal(text, JsonSerializer.Deserialize<string>(Write(output => output.Text(text))));
    }

    [Fact]
    public void Bytes_are_base64() =>
        Assert.Equal("\"zczMPc3MTD6amZk+\"", Write(output => output.Base64Text(Convert.FromHexString("CDCCCC3DCDCC4C3E9A99993E"))));

    private static string Write(Action<JsonOutput> write)
    {
        using var output = new JsonOutput();
        write(output);
        return Encoding.UTF8.GetString(output.Written.Span);
    }
}
