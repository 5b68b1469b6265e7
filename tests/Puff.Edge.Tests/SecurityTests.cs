using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Puff.Edge.Transport;
using Xunit;

namespace Puff.Edge.Tests;

/// <summary>TLS, tokens, and no plaintext where others can listen (6.9).</summary>
public sealed class SecurityTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("puff-edge-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public async Task Without_a_right_token_nothing_is_done_and_with_a_reading_one_only_reads()
    {
        string file = Path.Combine(folder, "tokens");
        await File.WriteAllTextAsync(file, "# who may call\nwriter-token\nreader-token read-only # the dashboard\n", TestContext.Current.CancellationToken);
        await using var edge = await EdgeFixture.StartAsync(EdgeEngine.Memory, Loopback with { TokenFile = file });
        await ExpectAsync(edge, "/buffdb.kv.Kv/Set", null, GrpcStatus.Unauthenticated);
        await ExpectAsync(edge, "/buffdb.kv.Kv/Set", "wrong", GrpcStatus.Unauthenticated);
        await ExpectAsync(edge, "/buffdb.kv.Kv/Set", "reader-token", GrpcStatus.PermissionDenied);
        await ExpectAsync(edge, "/buffdb.query.Query/Query", "reader-token", GrpcStatus.PermissionDenied);
        await using (var call = edge.Open("/buffdb.kv.Kv/Set", default, ("authorization", "Bearer writer-token")))
        {
            await call.WriteAsync(Messages.Set("a", "1"));
            Assert.Equal(Messages.Text("a"), await call.ReadAsync());
        }

        await using (var call = edge.Open("/buffdb.kv.Kv/Get", default, ("authorization", "Bearer reader-token")))
        {
            await call.WriteAsync(Messages.Key("a"));
            Assert.Equal(Messages.Text("1"), await call.ReadAsync());
        }

        await using var health = edge.Open("/grpc.health.v1.Health/Check");
        await health.WriteAsync(Array.Empty<byte>());
        await health.CompleteAsync();
        Assert.NotNull(await health.ReadAsync());
    }

    [Theory]
    [InlineData("")]
    [InlineData("# nobody\n")]
    [InlineData("token read-write\n")]
    [InlineData("two tokens here\n")]
    public async Task A_file_that_says_less_than_it_should_keeps_the_server_from_starting(string text)
    {
        string file = Path.Combine(folder, "tokens");
        await File.WriteAllTextAsync(file, text, TestContext.Current.CancellationToken);
        await using KvStore kv = KvStore.Open(EdgeEngine.Memory, "");
        var error = await Assert.ThrowsAsync<EdgeException>(() => EdgeServer.StartAsync(kv, null, Loopback with { TokenFile = file }));
        Assert.Contains(file, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_changed_file_is_read_again_and_a_broken_one_is_not_taken()
    {
        string file = Path.Combine(folder, "tokens");
        var time = new ManualTime();
        Write("first\n", 1);
        var tokens = new Security.TokenFile(file, time);
        Assert.Equal(Security.TokenRight.Write, tokens.RightOf("Bearer first"));
        Write("second read-only\n", 2);
        time.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(Security.TokenRight.None, tokens.RightOf("Bearer first"));
        Assert.Equal(Security.TokenRight.Read, tokens.RightOf("bearer second"));
        Write("", 3);
        time.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(Security.TokenRight.Read, tokens.RightOf("Bearer second"));

        void Write(string text, int minute)
        {
            File.WriteAllText(file, text);
            File.SetLastWriteTimeUtc(file, new DateTime(2026, 1, 1, 0, minute, 0, DateTimeKind.Utc));
        }
    }

    [Fact]
    public async Task Plaintext_where_others_can_listen_is_refused_unless_it_is_asked_for()
    {
        await using KvStore kv = KvStore.Open(EdgeEngine.Memory, "");
        var options = new EdgeServerOptions { Addresses = [new IPEndPoint(IPAddress.Any, 0)] };
        var error = await Assert.ThrowsAsync<EdgeException>(() => EdgeServer.StartAsync(kv, null, options));
        Assert.Equal(GrpcStatus.FailedPrecondition, error.Status);
        Assert.Contains("--tls-cert", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task With_a_certificate_clients_speak_tls()
    {
        (string certificate, string key) = WriteCertificate();
        await using KvStore kv = KvStore.Open(EdgeEngine.Memory, "");
        await using EdgeServer server = await EdgeServer.StartAsync(kv, null, Loopback with { CertificateFile = certificate, CertificateKeyFile = key });
        Assert.StartsWith("https://", server.Urls[0], StringComparison.Ordinal);
        using var handler = new SocketsHttpHandler();
        handler.SslOptions.RemoteCertificateValidationCallback = (_, presented, _, _) => presented?.Subject == "CN=edge.test";
        using var client = new HttpClient(handler);
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(new Uri(server.Urls[0]), "/buffdb.kv.Kv/Get"))
        {
            Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact, Content = new ByteArrayContent([]),
        };
        request.Content.Headers.ContentType = new System.Net.Http.Headers.MediaTypeHeaderValue("application/grpc");
        using HttpResponseMessage response = await client.SendAsync(request, TestContext.Current.CancellationToken);
        await response.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken);
        Assert.Equal("0", Assert.Single(response.TrailingHeaders.GetValues("grpc-status")));
    }

    [Fact]
    public async Task A_file_that_is_no_certificate_is_named()
    {
        string file = Path.Combine(folder, "no.pem");
        await File.WriteAllTextAsync(file, "nothing", TestContext.Current.CancellationToken);
        await using KvStore kv = KvStore.Open(EdgeEngine.Memory, "");
        var error = await Assert.ThrowsAsync<EdgeException>(() => EdgeServer.StartAsync(kv, null, Loopback with { CertificateFile = file }));
        Assert.Contains(file, error.Message, StringComparison.Ordinal);
    }

    private static EdgeServerOptions Loopback => new() { Addresses = [new IPEndPoint(IPAddress.Loopback, 0)] };

    private static async Task ExpectAsync(EdgeFixture edge, string path, string? token, GrpcStatus status)
    {
        await using var call = edge.Open(path, default, token is null ? [] : [("authorization", "Bearer " + token)]);
        Assert.Equal(status, (await Assert.ThrowsAsync<EdgeException>(call.ReadAsync)).Status);
    }

    private (string Certificate, string Key) WriteCertificate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=edge.test", key, HashAlgorithmName.SHA256);
        using X509Certificate2 certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        string path = Path.Combine(folder, "cert.pem"), keyPath = Path.Combine(folder, "key.pem");
        File.WriteAllText(path, certificate.ExportCertificatePem());
        File.WriteAllText(keyPath, key.ExportPkcs8PrivateKeyPem());
        return (path, keyPath);
    }

    private sealed class ManualTime : TimeProvider
    {
        private long now;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => now;

        public void Advance(TimeSpan by) => now += by.Ticks;
    }
}
