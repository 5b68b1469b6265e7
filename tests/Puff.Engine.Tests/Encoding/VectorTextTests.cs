using System.Buffers;
using System.Text.Json;
using Puff.Engine.Encoding;
using Xunit;

namespace Puff.Engine.Tests.Encoding;

public sealed class VectorTextTests
{
    [Fact]
    public void Base64_is_little_endian_singles()
    {
        Assert.True(VectorText.TryDecodeBase64("AACAPwAAAMDNzMw9"u8, out float[]? values, out string? error));
        Assert.Null(error);
        Assert.Equal([1f, -2f, 0.1f], values);
        Assert.Equal("AACAPwAAAMDNzMw9", Written(output => VectorText.WriteBase64([1f, -2f, 0.1f], output)));
        Assert.True(VectorText.TryDecodeBase64(""u8, out values, out _));
        Assert.Empty(values);
    }

    [Fact]
    public void Base64_of_halves_is_told_by_the_type_asked_for()
    {
        Assert.True(VectorText.TryDecodeBase64("ADwAwA=="u8, out Half[]? values, out _));
        Assert.Equal([(Half)1, (Half)(-2)], values);
        Assert.False(VectorText.TryDecodeBase64("ADwAwAA="u8, out values, out string? error));
        Assert.Null(values);
        Assert.Contains("multiple of the 2 bytes of f16", error);
    }

    [Fact]
    public void Narrow_types_leave_as_singles()
    {
        Assert.Equal(Written(o => VectorText.WriteBase64([1f, -2.5f], o)), Written(o => VectorText.WriteBase64([(Half)1, (Half)(-2.5)], o)));
        Assert.Equal(Written(o => VectorText.WriteBase64([127f, -128f], o)), Written(o => VectorText.WriteBase64([(sbyte)127, (sbyte)-128], o)));
    }

    [Theory]
    [InlineData("AACAPw=", "length of 7")]
    [InlineData("AACA", "3 bytes")]
    [InlineData("AACAPwA=", "5 bytes")]
    [InlineData("AACA_wAAAMDNzMw9", "standard alphabet")]
    [InlineData("AACAPwAA AMDNzMw", "standard alphabet")]
    [InlineData("AACAPwAA    AMDN", "standard alphabet")]
    [InlineData("AAA=PwAAAMDNzMw9", "standard alphabet")]
    [InlineData("AACAPwAAAMDNz\u00e9w", "standard alphabet")]
    [InlineData("====", "bytes")]
    [InlineData("AADAfw==", "NaN")]
    [InlineData("AACAfw==", "infinity")]
    [InlineData("AACA/w==", "infinity")]
    public void What_is_no_vector_is_refused_with_a_reason(string text, string reason)
    {
        Assert.False(VectorText.TryDecodeBase64(System.Text.Encoding.UTF8.GetBytes(text), out float[]? values, out string? error));
        Assert.Null(values);
        Assert.Contains(reason, error);
    }

    [Theory]
    [InlineData(0.7f, "0.7")]
    [InlineData(2f, "2")]
    [InlineData(-0f, "-0")]
    [InlineData(0.1f, "0.1")]
    [InlineData(16777216f, "16777216")]
    [InlineData(1e10f, "1E+10")]
    [InlineData(-1.5e-7f, "-1.5E-07")]
    [InlineData(float.MaxValue, "3.4028235E+38")]
    [InlineData(float.Epsilon, "1E-45")]
    [InlineData(-1.17549435e-38f, "-1.1754944E-38")]
    public void Numbers_are_written_as_short_as_can_be(float value, string text)
    {
        Assert.Equal(text, Written(output => VectorText.WriteJsonNumber(value, output)));
        Assert.Equal($"[{text},{text}]", Written(output => VectorText.WriteJson([value, value], output)));
    }

    [Fact]
    public void Every_length_reads_back_bit_by_bit()
    {
        var random = new Random(12);
        foreach (int length in new[] { 0, 1, 2, 127, 128, 129, 1_000 })
        {
            float[] values = [.. Enumerable.Range(0, length).Select(_ => AnyFinite(random))];
            string json = Written(output => VectorText.WriteJson(values, output));
            Assert.Equal(length, JsonDocument.Parse(json).RootElement.GetArrayLength());
            using var numbers = NumberArrayParser.Parse(System.Text.Encoding.UTF8.GetBytes(json));
            Assert.Equal(values.Select(BitConverter.SingleToInt32Bits), numbers.Singles.ToArray().Select(BitConverter.SingleToInt32Bits));
            string base64 = Written(output => VectorText.WriteBase64(values, output));
            Assert.True(VectorText.TryDecodeBase64(System.Text.Encoding.UTF8.GetBytes(base64), out float[]? decoded, out _));
            Assert.Equal(values, decoded);
        }
    }

    [Fact]
    public void Halves_show_the_number_that_is_stored()
    {
        Assert.Equal("[0.7001953,1,-65504,5.9604645E-08]", Written(o => VectorText.WriteJson([(Half)0.7, (Half)1, Half.MinValue, Half.Epsilon], o)));
        Assert.Equal("[-128,0,127]", Written(o => VectorText.WriteJson([(sbyte)-128, (sbyte)0, (sbyte)127], o)));
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    [InlineData(float.NegativeInfinity)]
    public void What_JSON_cannot_say_is_refused(float value)
    {
        Assert.Throws<ArgumentException>(() => Written(output => VectorText.WriteJsonNumber(value, output)));
        Assert.Throws<ArgumentException>(() => Written(output => VectorText.WriteJson([value], output)));
    }

    private static float AnyFinite(Random random)
    {
        float value = BitConverter.Int32BitsToSingle((int)random.NextInt64());
        return float.IsFinite(value) ? value : random.NextSingle();
    }

    private static string Written(Action<IBufferWriter<byte>> write)
    {
        var output = new ArrayBufferWriter<byte>();
        write(output);
        return System.Text.Encoding.UTF8.GetString(output.WrittenSpan);
    }
}
