using Puff.Engine;
using Puff.Server.Security;
using Xunit;

namespace Puff.Server.Tests.Security;

public class ListenAddressTests
{
    [Theory]
    [InlineData("127.0.0.1:8080", "127.0.0.1:8080")]
    [InlineData("[::1]:0", "[::1]:0")]
    [InlineData("localhost:80", "127.0.0.1:80")]
    [InlineData("*:80", "[::]:80")]
    [InlineData(":80", "[::]:80")]
    [InlineData("0.0.0.0:80", "0.0.0.0:80")]
    public void Addresses_are_ip_and_port(string text, string expected) => Assert.Equal(expected, ListenAddress.Parse(text).ToString());

    [Theory]
    [InlineData("")]
    [InlineData("127.0.0.1")]
    [InlineData("127.0.0.1:")]
    [InlineData("127.0.0.1:65536")]
    [InlineData("127.0.0.1:-1")]
    [InlineData("::1:80")]
    [InlineData("[::1:80")]
    [InlineData("example.com:80")]
    [InlineData("http://127.0.0.1:80")]
    public void Others_are_refused_with_an_example(string text) =>
        Assert.Contains("127.0.0.1:8080", Assert.Throws<PuffException>(() => ListenAddress.Parse(text)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("127.0.0.1:80", true)]
    [InlineData("127.8.9.1:80", true)]
    [InlineData("[::1]:80", true)]
    [InlineData("0.0.0.0:80", false)]
    [InlineData("[::]:80", false)]
    [InlineData("10.0.0.1:80", false)]
    public void Without_a_key_only_loopback_is_allowed(string text, bool allowed)
    {
        var endpoint = ListenAddress.Parse(text);
        var error = Record.Exception(() => ListenAddress.RefuseOpenServer(endpoint, new KeyRing([])));
        Assert.Equal(allowed, error is null);
        if (!allowed)
        {
            Assert.Contains("--api-key", error!.Message, StringComparison.Ordinal);
        }

        ListenAddress.RefuseOpenServer(endpoint, new KeyRing([ApiKey.FromSecret("x", ApiKeyRole.Admin)]));
    }
}
