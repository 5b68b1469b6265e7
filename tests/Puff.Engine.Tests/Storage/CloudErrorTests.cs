using System.Net;
using System.Net.Sockets;
using Puff.Engine.Storage;
using Puff.Storage.S3;
using Xunit;

namespace Puff.Engine.Tests.Storage;

/// <summary>What an S3 server's answers, and its silence, are taken to mean. Needs no S3 server.</summary>
public sealed class CloudErrorTests
{
    private const StorePurpose User = StorePurpose.User;

    private const string ETag = "ETag: \"00112233445566778899aabbccddeeff\"\r\n";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

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
    public async Task AnswersToAPut(int status, string code, bool transient, bool outcomeUnknown)
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

    [Fact]
    public async Task ReadsHaveNoUnknownOutcome()
    {
        await using var server = new CannedHttpServer(CannedHttpServer.Error(500, "InternalError"));
        await using var store = Open(server.Endpoint);
        var error = await Assert.ThrowsAsync<StoreException>(async () => await store.GetAsync("a", new GetOptions(), User, Cancel));
        Assert.Equal((true, false), (error.Transient, error.OutcomeUnknown));
    }

    [Fact]
    public async Task LostConditionsAreValues()
    {
        await using var failed = new CannedHttpServer(CannedHttpServer.Error(412, "PreconditionFailed"));
        await using var store = Open(failed.Endpoint);
        foreach (var condition in new[] { PutCondition.Absent, PutCondition.Matches("\"e\"") })
        {
            Assert.Equal(PutStatus.PreconditionFailed, (await store.PutAsync("a", new byte[10], condition, User, Cancel)).Status);
        }

        await using var absent = new CannedHttpServer(CannedHttpServer.Error(404, "NoSuchKey"));
        await using var other = Open(absent.Endpoint);
        Assert.Equal(PutStatus.PreconditionFailed, (await other.PutAsync("a", new byte[10], PutCondition.Matches("\"e\""), User, Cancel)).Status);
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

    private static S3ObjectStore Open(string endpoint, TimeSpan? timeout = null) => new(new S3StoreOptions
    {
        Timeout = timeout ?? TimeSpan.FromSeconds(60),
        Bucket = "bucket",
        Endpoint = endpoint,
        AccessKey = "id",
        SecretKey = "secret",
    });
}
