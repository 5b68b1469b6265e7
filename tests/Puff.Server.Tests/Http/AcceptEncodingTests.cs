using Microsoft.Extensions.Primitives;
using Puff.Server.Http;
using Xunit;

namespace Puff.Server.Tests.Http;

public class AcceptEncodingTests
{
    [Theory]
    [InlineData("gzip", true)]
    [InlineData("br, gzip", true)]
    [InlineData("br;q=1.0, GZIP;q=0.5", true)]
    [InlineData("gzip;q=0", false)]
    [InlineData("gzip; q=0.000", false)]
    [InlineData("identity", false)]
    [InlineData("br, deflate", false)]
    [InlineData("*", false)]
    [InlineData("gzipped", false)]
    [InlineData("", false)]
    [InlineData(",;,", false)]
    public void Gzip_must_be_listed(string header, bool expected) => Assert.Equal(expected, AcceptEncoding.ListsGzip(header));

    [Fact]
    public void Repeated_headers_count() => Assert.True(AcceptEncoding.ListsGzip(new StringValues(["br", "gzip"])));

    [Fact]
    public void No_header_means_no() => Assert.False(AcceptEncoding.ListsGzip(StringValues.Empty));
}
