using System.Globalization;
using System.Numerics;
using System.Text;
using Puff.Engine.Encoding;
using Xunit;

namespace Puff.Engine.Tests.Encoding;

/// <summary>Singles and doubles come out with exactly the bits that the framework's correctly rounding parser gives, also where rounding is close.</summary>
public sealed class JsonNumberRoundingTests
{
    private const int Numbers = 30_000;

    [Fact]
    public void Shortest_singles() => Check(1, random => AnySingle(random).ToString("R", CultureInfo.InvariantCulture));

    [Fact]
    public void Shortest_doubles_of_any_size() => Check(2, random =>
    {
        double value = BitConverter.Int64BitsToDouble(random.NextInt64());
        return double.IsFinite(value) ? value.ToString("R", CultureInfo.InvariantCulture) : "0";
    });

    [Fact]
    public void Embeddings_as_doubles() => Check(3, random => (random.NextDouble() - 0.5).ToString("R", CultureInfo.InvariantCulture));

    [Fact]
    public void Random_digits_and_exponents() => Check(4, random =>
    {
        var text = new StringBuilder(random.Next(2) == 0 ? "-" : "");
        text.Append(random.Next(3) == 0 ? "0" : Digits(random, random.Next(1, 24), leadingZeros: false));
        if (random.Next(4) != 0)
        {
            text.Append('.').Append('0', random.Next(6)).Append(Digits(random, random.Next(1, 26), leadingZeros: true));
        }

        return random.Next(2) == 0 ? text.ToString() : $"{text}{"eE"[random.Next(2)]}{(random.Next(2) == 0 ? "+" : "")}{random.Next(60)}";
    });

    [Fact]
    public void Negative_exponents() => Check(5, random => $"{Digits(random, random.Next(1, 22), leadingZeros: false)}e-{random.Next(75):00}");

    [Fact]
    public void Integers_of_every_length() => Check(6, random => Digits(random, random.Next(1, 25), leadingZeros: false));

    /// <summary>All digits of the point midway between two singles: alone, cut short, and with digits behind that tip it upwards.</summary>
    [Fact]
    public void Midpoints_between_singles_and_their_neighbours() => Check(7, random =>
    {
        string midpoint = ExactMidpoint(AnySingle(random, exponents: 60));
        return random.Next(4) switch
        {
            0 => midpoint,
            1 => midpoint + "00000000000000000001",
            2 => midpoint[..random.Next(Math.Min(midpoint.Length, 3), midpoint.Length + 1)].TrimEnd('.'),
            _ => midpoint[..Math.Min(midpoint.Length, 20)].TrimEnd('.') + "1",
        };
    });

    [Theory]
    [InlineData("0.1")]
    [InlineData("-0")]
    [InlineData("-0.0e5")]
    [InlineData("0e999999999999")]
    [InlineData("16777217")]
    [InlineData("16777219")]
    [InlineData("9007199791611905")]
    [InlineData("1.17549435e-38")]
    [InlineData("1.1754943508222875e-38")]
    [InlineData("1.17549421069244107548702944484928734882705242874589333385717453057158887047561890426550235133618116378784179687e-38")]
    [InlineData("7.006492321624085e-46")]
    [InlineData("7.00649232162408535461864791644958065640130970938257885878534141944895541342930300743319094181060791015625e-46")]
    [InlineData("1e-45")]
    [InlineData("1e-99999999999999999999")]
    [InlineData("3.4028235e38")]
    [InlineData("3.4028235677973366e38")]
    [InlineData("340282356779733661637539395458142568447.9999")]
    [InlineData("340282356779733661637539395458142568448")]
    [InlineData("1e39")]
    [InlineData("1e99999999999999999999")]
    [InlineData("0.000000000000000000000000000000000000000000000000000000000000000000000000000000000000000001e90")]
    [InlineData("0.00000000000000000000012345678901234567890123456789")]
    [InlineData("00000000000000000001e-5")]
    public void Edges_of_the_range(string text)
    {
        if (text.StartsWith("00", StringComparison.Ordinal))
        {
            Assert.Equal(NumberArrayStatus.Invalid, NumberArrayParser.Parse(System.Text.Encoding.UTF8.GetBytes($"[{text}]")).Status);
            return;
        }

        CheckAll([text]);
    }

