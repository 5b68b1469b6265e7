using System.Globalization;
using Puff.Engine.Schema;
using Xunit;

namespace Puff.Engine.Tests.Schema;

public sealed class DateTimeTextTests
{
    [Theory]
    [InlineData("2015-01-20", "2015-01-20T00:00:00.000000000Z")]
    [InlineData("2015-01-20T12:34:56", "2015-01-20T12:34:56.000000000Z")]
    [InlineData("2015-01-20T12:34:56-04:00", "2015-01-20T16:34:56.000000000Z")]
    [InlineData("2015-01-20t12:34z", "2015-01-20T12:34:00.000000000Z")]
    [InlineData("2015-01-20 12:34:56.789+0530", "2015-01-20T07:04:56.789000000Z")]
    [InlineData("2015-01-20T12:34:56.7+01", "2015-01-20T11:34:56.700000000Z")]
    [InlineData("2015-01-20T12:34:56.123456789Z", "2015-01-20T12:34:56.123000000Z")]
    [InlineData("1969-12-31T23:59:59.999Z", "1969-12-31T23:59:59.999000000Z")]
    [InlineData("0000-01-01", "0000-01-01T00:00:00.000000000Z")]
    [InlineData("2000-02-29", "2000-02-29T00:00:00.000000000Z")]
    [InlineData("9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999000000Z")]
    public void Reads_as_utc_and_writes_nine_digits(string text, string expected)
    {
        Assert.True(DateTimeText.TryParse(System.Text.Encoding.UTF8.GetBytes(text), out long milliseconds));
        Assert.Equal(expected, DateTimeText.Format(milliseconds));
    }

    [Theory]
    [InlineData("")]
    [InlineData("2015")]
    [InlineData("2015-1-20")]
    [InlineData("2015-13-01")]
    [InlineData("2015-00-01")]
    [InlineData("2015-02-29")]
    [InlineData("1900-02-29")]
    [InlineData("2015-01-32")]
    [InlineData("2015-01-20T")]
    [InlineData("2015-01-20T24:00:00")]
    [InlineData("2015-01-20T12:60:00")]
    [InlineData("2015-01-20T12:00:60")]
    [InlineData("2015-01-20T12:00:00.")]
    [InlineData("2015-01-20T12:00:00+")]
    [InlineData("2015-01-20T12:00:00+1")]
    [InlineData("2015-01-20T12:00:00+24:00")]
    [InlineData("2015-01-20T12:00:00+01:60")]
    [InlineData("2015-01-20T12:00:00ZZ")]
    [InlineData("2015-01-20Z")]
    [InlineData("9999-12-31T23:59:59-00:01")]
    [InlineData("0000-01-01T00:00:00+00:01")]
    public void Refuses_what_is_no_datetime(string text) => Assert.False(DateTimeText.TryParse(System.Text.Encoding.UTF8.GetBytes(text), out _));

    [Fact]
    public void Agrees_with_the_framework_over_the_whole_calendar()
    {
        var random = new Random(7);
        for (int i = 0; i < 2_000; i++)
        {
            long ticks = random.NextInt64(DateTime.MinValue.Ticks, DateTime.MaxValue.Ticks) / TimeSpan.TicksPerMillisecond * TimeSpan.TicksPerMillisecond;
            var moment = new DateTimeOffset(ticks, TimeSpan.Zero);
            string expected = moment.ToString("yyyy-MM-ddTHH:mm:ss.fff", CultureInfo.InvariantCulture) + "000000Z";
            Assert.Equal(expected, DateTimeText.Format(moment.ToUnixTimeMilliseconds()));
            Assert.True(DateTimeText.TryParse(System.Text.Encoding.ASCII.GetBytes(expected), out long parsed));
            Assert.Equal(moment.ToUnixTimeMilliseconds(), parsed);
        }
    }
}
