using Puff.Engine;
using Puff.Server.Security;
using Xunit;

namespace Puff.Server.Tests.Security;

public class KeyRingTests
{
    private static readonly KeyRing Keys = new(
    [
        ApiKey.FromSecret("tpuf_reader", ApiKeyRole.Read),
        ApiKey.FromSecret("any string", ApiKeyRole.Write),
        ApiKey.FromSecret("root", ApiKeyRole.Admin),
    ]);

    [Theory]
    [InlineData("Bearer tpuf_reader", ApiKeyRole.Read)]
    [InlineData("bearer any string", ApiKeyRole.Write)]
    [InlineData("Bearer any string", ApiKeyRole.Read)]
    [InlineData("Bearer root", ApiKeyRole.Admin)]
    public void A_known_key_passes_up_to_its_role(string header, ApiKeyRole needed) => Keys.Check(header, needed);

    [Theory]
    [InlineData("Bearer tpuf_reader", ApiKeyRole.Write)]
    [InlineData("Bearer any string", ApiKeyRole.Admin)]
    public void Beyond_its_role_it_is_forbidden(string header, ApiKeyRole needed) =>
        Assert.Equal(ErrorKind.Forbidden, Assert.Throws<PuffException>(() => Keys.Check(header, needed)).Kind);

    [Theory]
    [InlineData("")]
    [InlineData("Bearer")]
    [InlineData("Bearer  ")]
    [InlineData("Basic dXNlcjpwYXNz")]
    [InlineData("tpuf_reader")]
    [InlineData("Bearer tpuf_reade")]
    [InlineData("Bearer TPUF_READER")]
    public void Everything_else_is_unauthenticated(string header) =>
        Assert.Equal(ErrorKind.Unauthenticated, Assert.Throws<PuffException>(() => Keys.Check(header, ApiKeyRole.Read)).Kind);

    [Fact]
    public void Without_keys_any_token_is_an_administrators_but_none_is_nobodys()
    {
        var open = new KeyRing([]);
        open.Check("Bearer whatever", ApiKeyRole.Admin);
        Assert.Equal(ErrorKind.Unauthenticated, Assert.Throws<PuffException>(() => open.Check("", ApiKeyRole.Read)).Kind);
    }

    [Fact]
    public void An_empty_secret_is_no_key() => Assert.Throws<ArgumentException>(() => ApiKey.FromSecret("", ApiKeyRole.Read));
}
