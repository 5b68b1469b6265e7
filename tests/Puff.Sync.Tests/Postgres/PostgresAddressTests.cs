using Puff.Sync.Postgres;
using Xunit;

namespace Puff.Sync.Tests.Postgres;

/// <summary>Connection URLs: names and passwords percent-decoded, nothing secret in messages.</summary>
public sealed class PostgresAddressTests
{
    [Fact]
    public void All_parts_are_decoded()
    {
        var address = PostgresAddress.Parse("postgresql://app%40x:p%3A%2Fss@db.example:6432/my%20shop?sslmode=verify-full&sslrootcert=%2Fca.pem&x=y");
        Assert.Equal(("db.example", 6432, "my shop", "app@x", "p:/ss"), (address.Host, address.Port, address.Database, address.User, address.Password));
        Assert.Equal((TlsMode.VerifyFull, "/ca.pem"), (address.Tls, address.RootCertificate));
        Assert.DoesNotContain("ss@", address.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_left_out_has_the_usual_defaults()
    {
        var address = PostgresAddress.Parse("postgres://app@db");
        Assert.Equal(("db", 5432, "app", null, TlsMode.Prefer), (address.Host, address.Port, address.Database, address.Password, address.Tls));
    }

    [Theory]
    [InlineData("mysql://secret@db/x")]
    [InlineData("secret")]
    [InlineData("postgres://db/x")]
    [InlineData("postgres://a:secret@db/x?sslmode=perhaps")]
    public void Other_texts_are_refused_without_being_shown(string url)
    {
        var refused = Assert.Throws<SyncException>(() => PostgresAddress.Parse(url));
        Assert.Equal(("config_invalid", SyncExit.Usage), (refused.Code, refused.Exit));
        Assert.DoesNotContain("secret", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("postgres://a@ep-cool-pooler.eu.example/x", true)]
    [InlineData("postgres://a@aws-0.pooler.example/x", true)]
    [InlineData("postgres://a@db.example:6543/x", true)]
    [InlineData("postgres://a@db.example/x", false)]
    public void Poolers_are_known_by_their_names(string url, bool pooler) => Assert.Equal(pooler, PostgresAddress.Parse(url).LooksLikePooler);
}
