using System.IO.Compression;
using System.Net;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Puff.Engine;
using Puff.Engine.Filters;
using Puff.Engine.Namespaces;
using Puff.Engine.Schema;
using Puff.Engine.Storage;
using Puff.Server;
using Puff.Sync.Destinations;
using Xunit;
using static Puff.Sync.Tests.Destinations.EngineDestinationTests;

namespace Puff.Sync.Tests.Destinations;

/// <summary>
/// Writing to an endpoint over HTTP: against a server of our own, and against a stub for what a server says when it cannot (lines 59, 60, 61, 67, on the side
/// of the destination); a query that waits for a position (86).
/// </summary>
public sealed class HttpDestinationTests
{
    [Fact]
    public async Task Documents_of_every_kind_come_back_from_a_server()
    {
        await using var server = await LocalServer.StartAsync();
        await using var destination = server.Open();
        Assert.False((await destination.OpenAsync("posts", "t", default)).Exists);
        Assert.Empty(await destination.FetchAsync("posts", [Value.UInt(1)], null, default));
        var schema = new SchemaUpdate(
        [
            new("id") { Type = "uint" }, new("f") { Type = "float" }, new("u") { Type = "uuid" }, new("d") { Type = "datetime" },
            new("b") { Type = "bytes" }, new("v") { Type = "[2]f32", Ann = true }, new("s") { Type = "{}f16", SparseKnn = true },
            new("t") { Type = "string", FullText = new FullTextUpdate(true) { Language = "german", Stemming = true } }, new("fs") { Type = "[]float" },
            new("x") { Type = "uint", Filterable = false },
        ]);
        KeyValuePair<string, Value>[] attributes =
        [
            new("f", Value.Float(2)), new("u", Value.Uuid(new byte[16])), new("d", Value.DateTime(1)), new("b", Value.Bytes([0, 255])),
            new("v", Value.Vector(new float[] { 1, 0.1f })), new("s", Value.Sparse(new SparseVector(["a"u8.ToArray()], [0.5f]))),
            new("t", Value.String("🐡 \"x\"\u0001")), new("fs", Value.Array(new double[] { 1, 2.5 })), new("x", Value.UInt(ulong.MaxValue)),
            new("i", Value.Int(long.MinValue)), new("is", Value.Array(new long[] { long.MaxValue })), new("yes", Value.Bool(true)),
            new("ss", Value.StringArray(["ü"u8.ToArray()])),
        ];
        var batch = new DestinationBatch("posts")
        {
            Upserts = [new(Value.UInt(1), attributes), new(Value.UInt(ulong.MaxValue), attributes)], Schema = schema, Metric = DistanceMetric.CosineDistance,
        };
        await destination.WriteAsync(batch, default);
        var rows = await destination.FetchAsync("posts", [Value.UInt(1), Value.UInt(ulong.MaxValue)], null, default);
        Assert.Equal([1ul, ulong.MaxValue], rows.Select(r => r.Id.AsUInt));
        var read = rows[1].Attributes.ToDictionary();
        Assert.Equal((long.MinValue, ulong.MaxValue, "🐡 \"x\"\u0001"), (read["i"].AsInt, read["x"].AsUInt, read["t"].AsString));
        Assert.Equal(("00000000-0000-0000-0000-000000000000", "1970-01-01T00:00:00.001000000Z", "AP8="),
            (read["u"].AsString, read["d"].AsString, read["b"].AsString));

        // Columns, rows and engine: one result.
        await destination.WriteAsync(batch with { Namespace = "rows", Upserts = [batch.Upserts[0], new(Value.UInt(2), [.. attributes[..^1]])] }, default);
        Assert.Equal(12, (await destination.FetchAsync("rows", [Value.UInt(2)], null, default))[0].Attributes.Count);
    }

    [Fact]
    public async Task Patches_deletes_conditions_and_clearing()
    {
        await using var server = await LocalServer.StartAsync();
        await using var destination = server.Open();
        static DocumentRow At(ulong id, string position, int n) => new(Value.UInt(id), [new("p", Value.String(position)), new("n", Value.Int(n))]);
        await destination.WriteAsync(new DestinationBatch("posts") { Deletes = [Value.UInt(5)] }, default);
        await destination.WriteAsync(new DestinationBatch("posts") { Upserts = [At(1, "5", 1), At(2, "5", 1), At(3, "5", 1)] }, default);
        Filter newer = new AttributeFilter("p", FilterOperator.Lt, new FilterOperand(default, "p"));
        await destination.WriteAsync(
            new DestinationBatch("posts")
            {
                Upserts = [At(1, "4", 2), At(4, "4", 2)], Patches = [At(2, "6", 2)], Deletes = [Value.UInt(3)],
                UpsertCondition = newer, PatchCondition = newer, DeleteCondition = new AttributeFilter("p", FilterOperator.Lte, Value.String("4")),
            },
            default);
        var all = await destination.ScanAsync("posts", null, 100, ["n", "nothing"], null, default);
        Assert.Equal("1=1 2=2 3=1 4=2", string.Join(' ', all.Select(r => $"{r.Id.AsUInt}={r.Attributes.Single().Value.AsInt}")));
        Assert.Equal(2, (await destination.ScanAsync("posts", Value.UInt(2), 100, [], null, default)).Count);
        await destination.WriteAsync(new DestinationBatch("posts") { DeleteByFilter = new AttributeFilter("id", FilterOperator.NotEq, Value.Null) }, default);
        Assert.Empty(await destination.ScanAsync("posts", null, 100, [], null, default));
        Assert.True((await destination.OpenAsync("posts", "t", default)).Exists);
        await destination.DropAsync("posts", default);
        await destination.DropAsync("posts", default);
        Assert.False((await destination.OpenAsync("posts", "t", default)).Exists);
    }

