using System.Net;
using System.Net.Sockets;
using Puff.Engine.Storage;
using Puff.Storage.Azure;
using Puff.Storage.S3;
using Xunit;

namespace Puff.Engine.Tests.Storage;

/// <summary>What a cloud store's answers, and its silence, are taken to mean, whatever the protocol. Needs no cloud server.</summary>
public abstract class CloudErrorContract
{
    protected const StorePurpose User = StorePurpose.User;

    private const string ETag = "ETag: \"00112233445566778899aabbccddeeff\"\r\n";

    protected static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task ReadsHaveNoUnknownOutcome()
    {
        await using var server = new CannedHttpServer(CannedHttpServer.Error(500, "InternalError"));
        await using var store = Open(server.Endpoint);
        var error = await Assert.ThrowsAsync<StoreException>(async () => await store.GetAsync("a", new GetOptions(), User, Cancel));
        Assert.Equal((true, false), (error.Transient, error.OutcomeUnknown));
    }

    [Fact]
    public async Task HangingUpLeavesTheOutcomeOpen()
    {
        await using var server = new CannedHttpServer("");
        await using var store = Open(server.Endpoint);
        int requests = 0;
        foreach (int length in new[] { 0, 10, 100_000, 3_000_000 })
        {
            foreach (var condition in new[] { PutCondition.None, PutCondition.Absent, PutCondition.Matches("\"e\"") })
            {
                var error = await Assert.ThrowsAsync<StoreException>(async () => await store.PutAsync("a", new byte[length], condition, User, Cancel));
                Assert.Equal((true, true), (error.Transient, error.OutcomeUnknown));

                // Sent once: had it won, a second request would be told that it lost.
                Assert.Equal(++requests, server.Requests);
            }
        }
    }

    [Fact]
    public async Task SilenceLeavesTheOutcomeOpen()
    {
        await using var server = new CannedHttpServer(null);
        await using var store = Open(server.Endpoint, TimeSpan.FromMilliseconds(300));
        var error = await Assert.ThrowsAsync<StoreException>(async () => await store.PutAsync("a", new byte[10], PutCondition.Absent, User, Cancel));
        Assert.Equal((true, true), (error.Transient, error.OutcomeUnknown));
        Assert.InRange(server.Requests, 0, 1);
    }

