using Amazon.S3;
using Amazon.S3.Model;
using Puff.Storage.S3;
using Puff.TestKit.Storage;

namespace Puff.Engine.Tests.Storage;

/// <summary>The S3 servers that the tests run against, each time with a new prefix.</summary>
internal static class S3TestServer
{
    private static readonly Lazy<Task> GoodBucket = new(() => MakeBucketAsync(Options(S3TestAccess.Good(), "")));

    /// <summary>A server that behaves as AWS does; the prefix is new with each call.</summary>
    public static async Task<S3StoreOptions> GoodAsync()
    {
        await GoodBucket.Value;
        return Options(S3TestAccess.Good(), $"tests/{Guid.NewGuid():n}");
    }

    /// <summary>A server that ignores the conditions of writes.</summary>
    public static S3StoreOptions Bad() => Options(S3TestAccess.Bad(), $"tests/{Guid.NewGuid():n}");

    private static S3StoreOptions Options(S3TestAccess access, string prefix) => new()
    {
        Bucket = S3TestAccess.Bucket,
        Prefix = prefix,
        Endpoint = access.Endpoint,
        AccessKey = access.AccessKey,
        SecretKey = access.SecretKey,
    };

    private static async Task MakeBucketAsync(S3StoreOptions options)
    {
        await using var store = new S3ObjectStore(options);
        try
        {
            await store.RepeatingClient.PutBucketAsync(new PutBucketRequest { BucketName = options.Bucket });
        }
        catch (AmazonS3Exception error) when (error.ErrorCode is "BucketAlreadyOwnedByYou" or "BucketAlreadyExists")
        {
            // An earlier run made it.
        }
    }
}
