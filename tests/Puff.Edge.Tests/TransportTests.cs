using System.IO.Compression;
using System.Net;
using Puff.Edge.Client;
using Puff.Edge.Transport;
using Xunit;

namespace Puff.Edge.Tests;

/// <summary>What clients do right and wrong on the wire: conformance list 8, and 2.5, 2.8.</summary>
public sealed class TransportTests
{
    private static readonly EdgeServerOptions Network = new() { Addresses = [new IPEndPoint(IPAddress.Loopback, 0)], MaxMessageBytes = 1_000 };

    [Fact]
    public async Task A_message_of_exactly_the_limit_passes_and_one_byte_more_does_not()
    {
        await using var edge = await EdgeFixture.StartAsync(EdgeEngine.Memory, Network);
        int overhead = Messages.Set("k", new string('x', 900)).Length - 900;
        await edge.KvClient.SetAsync("k", new string('x', 1_000 - overhead));
        var error = await Assert.ThrowsAsync<EdgeException>(() => edge.KvClient.SetAsync("k", new string('y', 1_001 - overhead)));
        Assert.Equal((GrpcStatus.ResourceExhausted, "a message has 1001 bytes; this server takes 1000"), (error.Status, error.Message));
        Assert.StartsWith("x", await edge.KvClient.GetAsync("k"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Gzip_is_read_and_bounded_by_what_it_expands_to()
    {
        await using var edge = await EdgeFixture.StartAsync(EdgeEngine.Memory, Network);
        await using (var call = edge.Open("/buffdb.kv.Kv/Set", default, ("grpc-encoding", "gzip")))
        {
            await call.WriteRawAsync(Compressed(Messages.Set("k", new string('x', 500))));
            Assert.Equal(Messages.Text("k"), await call.ReadAsync());
        }

        Assert.Equal(new string('x', 500), await edge.KvClient.GetAsync("k"));
        await using var bomb = edge.Open("/buffdb.kv.Kv/Set", default, ("grpc-encoding", "gzip"));
        await bomb.WriteRawAsync(Compressed(Messages.Set("k", new string('x', 100_000))));
        Assert.Equal(GrpcStatus.ResourceExhausted, (await Assert.ThrowsAsync<EdgeException>(bomb.ReadAsync)).Status);
        await using var broken = edge.Open("/buffdb.kv.Kv/Set", default, ("grpc-encoding", "gzip"));
        await broken.WriteRawAsync((byte[])[1, 0, 0, 0, 3, 1, 2, 3]);
        Assert.Equal(GrpcStatus.Internal, (await Assert.ThrowsAsync<EdgeException>(broken.ReadAsync)).Status);
    }

    /// <summary>Frames in hexadecimal, and what is wrong with them.</summary>
    public static TheoryData<string, string> BrokenMessages => new()
    {
        { "00000000020A05", "a length beyond the message" },
        { "00000000010A", "a tag without a value" },
        { "00000000030A01FF", "a key that is no UTF-8" },
        { "00000000020001", "field 0" },
        { "00000000010B", "a group" },
        { "0700000000", "an unknown flag" },
        { "0100000000", "compressed without an encoding" },
    };

    [Theory]
    [MemberData(nameof(BrokenMessages))]
    public async Task What_is_no_message_ends_the_call_and_leaves_the_server_healthy(string frame, string what)
    {
        Assert.NotEmpty(what);
        await using var edge = await EdgeFixture.StartAsync(EdgeEngine.Memory, Network);
        await edge.KvClient.SetAsync("k", "v");
        foreach (string method in (string[])["Get", "Set", "Delete", "Eq"])
        {
            await using var call = edge.Open($"/buffdb.kv.Kv/{method}");
            await call.WriteRawAsync(Convert.FromHexString(frame));
            Assert.Equal(GrpcStatus.Internal, (await Assert.ThrowsAsync<EdgeException>(call.ReadAsync)).Status);
        }

        Assert.Equal("v", await edge.KvClient.GetAsync("k"));
    }

    [Fact]
    public async Task A_stream_that_ends_within_a_message_is_an_error_after_what_was_whole()
    {
        await using var edge = await EdgeFixture.StartAsync(EdgeEngine.Memory, Network);
        await using var call = edge.Open("/buffdb.kv.Kv/Set");
        await call.WriteAsync(Messages.Set("k", "v"));
        Assert.Equal(Messages.Text("k"), await call.ReadAsync());
        await call.WriteRawAsync((byte[])[0, 0, 0, 0, 9, 1]);
        await call.CompleteAsync();
        Assert.Equal(GrpcStatus.Internal, (await Assert.ThrowsAsync<EdgeException>(call.ReadAsync)).Status);
        Assert.Equal("v", await edge.KvClient.GetAsync("k"));
    }

    [Fact]
    public async Task Any_bytes_as_frames_never_break_the_server()
    {
        await using var edge = await EdgeFixture.StartAsync(EdgeEngine.Memory, Network);
        var random = new Random(11);
        foreach (string path in (string[])["/buffdb.kv.Kv/Set", "/buffdb.kv.Kv/Get", "/buffdb.blob.Blob/Update", "/buffdb.query.Query/Query"])
        {
            for (int round = 0; round < 40; round++)
            {
                byte[] bytes = new byte[random.Next(1, 60)];
                random.NextBytes(bytes);
                // Half of them with an honest head, so that the message is reached.
                byte[] frame = round % 2 == 0 ? bytes : [0, 0, 0, 0, (byte)bytes.Length, .. bytes];
                await using var call = edge.Open(path);
                await call.WriteRawAsync(frame);
                await call.CompleteAsync();
                await DrainAsync(call);
            }
        }

        await edge.KvClient.SetAsync("still", "here");
        Assert.Equal("here", await edge.KvClient.GetAsync("still"));
    }

    [Theory]
    [InlineData("/buffdb.kv.Kv/Nothing")]
    [InlineData("/nothing.Nothing/Get")]
    [InlineData("/")]
    public async Task An_unknown_method_is_unimplemented(string path)
    {
        await using var edge = await EdgeFixture.StartAsync(EdgeEngine.Memory, Network);
        await using var call = edge.Open(path);
        Assert.Equal(GrpcStatus.Unimplemented, (await Assert.ThrowsAsync<EdgeException>(call.ReadAsync)).Status);
    }

    [Fact]
    public async Task An_unknown_encoding_is_unimplemented()
    {
        await using var edge = await EdgeFixture.StartAsync(EdgeEngine.Memory, Network);
        await using var call = edge.Open("/buffdb.kv.Kv/Get", default, ("grpc-encoding", "snappy"));
        Assert.Equal(GrpcStatus.Unimplemented, (await Assert.ThrowsAsync<EdgeException>(call.ReadAsync)).Status);
    }

    [Fact]
    public async Task A_deadline_ends_a_call_that_waits_and_keeps_what_was_done()
    {
        await using var edge = await EdgeFixture.StartAsync(EdgeEngine.Memory, Network);
        await using var call = edge.Open("/buffdb.kv.Kv/Set", default, ("grpc-timeout", "300m"));
        await call.WriteAsync(Messages.Set("k", "v"));
        Assert.Equal(Messages.Text("k"), await call.ReadAsync());
        Assert.Equal(GrpcStatus.DeadlineExceeded, (await Assert.ThrowsAsync<EdgeException>(call.ReadAsync)).Status);
        Assert.Equal("v", await edge.KvClient.GetAsync("k"));
    }

    [Theory]
    [InlineData("1H", 3_600_000)]
    [InlineData("99999999S", 40L * 24 * 3_600_000)]
    [InlineData("20m", 20)]
    [InlineData("5000u", 5)]
    public void Timeouts_are_read(string text, long milliseconds)
    {
        Assert.True(GrpcEndpoint.TryReadTimeout(text, out TimeSpan? timeout));
        Assert.Equal(milliseconds, (long)timeout!.Value.TotalMilliseconds);
    }

    [Theory]
    [InlineData("S")]
    [InlineData("1")]
    [InlineData("-1S")]
    [InlineData("123456789S")]
    [InlineData("1x")]
    public void Other_timeouts_are_refused(string text) => Assert.False(GrpcEndpoint.TryReadTimeout(text, out _));

    [Fact]
    public async Task Another_content_type_is_415()
    {
        await using var edge = await EdgeFixture.StartAsync(EdgeEngine.Memory, Network);
        using var client = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(new Uri(edge.Server.Urls[0]), "/buffdb.kv.Kv/Get"))
        {
            Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact, Content = new StringContent("{}"),
        };
        using HttpResponseMessage response = await client.SendAsync(request, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.UnsupportedMediaType, response.StatusCode);
    }

    [Fact]
    public async Task A_hundred_streams_of_one_connection_run_at_once_and_a_cancelled_one_harms_nobody()
    {
        await using var edge = await EdgeFixture.StartAsync(EdgeEngine.Sqlite, Network);
        var calls = Enumerable.Range(0, 100).Select(_ => edge.Open("/buffdb.kv.Kv/Set")).ToList();
        await Task.WhenAll(calls.Select((call, n) => call.WriteAsync(Messages.Set($"k{n}", "1"))));
        var answers = await Task.WhenAll(calls.Select(call => call.ReadAsync()));
        Assert.Equal(Enumerable.Range(0, 100).Select(n => Messages.Text($"k{n}")), answers);
        await Task.WhenAll(calls[..50].Select(call => call.DisposeAsync().AsTask()));
        await Task.WhenAll(calls[50..].Select((call, n) => call.WriteAsync(Messages.Set($"k{n}", "2"))));
        Assert.All(await Task.WhenAll(calls[50..].Select(call => call.ReadAsync())), Assert.NotNull);
        await Task.WhenAll(calls[50..].Select(call => call.DisposeAsync().AsTask()));
    }

    [Fact]
    public void Messages_of_errors_are_percent_encoded() => Assert.Equal("a%25b%0A%C3%A4", GrpcEndpoint.PercentEncode("a%b\nä"));

    [Fact]
    public async Task The_standard_health_service_answers()
    {
        await using var edge = await EdgeFixture.StartAsync(EdgeEngine.Memory, Network);
        Assert.Equal([0x08, 0x01], await HealthAsync(edge, []));
        Assert.Equal([0x08, 0x01], await HealthAsync(edge, Messages.Text("buffdb.kv.Kv")));
        var error = await Assert.ThrowsAsync<EdgeException>(() => HealthAsync(edge, Messages.Text("nobody")));
        Assert.Equal(GrpcStatus.NotFound, error.Status);
    }

    private static async Task<byte[]> HealthAsync(EdgeFixture edge, byte[] request)
    {
        await using var call = edge.Open("/grpc.health.v1.Health/Check");
        await call.WriteAsync(request);
        await call.CompleteAsync();
        return await call.ReadAsync() ?? [];
    }

    private static byte[] Compressed(byte[] message)
    {
        using var target = new MemoryStream();
        using (var gzip = new GZipStream(target, CompressionLevel.Fastest, leaveOpen: true))
        {
            gzip.Write(message);
        }

        byte[] bytes = target.ToArray();
        return [1, 0, 0, (byte)(bytes.Length >> 8), (byte)bytes.Length, .. bytes];
    }

    private static async Task DrainAsync(DuplexCall call)
    {
        try
        {
            while (await call.ReadAsync() is not null)
            {
            }
        }
        catch (EdgeException error)
        {
            // Any status of the protocol will do, but a broken connection.
            Assert.NotEqual(GrpcStatus.Unavailable, error.Status);
        }
    }
}
