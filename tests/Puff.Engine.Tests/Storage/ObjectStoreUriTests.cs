using Puff.Engine.Storage;
using Puff.Storage;
using Puff.TestKit.Storage;
using Xunit;

namespace Puff.Engine.Tests.Storage;

public sealed class ObjectStoreUriTests
{
    private readonly Dictionary<string, string> variables = [];

    [Theory]
    [InlineData("./data", "./data")]
    [InlineData("/var/lib/puff", "/var/lib/puff")]
    [InlineData("data", "data")]
    [InlineData("file:///var/lib/my%20puff", "/var/lib/my puff")]
    public void PathsAreFolders(string text, string folder) => Assert.Equal(folder, Parse(text).Folder);

    [Fact]
    public void S3AddressCarriesItsSettings()
    {
        var s3 = Parse("s3://my-bucket/some/pre%20fix/?endpoint=https://s3.example:9000&region=eu-central-1&path-style=false").S3!;
        Assert.Equal(("my-bucket", "some/pre fix"), (s3.Bucket, s3.Prefix));
        Assert.Equal(("https://s3.example:9000", "eu-central-1", false), (s3.Endpoint, s3.Region, s3.PathStyle));
        Assert.Null(s3.AccessKey);
        Assert.Equal(("b", ""), (Parse("S3://b").S3!.Bucket, Parse("s3://b/").S3!.Prefix));
    }

    [Fact]
    public void EnvironmentFillsInAndTheAddressWins()
    {
        variables["AWS_ENDPOINT_URL"] = "http://localhost:1";
        variables["AWS_REGION"] = "r1";
        variables["AWS_ACCESS_KEY_ID"] = "id";
        variables["AWS_SECRET_ACCESS_KEY"] = "secret";
        variables["AWS_SESSION_TOKEN"] = "";
        var s3 = Parse("s3://b").S3!;
        Assert.Equal(("http://localhost:1", "r1", "id", "secret"), (s3.Endpoint, s3.Region, s3.AccessKey, s3.SecretKey));
        Assert.Null(s3.SessionToken);
        s3 = Parse("s3://b?region=r2&endpoint=http://localhost:2").S3!;
        Assert.Equal(("http://localhost:2", "r2"), (s3.Endpoint, s3.Region));
    }

    [Theory]
    [InlineData("", "empty")]
    [InlineData("az://container/prefix", "account is missing")]
    [InlineData("az://container?account=a", "no key was found")]
    [InlineData("az://?account=a", "container is missing")]
    [InlineData("az://c?account=a&region=x", "'region'")]
    [InlineData("az://c?account=a&endpoint=localhost", "endpoint=")]
    [InlineData("gs://bucket", "'gs'")]
    [InlineData("s3://", "bucket is missing")]
    [InlineData("s3:///prefix", "bucket is missing")]
    [InlineData("s3://b?endpiont=http://x", "'endpiont=http://x'")]
    [InlineData("s3://b?endpoint=localhost:9000", "endpoint=")]
    [InlineData("s3://b?path-style=yes", "path-style=")]
    [InlineData("s3://b?region", "'region'")]
    [InlineData("memory://x", "nothing behind")]
    [InlineData("file://host/path", "three slashes")]
    public void NonsenseIsRefusedWithAReason(string text, string reason)
    {
        var error = Assert.Throws<PuffException>(() => Parse(text));
        Assert.Equal(ErrorKind.Invalid, error.Kind);
        Assert.Contains(reason, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void KeysInTheAddressAreRefusedAndNotRepeated()
    {
        var error = Assert.Throws<PuffException>(() => Parse("s3://id:topsecret@bucket/x"));
        Assert.Contains("AWS_SECRET_ACCESS_KEY", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("topsecret", error.Message, StringComparison.Ordinal);
        error = Assert.Throws<PuffException>(() => Parse("az://id:topsecret@container/x"));
        Assert.Contains("AZURE_STORAGE_KEY", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("topsecret", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AzureAddressCarriesItsSettings()
    {
        variables["AZURE_STORAGE_ACCOUNT"] = "mine";
        variables["AZURE_STORAGE_KEY"] = "a2V5";
        var azure = Parse("az://box/some/pre%20fix/").Azure!;
        Assert.Equal(("mine", "box", "some/pre fix", "a2V5"), (azure.Account, azure.Container, azure.Prefix, azure.Key));
        Assert.Null(azure.Endpoint);
        azure = Parse("az://box?account=other&endpoint=http://localhost:1/other").Azure!;
        Assert.Equal(("other", "http://localhost:1/other"), (azure.Account, azure.Endpoint));
    }

    [Fact]
    public async Task AddressesOpenTheirStores()
    {
        var cancel = TestContext.Current.CancellationToken;
        using var folder = new TemporaryFolder();
        await using var memory = await Parse("memory://").OpenAsync(cancellation: cancel);
        Assert.IsType<MemoryObjectStore>(memory);
        await using var directory = await Parse($"file://{folder.Path}/store").OpenAsync(cancellation: cancel);
        Assert.Equal($"directory {folder.Path}/store", directory.Description);
    }

    private ObjectStoreUri Parse(string text) => ObjectStoreUri.Parse(text, variables.GetValueOrDefault);
}
