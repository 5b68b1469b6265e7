using Amazon.S3;
using Amazon.S3.Model;
using Puff.Storage.S3;

namespace Puff.Engine.Tests.Storage;

/// <summary>
/// The S3 servers that the tests run against, named by environment variables. Without them the S3 tests fail: a skipped test would prove nothing.
/// To leave them out on purpose: -class- "*.S3*".
/// </summary>
internal static class S3TestServer
{
    private const string Bucket = "puff-test";

    private static readonly Lazy<Task> GoodBucket = new(() => MakeBucketAsync(Options("PUFF_TEST_S3", "tests/tools/s3-server", "")));

    /// <summary>A server that behaves as AWS does; the prefix is new with each call.</summary>
    public static async Task<S3StoreOptions> GoodAsync()
    {
        await GoodBucket.Value;
        return Options("PUFF_TEST_S3", "tests/tools/s3-server", $"tests/{Guid.NewGuid():n}");
    }

    /// <summary>A server that ignores the conditions of writes.</summary>
    public static S3StoreOptions Bad() => Options("PUFF_TEST_BADS3", "tests/tools/bad-s3-server", $"tests/{Guid.NewGuid():n}");

    private static S3StoreOptions Options(string variables, string tool, string prefix) => new()
    {
        Bucket = Bucket,
        Prefix = prefix,
        Endpoint = Variable($"{variables}_ENDPOINT", tool),
        AccessKey = Variable($"{variables}_KEY", tool),
        SecretKey = Variable($"{variables}_SECRET", tool),
    };

    private static string Variable(string name, string tool) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } value
        ? value
        : throw new InvalidOperationException($"{name} is not set: this test needs a server; run  eval \"$({tool} start)\"  first, or ./test, which does");

    private static async Task MakeBucketAsync(S3StoreOptions options)
    {
        await using var store = new S3ObjectStore(options);
        try
        {
            await store.RepeatingClient.PutBucketAsync(new PutBucketRequest { BucketName = Bucket });
        }
        catch (AmazonS3Exception error) when (error.ErrorCode is "BucketAlreadyOwnedByYou" or "BucketAlreadyExists")
        {
            // An earlier run made it.
        }
    }
}