    [Fact]
    public async Task A_refused_row_is_told_from_a_refused_schema_over_http_too()
    {
        await using var server = await LocalServer.StartAsync();
        await using var destination = server.Open();
        var good = new DocumentRow(Value.UInt(1), [new("n", Value.Int(1))]);
        await destination.WriteAsync(new DestinationBatch("posts") { Upserts = [good] }, default);
        var wrong = new DocumentRow(Value.UInt(2), [new("n", Value.String("x"))]);
        await FailsAsync(destination.WriteAsync(new DestinationBatch("posts") { Upserts = [wrong] }, default), DestinationFailure.Row, "destination_refused");
        var retyped = new SchemaUpdate([new AttributeUpdate("n") { Type = "float" }]);
        await FailsAsync(
            destination.WriteAsync(new DestinationBatch("posts") { Upserts = [good], Schema = retyped }, default),
            DestinationFailure.Mapping, "destination_conflict");
    }

    [Theory]
    [InlineData(401, "Mapping", "destination_unauthorized")]
    [InlineData(403, "Mapping", "destination_unauthorized")]
    [InlineData(413, "TooLarge", "destination_too_large")]
    [InlineData(400, "Row", "destination_refused")]
    [InlineData(422, "Row", "destination_refused")]
    [InlineData(408, "Temporary", "destination_down")]
    [InlineData(409, "Temporary", "destination_down")]
    [InlineData(425, "Temporary", "destination_down")]
    [InlineData(429, "Temporary", "destination_down")]
    [InlineData(500, "Temporary", "destination_down")]
    [InlineData(503, "Temporary", "destination_down")]
    [InlineData(405, "Mapping", "destination_failed")]
    public async Task What_a_status_means_for_a_batch(int status, string failure, string code)
    {
        var stub = new Stub(_ => new HttpResponseMessage((HttpStatusCode)status) { Content = new StringContent("{\"status\":\"error\",\"error\":\"why\"}") });
        await using var destination = new HttpDestination(new HttpDestinationOptions(new Uri("http://stub"), "key"), stub);
        var write = destination.WriteAsync(new DestinationBatch("posts") { Upserts = [new(Value.UInt(1), [])] }, default);
        var error = await Assert.ThrowsAsync<DestinationException>(() => write);
        Assert.Equal((failure, code), (error.Failure.ToString(), error.Code));
        Assert.Contains("why", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("key\"", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_the_endpoint_asks_for_is_passed_on_and_proxies_need_not_speak_json()
    {
        string? header = "7";
        var stub = new Stub(_ =>
        {
            var response = new HttpResponseMessage(HttpStatusCode.ServiceUnavailable) { Content = new StringContent("<html>") };
            response.Headers.TryAddWithoutValidation("Retry-After", header);
            return response;
        });
        await using var destination = new HttpDestination(new HttpDestinationOptions(new Uri("http://stub"), "key"), stub);
        var batch = new DestinationBatch("posts") { Deletes = [Value.UInt(1)] };
        var error = await Assert.ThrowsAsync<DestinationException>(() => destination.WriteAsync(batch, default));
        Assert.Equal(TimeSpan.FromSeconds(7), error.RetryAfter);
        header = "Thu, 01 Jan 1970 00:00:00 GMT";
        Assert.Equal(TimeSpan.Zero, (await Assert.ThrowsAsync<DestinationException>(() => destination.WriteAsync(batch, default))).RetryAfter);
    }

    [Fact]
    public async Task Broken_connections_and_timeouts_are_temporary_and_cancelling_is_not_a_failure()
    {
        var batch = new DestinationBatch("posts") { Deletes = [Value.UInt(1)] };
        await using var broken = new HttpDestination(
            new HttpDestinationOptions(new Uri("http://stub"), "key"), new Stub(_ => throw new HttpRequestException("connection reset")));
        await FailsAsync(broken.WriteAsync(batch, default), DestinationFailure.Temporary, "destination_down");
        await using var hanging = new HttpDestination(
            new HttpDestinationOptions(new Uri("http://stub"), "key") { Timeout = TimeSpan.FromMilliseconds(20) }, new Stub(null));
        await FailsAsync(hanging.WriteAsync(batch, default), DestinationFailure.Temporary, "destination_down");
        await using var patient = new HttpDestination(new HttpDestinationOptions(new Uri("http://stub"), "key"), new Stub(null));
        using var cancelled = new CancellationTokenSource();
        var write = patient.WriteAsync(batch, cancelled.Token);
        await cancelled.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => write);
    }

    [Fact]
    public async Task Large_bodies_are_packed_and_the_key_is_sent()
    {
        var seen = new List<(string? Encoding, string Key, string Body)>();
        var stub = new Stub(request =>
        {
            var content = request.Content!;
            using var body = content.ReadAsStream();
            bool isPacked = content.Headers.ContentEncoding.Contains("gzip");
            using var reader = new StreamReader(isPacked ? new GZipStream(body, CompressionMode.Decompress) : body);
            seen.Add((content.Headers.ContentEncoding.FirstOrDefault(), request.Headers.Authorization!.ToString(), reader.ReadToEnd()));
            return new HttpResponseMessage(HttpStatusCode.OK) { Content = new StringContent("{}") };
        });
        await using var destination = new HttpDestination(new HttpDestinationOptions(new Uri("http://stub/base"), "secret"), stub);
        foreach (int length in (int[])[1, 5000])
        {
            var row = new DocumentRow(Value.UInt(1), [new("t", Value.String(new string('x', length)))]);
            await destination.WriteAsync(new DestinationBatch("posts") { Upserts = [row] }, default);
        }

        Assert.Equal([null, "gzip"], seen.Select(s => s.Encoding));
        Assert.All(seen, s => Assert.Equal("Bearer secret", s.Key));
        Assert.Equal("""{"upsert_rows":[{"id":1,"t":"x"}]}""", seen[0].Body);
        Assert.Contains(new string('x', 5000), seen[1].Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_query_waits_for_the_position_it_names()
    {
        await using var server = await LocalServer.StartAsync();
        IDestination engine = new EngineDestination(server.Engine);
        var first = new WriteToken("default/posts/1", "0000000000000100/00000001", null);
        await engine.WriteAsync(new DestinationBatch("posts") { Upserts = [new(Value.UInt(1), [])], Token = first }, default);
        Assert.Equal((200, 1), await QueryAsync(server, "0/100", "wait=0"));
        Assert.Equal((200, 1), await QueryAsync(server, "0000000000000100/00000001", "respond-async, wait=0"));
        Assert.Equal((503, 0), await QueryAsync(server, "0/101", "wait=0"));
        Assert.Equal((400, 0), await QueryAsync(server, "soon", "wait=0"));

        var waiting = QueryAsync(server, "0/200", "wait=60");
        while (server.Engine.GetAwaitedPosition("posts") is null)
        {
            await Task.Yield();
        }

        // What an idle mapping does when somebody waits for what it has passed without a change of its own.
        Assert.Equal("0000000000000200/00000000", engine.GetAwaitedPosition("posts"));
        var second = first with { Position = "0000000000000200/00000000" };
        await engine.WriteAsync(new DestinationBatch("posts") { Token = second, Expected = first }, default);
        Assert.Equal((200, 1), await waiting);
    }

    private static async Task<(int Status, int Rows)> QueryAsync(LocalServer server, string position, string prefer)
    {
        using var client = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(server.Url, "v2/namespaces/posts/query"))
        {
            Content = new StringContent("""{"rank_by":["id","asc"],"limit":10}""", Encoding.UTF8, "application/json"),
        };
        request.Headers.Add("x-puff-min-position", position);
        request.Headers.Add("Prefer", prefer);
        request.Headers.Add("Authorization", "Bearer any");
        using var response = await client.SendAsync(request);
        using var body = System.Text.Json.JsonDocument.Parse(await response.Content.ReadAsStreamAsync());
        return ((int)response.StatusCode, body.RootElement.TryGetProperty("rows", out var rows) ? rows.GetArrayLength() : 0);
    }

    /// <summary>Answers as told, or never when it was told nothing.</summary>
    private sealed class Stub(Func<HttpRequestMessage, HttpResponseMessage>? answer) : HttpMessageHandler
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellation)
        {
            await (answer is null ? Task.Delay(Timeout.Infinite, cancellation) : Task.CompletedTask);
            return answer!(request);
        }
    }

    private sealed class LocalServer(PuffEngine engine, PuffServer server, MemoryObjectStore store) : IAsyncDisposable
    {
        public PuffEngine Engine => engine;

        public Uri Url => new(server.Urls[0]);

        public static async Task<LocalServer> StartAsync()
        {
            var store = new MemoryObjectStore();
            var engine = await PuffEngine.OpenAsync(new EngineSettings { DeleteByFilterLimit = 3 }, new EngineComponents { Store = store });
            var server = await PuffServer.StartAsync(new PuffServerOptions { Listen = ["127.0.0.1:0"] }, engine, NullLoggerFactory.Instance);
            return new LocalServer(engine, server, store);
        }

        public HttpDestination Open() => new(new HttpDestinationOptions(Url, "any"));

        public async ValueTask DisposeAsync()
        {
            await server.DisposeAsync();
            await engine.DisposeAsync();
            await store.DisposeAsync();
        }
    }
}
