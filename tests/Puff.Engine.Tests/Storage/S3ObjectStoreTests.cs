using Amazon.S3.Model;
using Puff.Engine.Storage;
using Puff.Storage;
using Puff.Storage.S3;
using Puff.TestKit.Storage;
using Xunit;

namespace Puff.Engine.Tests.Storage;

/// <summary>The contract on a real S3 server, through two clients.</summary>
public sealed class S3ObjectStoreTests : ObjectStoreContract
{
    private S3StoreOptions options = null!;

    protected override int LongestKeyBytes => ObjectKeys.MaxBytes - options.Prefix.Length - 1;

    protected override async ValueTask<IObjectStore> OpenAsync()
    {
        options = await S3TestServer.GoodAsync();
        return new S3ObjectStore(options);
    }

    protected override ValueTask<IObjectStore> OpenOtherAsync(IObjectStore store) => new(new S3ObjectStore(options));

    protected override async ValueTask CleanUpAsync()
    {
        foreach (var info in (await Store.ListAsync(new ListOptions(""), User, CancellationToken.None)).Objects)
        {
            await Store.DeleteAsync(info.Key, User, CancellationToken.None);
        }
    }
}

/// <summary>What only an S3 store has: keys, buckets, uploads in parts, servers that cannot be trusted.</summary>
public sealed class S3ServerTests
{
    private const StorePurpose User = StorePurpose.User;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task SelfTestPassesOnAGoodServer()
    {
        await using var store = new S3ObjectStore(await S3TestServer.GoodAsync());
        (await StoreSelfTest.RunAsync(store, "puff", new Random(1), Cancel)).ThrowIfFailed();
        Assert.Empty((await store.ListAsync(new ListOptions(""), User, Cancel)).Objects);
    }

    [Fact]
    public async Task SelfTestRefusesAServerWithoutConditionalWrites()
    {
        await using var store = new S3ObjectStore(S3TestServer.Bad());
        var report = await StoreSelfTest.RunAsync(store, "puff", new Random(1), Cancel);
        Assert.Equal("If-None-Match", Assert.Single(report.Checks, check => check.Verdict == StoreVerdict.Failed).Name);
        var error = Assert.Throws<PuffException>(report.ThrowIfFailed);
        Assert.Equal(ErrorKind.Invalid, error.Kind);
        Assert.Contains("If-None-Match", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task WrongKeysAreReportedAsSuch()
    {
        var options = await S3TestServer.GoodAsync();
        foreach (var wrong in new[] { options with { SecretKey = "wrong" }, options with { AccessKey = "nobody" } })
        {
            await using var store = new S3ObjectStore(wrong);
            foreach (var error in await CloudCalls.ErrorsOfAllAsync(store, Cancel))
            {
                Assert.False(error.Transient);
                Assert.False(error.OutcomeUnknown);
            }

            var put = await Assert.ThrowsAsync<StoreException>(async () => await store.PutAsync("a", default, PutCondition.Absent, User, Cancel));
            Assert.Contains("AWS_SECRET_ACCESS_KEY", put.Message, StringComparison.Ordinal);
            Assert.DoesNotContain("wrong", put.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task MissingBucketIsAnErrorNotAnAbsentObject()
    {
        await using var store = new S3ObjectStore(await S3TestServer.GoodAsync() with { Bucket = "no-such-bucket" });
        foreach (var error in await CloudCalls.ErrorsOfAllAsync(store, Cancel))
        {
            Assert.False(error.Transient);
            Assert.Matches("NoSuchBucket; create the bucket", error.Message);
        }
    }

    [Fact]
    public async Task LongObjectsAreCopiedInParts()
    {
        var options = await S3TestServer.GoodAsync() with { SingleCopyBytes = 6 << 20, CopyPartBytes = 5 << 20 };
        await using var store = new S3ObjectStore(options);
        byte[] content = new byte[13 << 20];
        new Random(4).NextBytes(content);
        await store.PutAsync("source", content, PutCondition.None, User, Cancel);
        Assert.True(await store.CopyAsync("source", "target", User, Cancel));
        var copy = (await store.GetAsync("target", new GetOptions(), User, Cancel)).Content!;
        Assert.True(copy.Span.SequenceEqual(content));
        copy.Release();
        await store.DeleteAsync("source", User, Cancel);
        await store.DeleteAsync("target", User, Cancel);
    }

    [Fact]
    public async Task AbandonedUploadsLeaveNoParts()
    {
        var options = await S3TestServer.GoodAsync();
        await using var store = new S3ObjectStore(options);
        await using (var writer = await store.CreateAsync("object", User, Cancel))
        {
            await writer.WriteAsync(new byte[S3ObjectWriter.PartBytes + 1], Cancel);
            Assert.Single(await UploadsAsync(store, options));
        }

        Assert.Empty(await UploadsAsync(store, options));
    }

    [Fact]
    public async Task AddressOpensAStoreThatRetries()
    {
        var options = await S3TestServer.GoodAsync();
        string text = $"s3://{options.Bucket}/{options.Prefix}?endpoint={options.Endpoint}&region=us-east-1";
        var variables = new Dictionary<string, string> { ["AWS_ACCESS_KEY_ID"] = options.AccessKey!, ["AWS_SECRET_ACCESS_KEY"] = options.SecretKey! };
        await using var store = await ObjectStoreUri.Parse(text, variables.GetValueOrDefault).OpenAsync(cancellation: Cancel);
        Assert.IsType<ExtentObjectStore>(store);
        Assert.Equal($"s3://{options.Bucket}/{options.Prefix} at {options.Endpoint}", store.Description);
        Assert.Null(await store.HeadAsync("none", User, Cancel));
    }

    private static async Task<List<MultipartUpload>> UploadsAsync(S3ObjectStore store, S3StoreOptions options)
    {
        var response = await store.Client.ListMultipartUploadsAsync(
            new ListMultipartUploadsRequest { BucketName = options.Bucket, Prefix = options.Prefix }, Cancel);
        return response.MultipartUploads ?? [];
    }
}