    private static void Check(int seed, Func<Random, string> next)
    {
        var random = new Random(seed);
        CheckAll([.. Enumerable.Range(0, Numbers).Select(_ => next(random))]);
    }

    private static void CheckAll(string[] texts)
    {
        byte[] json = System.Text.Encoding.UTF8.GetBytes($"[{string.Join(',', texts)}]");
        using var numbers = NumberArrayParser.Parse(json);
        Assert.Equal(NumberArrayStatus.Complete, numbers.Status);
        Assert.Equal(texts.Length, numbers.Count);
        if (numbers.SingleOverflowOffset >= 0)
        {
            Array.ForEach(texts, CheckOne);
        }
        else
        {
            var singles = numbers.Singles;
            for (int i = 0; i < texts.Length; i++)
            {
                AssertBits(texts[i], float.Parse(texts[i], CultureInfo.InvariantCulture), singles[i]);
            }
        }

        double[]? doubles = numbers.ToDoubles();
        for (int i = 0; i < texts.Length && doubles != null; i++)
        {
            double expected = double.Parse(texts[i], CultureInfo.InvariantCulture);
            Assert.True(expected.Equals(doubles[i]) && double.IsNegative(expected) == double.IsNegative(doubles[i]), $"{texts[i]}: {doubles[i]:R}");
        }
    }

    private static void CheckOne(string text)
    {
        using var numbers = NumberArrayParser.Parse(System.Text.Encoding.UTF8.GetBytes($"[{text}]"));
        float expected = float.Parse(text, CultureInfo.InvariantCulture);
        Assert.Equal(float.IsInfinity(expected) ? 1 : -1, numbers.SingleOverflowOffset);
        if (float.IsFinite(expected))
        {
            AssertBits(text, expected, numbers.Singles[0]);
        }
    }

    private static void AssertBits(string text, float expected, float actual) =>
        Assert.True(BitConverter.SingleToInt32Bits(expected) == BitConverter.SingleToInt32Bits(actual), $"{text}: {actual:R} instead of {expected:R}");

    private static float AnySingle(Random random, int exponents = 254) =>
        BitConverter.Int32BitsToSingle((random.Next(2) << 31) | ((127 + random.Next(exponents) - exponents / 2) << 23) | random.Next(1 << 23));

    private static string Digits(Random random, int count, bool leadingZeros)
    {
        Span<char> digits = stackalloc char[count];
        for (int i = 0; i < count; i++)
        {
            digits[i] = (char)('0' + random.Next(10));
        }

        if (!leadingZeros && digits[0] == '0')
        {
            digits[0] = '7';
        }

        return new string(digits);
    }

    /// <summary>Every decimal digit of the number halfway between a single and the next one away from zero.</summary>
    private static string ExactMidpoint(float value)
    {
        int bits = BitConverter.SingleToInt32Bits(value);
        int exponent = ((bits >> 23) & 0xFF) - 127 - 24;
        BigInteger mantissa = 2 * ((bits & 0x7F_FFFF) | 0x80_0000) + 1;
        string sign = bits < 0 ? "-" : "";
        if (exponent >= 0)
        {
            return sign + (mantissa << exponent).ToString(CultureInfo.InvariantCulture);
        }

        string digits = (mantissa * BigInteger.Pow(5, -exponent)).ToString(CultureInfo.InvariantCulture).PadLeft(-exponent + 1, '0');
        return $"{sign}{digits[..^-exponent]}.{digits[^-exponent..]}";
    }
}