    [Fact]
    public async Task CancellationIsNotAStoreError()
    {
        await using var server = new CannedHttpServer(null);
        await using var store = Open(server.Endpoint);
        using var cancel = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        var put = store.PutAsync("a", new byte[10], PutCondition.Absent, User, cancel.Token).AsTask();
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => put);
    }

    [Fact]
    public async Task RefusedConnectionsDidNothing()
    {
        var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        string endpoint = $"http://{listener.LocalEndpoint}";
        listener.Stop();
        await using var store = Open(endpoint);
        var error = await Assert.ThrowsAsync<StoreException>(async () => await store.PutAsync("a", new byte[10], PutCondition.Absent, User, Cancel));
        Assert.Equal((true, false), (error.Transient, error.OutcomeUnknown));
        Assert.Contains(endpoint, error.Message, StringComparison.Ordinal);
        Assert.Contains("check the endpoint", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task TruncatedContentIsAnError()
    {
        await using var server = new CannedHttpServer("HTTP/1.1 200 OK\r\n" + ETag + "Content-Length: 100\r\nConnection: close\r\n\r\nonly this");
        await using var store = Open(server.Endpoint);
        var error = await Assert.ThrowsAsync<StoreException>(async () => await store.GetAsync("a", new GetOptions(), User, Cancel));
        Assert.True(error.Transient);
    }

    private protected abstract IObjectStore Open(string endpoint, TimeSpan? timeout = null);

    private protected async Task AssertAnswerToPutsAsync(int status, string code, bool transient, bool outcomeUnknown)
    {
        await using var server = new CannedHttpServer(CannedHttpServer.Error(status, code));
        await using var store = Open(server.Endpoint);
        foreach (var condition in new[] { PutCondition.None, PutCondition.Absent, PutCondition.Matches("\"e\"") })
        {
            var error = await Assert.ThrowsAsync<StoreException>(async () => await store.PutAsync("a", new byte[10], condition, User, Cancel));
            Assert.Equal((transient, outcomeUnknown), (error.Transient, error.OutcomeUnknown));
            Assert.Contains($"HTTP {status} {code}", error.Message, StringComparison.Ordinal);
        }

        Assert.Equal(3, server.Requests);
    }

    private protected async Task AssertPutsLoseAsync(int status, string code, params PutCondition[] conditions)
    {
        await using var server = new CannedHttpServer(CannedHttpServer.Error(status, code));
        await using var store = Open(server.Endpoint);
        foreach (var condition in conditions)
        {
            Assert.Equal(PutStatus.PreconditionFailed, (await store.PutAsync("a", new byte[10], condition, User, Cancel)).Status);
        }
    }
}

public sealed class S3ErrorTests : CloudErrorContract
{
    [Theory]
    [InlineData(500, "InternalError", true, true)]
    [InlineData(502, "BadGateway", true, true)]
    [InlineData(503, "ServiceUnavailable", true, true)]
    [InlineData(503, "SlowDown", true, false)]
    [InlineData(429, "TooManyRequests", true, false)]
    [InlineData(409, "ConditionalRequestConflict", true, true)]
    [InlineData(400, "RequestTimeout", true, true)]
    [InlineData(403, "AccessDenied", false, false)]
    [InlineData(403, "SignatureDoesNotMatch", false, false)]
    [InlineData(404, "NoSuchBucket", false, false)]
    [InlineData(400, "InvalidRequest", false, false)]
    public Task AnswersToAPut(int status, string code, bool transient, bool outcomeUnknown) =>
        AssertAnswerToPutsAsync(status, code, transient, outcomeUnknown);

    [Fact]
    public async Task LostConditionsAreValues()
    {
        await AssertPutsLoseAsync(412, "PreconditionFailed", PutCondition.Absent, PutCondition.Matches("\"e\""));
        await AssertPutsLoseAsync(404, "NoSuchKey", PutCondition.Matches("\"e\""));
    }

    private protected override IObjectStore Open(string endpoint, TimeSpan? timeout = null) => new S3ObjectStore(new S3StoreOptions
    {
        Timeout = timeout ?? TimeSpan.FromSeconds(60),
        Bucket = "bucket",
        Endpoint = endpoint,
        AccessKey = "id",
        SecretKey = "secret",
    });
}

public sealed class AzureErrorTests : CloudErrorContract
{
    [Theory]
    [InlineData(500, "InternalError", true, true)]
    [InlineData(503, "ServerBusy", true, true)]
    [InlineData(500, "OperationTimedOut", true, true)]
    [InlineData(429, "TooManyRequests", true, false)]
    [InlineData(403, "AuthenticationFailed", false, false)]
    [InlineData(403, "AuthorizationPermissionMismatch", false, false)]
    [InlineData(404, "ContainerNotFound", false, false)]
    [InlineData(409, "ContainerBeingDeleted", false, false)]
    [InlineData(412, "LeaseIdMissing", false, false)]
    [InlineData(400, "InvalidHeaderValue", false, false)]
    public Task AnswersToAPut(int status, string code, bool transient, bool outcomeUnknown) =>
        AssertAnswerToPutsAsync(status, code, transient, outcomeUnknown);

    [Fact]
    public async Task LostConditionsAreValues()
    {
        await AssertPutsLoseAsync(412, "ConditionNotMet", PutCondition.Absent, PutCondition.Matches("\"e\""));
        await AssertPutsLoseAsync(409, "BlobAlreadyExists", PutCondition.Absent);
        await AssertPutsLoseAsync(404, "BlobNotFound", PutCondition.Matches("\"e\""));
    }

    private protected override IObjectStore Open(string endpoint, TimeSpan? timeout = null) => new AzureBlobStore(new AzureStoreOptions
    {
        Timeout = timeout ?? TimeSpan.FromSeconds(60),
        Account = "account",
        Container = "container",
        Endpoint = endpoint,
        Key = "c2VjcmV0",
    });
}
