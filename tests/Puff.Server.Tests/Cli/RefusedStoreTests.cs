using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;
using Puff.TestKit.Storage;
using Xunit;

namespace Puff.Server.Tests.Cli;

/// <summary>A store that cannot be meant, or cannot be trusted, is refused at the start with what to do; one that does not answer may answer later.</summary>
public sealed class RefusedStoreTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("puff-refused-").FullName;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public async Task Wrong_keys_of_a_bucket()
    {
        S3TestAccess access = S3TestAccess.Good();
        await ServeOnS3Tests.MakeBucketAsync(access);
        var keys = ServeOnS3Tests.Variables(access);
        keys["AWS_SECRET_ACCESS_KEY"] = "wrong";
        await AssertRefusedAsync(keys, ServeOnS3Tests.Location(access), 1, "AWS_SECRET_ACCESS_KEY");
    }

    [Fact]
    public async Task A_bucket_that_is_not_there()
    {
        S3TestAccess access = S3TestAccess.Good();
        string location = $"s3://no-such-bucket-{Guid.NewGuid():n}?endpoint={Uri.EscapeDataString(access.Endpoint)}";
        await AssertRefusedAsync(ServeOnS3Tests.Variables(access), location, 1, "create the bucket");
    }

    [Fact]
    public async Task A_wrong_key_of_an_account_and_a_container_that_is_not_there()
    {
        AzureTestAccess access = AzureTestAccess.Read();
        string location = $"az://no-such-container?endpoint={Uri.EscapeDataString(access.Endpoint)}";
        var keys = new Dictionary<string, string> { ["AZURE_STORAGE_ACCOUNT"] = AzureTestAccess.Account, ["AZURE_STORAGE_KEY"] = access.Key };
        await AssertRefusedAsync(keys, location, 1, "create the container");
        keys["AZURE_STORAGE_KEY"] = Convert.ToBase64String(new byte[64]);
        await AssertRefusedAsync(keys, location, 1, "AZURE_STORAGE_KEY");
    }

    [Fact]
    public async Task A_store_that_does_not_answer_is_temporary()
    {
        var keys = new Dictionary<string, string> { ["AWS_ACCESS_KEY_ID"] = "a", ["AWS_SECRET_ACCESS_KEY"] = "b", ["AWS_REGION"] = "us-east-1" };
        await AssertRefusedAsync(keys, "s3://bucket?endpoint=http%3A%2F%2F127.0.0.1%3A1", 5, "cannot be reached");
    }

    [Fact]
    public async Task A_bucket_with_other_things_under_the_prefix()
    {
        S3TestAccess access = S3TestAccess.Good();
        await ServeOnS3Tests.MakeBucketAsync(access);
        string location = ServeOnS3Tests.Location(access);
        string prefix = new Uri(location).AbsolutePath.Trim('/');
        var settings = new AmazonS3Config { ServiceURL = access.Endpoint, ForcePathStyle = true, AuthenticationRegion = "us-east-1" };
        using var client = new AmazonS3Client(new BasicAWSCredentials(access.AccessKey, access.SecretKey), settings);
        var photo = new PutObjectRequest { BucketName = S3TestAccess.Bucket, Key = prefix + "/puff/holiday/photo.jpg", ContentBody = "not ours" };
        await client.PutObjectAsync(photo, Cancel);

        var keys = ServeOnS3Tests.Variables(access);
        await AssertRefusedAsync(keys, location, 1, "choose another prefix");
        Outcome doctor = await PuffProcess.RunAsync(keys, folder, "", "doctor", "--store", location, "--output", "csv", "--requests", "0");
        Assert.Equal(1, doctor.Code);
        Assert.Contains("content,failed", doctor.Results, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("puff store, format 2\n", 1, "use the release that wrote it")]
    [InlineData("puff store, format\n", 7, "cannot be read")]
    [InlineData("", 7, "cannot be read")]
    public async Task A_marker_of_another_format_or_none_at_all(string content, int code, string remedy)
    {
        await using (await PuffProcess.ServeAsync(folder, "--store", "store"))
        {
        }

        string marker = Path.Combine(folder, "store", "puff", "format.obj");
        Assert.Equal("puff store, format 1\n", await File.ReadAllTextAsync(marker, Cancel));
        await File.WriteAllTextAsync(marker, content, Cancel);
        await AssertRefusedAsync([], "store", code, remedy);
        Outcome check = await PuffProcess.RunAsync(folder, "", "check", "--store", "store");
        Assert.Equal(code, check.Code);
    }

    private async Task AssertRefusedAsync(Dictionary<string, string> keys, string store, int code, string remedy)
    {
        Outcome serve = await PuffProcess.RunAsync(keys, folder, "", "serve", "--listen", "127.0.0.1:0", "--store", store);
        Assert.True(serve.Code == code, $"{serve.Code}: {serve.Messages}");
        Assert.Contains(remedy, serve.Messages, StringComparison.Ordinal);
        Assert.DoesNotContain("is listening", serve.Messages, StringComparison.Ordinal);
    }
}
