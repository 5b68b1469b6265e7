using System.IO.Compression;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging.Abstractions;
using Puff.Engine;
using Puff.Engine.Storage;
using Puff.Server.Security;
using Xunit;

namespace Puff.Server.Tests.Http;

/// <summary>What the server does around the API: keys and roles, limits, health and metrics, start and stop. Each test has a server of its own.</summary>
public class ServerTests
{
    private static readonly PuffServerOptions Loopback = new() { Listen = ["127.0.0.1:0"] };

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Keys_decide_what_a_client_may_do()
    {
        await using var host = await Host.StartAsync(Loopback with
        {
            Keys = [ApiKey.FromSecret("reader", ApiKeyRole.Read), ApiKey.FromSecret("writer", ApiKeyRole.Write)],
        });
        Assert.Equal((HttpStatusCode)401, (await host.SendAsync("POST", "/v2/namespaces/a", """{"upsert_rows":[{"id":1}]}""", "wrong")).Status);
        Assert.Equal((HttpStatusCode)403, (await host.SendAsync("POST", "/v2/namespaces/a", """{"upsert_rows":[{"id":1}]}""", "reader")).Status);
        Assert.Equal((HttpStatusCode)200, (await host.SendAsync("POST", "/v2/namespaces/a", """{"upsert_rows":[{"id":1}]}""", "writer")).Status);
        Assert.Equal((HttpStatusCode)200, (await host.SendAsync("POST", "/v2/namespaces/a/query", """{"rank_by":["id","asc"],"limit":1}""", "reader")).Status);
        Assert.Equal((HttpStatusCode)200, (await host.SendAsync("GET", "/v1/namespaces", null, "reader")).Status);
        foreach (var (method, path) in new[]
        {
            ("DELETE", "/v2/namespaces/a"), ("DELETE", "/v1/namespaces/a"), ("PATCH", "/v1/namespaces/a/metadata"), ("POST", "/v1/namespaces/a/schema"),
        })
        {
            var refused = await host.SendAsync(method, path, "{}", "reader");
            Assert.Equal((HttpStatusCode)403, refused.Status);
            Assert.Contains("\"status\":\"error\"", refused.Body, StringComparison.Ordinal);
        }

        // An endpoint that does not exist is no secret, but still asks for a key first.
        Assert.Equal((HttpStatusCode)401, (await host.SendAsync("GET", "/nothing", null, null)).Status);
        Assert.Equal((HttpStatusCode)404, (await host.SendAsync("GET", "/nothing", null, "reader")).Status);
    }

    [Fact]
    public async Task A_cold_plan_has_the_rounds_of_a_query_that_is_not_run()
    {
        await using var host = await Host.StartAsync(Loopback with { DebugEndpoints = true });
        const string write = """
            {"upsert_rows":[{"id":1,"v":[1,0],"t":"some words"},{"id":2,"v":[0,1],"t":"other words"}],
             "distance_metric":"cosine_distance","schema":{"v":{"type":"[2]f32","ann":true},"t":{"type":"string","full_text_search":true}}}
            """;
        Assert.Equal(HttpStatusCode.OK, (await host.SendAsync("POST", "/v2/namespaces/a", write, "any")).Status);
        const string vector = """{"rank_by":["v","ANN",[1,0]],"limit":2}""";
        var strong = await PlanAsync(host, vector);
        Assert.Equal("strong", (string?)strong["consistency"]);
        Assert.Equal(1, (int?)strong["round_key_counts"]!["round4"]);
        Assert.True((bool?)strong["plan_opts"]!["include_wal_tail"]);
        Assert.Equal("v", (string?)Assert.Single(strong["probe_plan"]!.AsArray())!["vector_field"]);
        Assert.Equal(2, (int?)strong["rows_at_most"]);
        Assert.Equal(strong["total_keys"]!.GetValue<int>(), strong["round_key_counts"]!.AsObject().Sum(r => r.Value!.GetValue<int>()));
        Assert.Equal(strong["storage_roundtrips"]!.GetValue<int>(), strong["round_key_counts"]!.AsObject().Count(r => r.Value!.GetValue<int>() > 0));
        Assert.Equal(strong.ToJsonString(), (await PlanAsync(host, vector)).ToJsonString());

        var eventual = await PlanAsync(host, """{"rank_by":["v","ANN",[1,0]],"consistency":"eventual"}""");
        Assert.Equal((0, 0), ((int)eventual["round_key_counts"]!["round1"]!, (int)eventual["round_key_counts"]!["round4"]!));
        foreach (string body in new[] { """{"rank_by":["t","BM25","words"]}""", """{"rank_by":["nothing","of",["that"]]}""" })
        {
            var plan = await PlanAsync(host, body);
            Assert.Equal(0, (int?)plan["round_key_counts"]!["round3"]);
            Assert.Empty(plan["probe_plan"]!.AsArray());
        }

        Assert.Equal(HttpStatusCode.NotFound, (await SendPlanAsync(host, "b", vector)).Status);
        foreach (string bad in new[] { "{}", "[1]", "{", """{"rank_by":null}""", """{"rank_by":["id","asc"],"consistency":"sometimes"}""" })
        {
            Assert.InRange((int)(await SendPlanAsync(host, "a", bad)).Status, 400, 422);
        }

        await using var closed = await Host.StartAsync(Loopback);
        Assert.Equal(HttpStatusCode.NotFound, (await SendPlanAsync(closed, "a", vector)).Status);
    }

    private static async Task<JsonObject> PlanAsync(Host host, string body)
    {
        var reply = await SendPlanAsync(host, "a", body);
        Assert.True(reply.Status == HttpStatusCode.OK, reply.Body);
        return JsonNode.Parse(reply.Body)!.AsObject();
    }

    private static Task<(HttpStatusCode Status, string Body)> SendPlanAsync(Host host, string name, string body) =>
        host.SendAsync("POST", $"/v1/debug/namespaces/{name}/cold-plan", body, "any");

    [Fact]
    public async Task Health_needs_no_key_but_metrics_do_where_there_are_keys()
    {
        await using var host = await Host.StartAsync(Loopback with { Keys = [ApiKey.FromSecret("k", ApiKeyRole.Read)] });
        var health = await host.SendAsync("GET", "/health", null, null);
        Assert.Equal((HttpStatusCode.OK, """{"status":"ok"}"""), (health.Status, health.Body));
        Assert.Equal((HttpStatusCode)401, (await host.SendAsync("GET", "/metrics", null, null)).Status);

        await host.SendAsync("POST", "/v2/namespaces/some-name/query", "{}", "k");
        var metrics = await host.SendAsync("GET", "/metrics", null, "k");
        Assert.Contains("puff_http_requests_total{route=\"/v2/namespaces/{ns}/query\",status=\"404\"} 1\n", metrics.Body, StringComparison.Ordinal);
        Assert.Contains("puff_http_requests_total{route=\"/metrics\",status=\"401\"} 1\n", metrics.Body, StringComparison.Ordinal);
        Assert.Contains("puff_http_request_duration_seconds_count{route=\"/v2/namespaces/{ns}/query\"} 1\n", metrics.Body, StringComparison.Ordinal);
        Assert.Contains("puff_http_request_bytes_total 2\n", metrics.Body, StringComparison.Ordinal);
        Assert.Contains("puff_http_request_buffer_bytes 0\n", metrics.Body, StringComparison.Ordinal);
        Assert.Contains("puff_http_requests_in_flight 1\n", metrics.Body, StringComparison.Ordinal);
        Assert.Contains("puff_gc_collections_total{generation=\"0\"}", metrics.Body, StringComparison.Ordinal);
        Assert.DoesNotContain("some-name", metrics.Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_body_over_the_limit_is_too_large_however_it_comes()
    {
        await using var host = await Host.StartAsync(Loopback with { MaxRequestBytes = 100_000 });
        byte[] large = Encoding.UTF8.GetBytes($$"""{"x":"{{new string('x', 200_000)}}"}""");
        var plain = new ByteArrayContent(large);
        Assert.Equal((HttpStatusCode)413, (await host.SendContentAsync("POST", "/v2/namespaces/a", plain, "k")).Status);

        var chunked = new StreamContent(new Trickle(large));
        Assert.Equal((HttpStatusCode)413, (await host.SendContentAsync("POST", "/v2/namespaces/a", chunked, "k")).Status);

        var packed = new ByteArrayContent(Pack(large));
        packed.Headers.ContentEncoding.Add("gzip");
        Assert.True(packed.Headers.ContentLength < 10_000, "the bomb must be small");
        var refused = await host.SendContentAsync("POST", "/v2/namespaces/a", packed, "k");
        Assert.Equal((HttpStatusCode)413, refused.Status);
        Assert.Contains("100000 bytes", refused.Body, StringComparison.Ordinal);

        var fits = new StreamContent(new Trickle("""{"upsert_rows":[{"id":1}]}"""u8.ToArray()));
        Assert.Equal((HttpStatusCode)200, (await host.SendContentAsync("POST", "/v2/namespaces/a", fits, "k")).Status);
    }

    [Fact]
    public async Task Broken_gzip_is_a_bad_request()
    {
        await using var host = await Host.StartAsync(Loopback);
        byte[] packed = Pack("""{"upsert_rows":[{"id":1,"text":"some text that is packed"}]}"""u8.ToArray());
        for (int length = 0; length < packed.Length - 8; length++)
        {
            var content = new ByteArrayContent(packed[..length]);
            content.Headers.ContentEncoding.Add("gzip");
            Assert.Equal((HttpStatusCode)400, (await host.SendContentAsync("POST", "/v2/namespaces/a", content, "k")).Status);
        }

        var plain = new ByteArrayContent("{}"u8.ToArray());
        plain.Headers.ContentEncoding.Add("gzip");
        Assert.Equal((HttpStatusCode)400, (await host.SendContentAsync("POST", "/v2/namespaces/a", plain, "k")).Status);
    }

    [Fact]
    public async Task Bodies_that_do_not_fit_into_memory_together_are_limited()
    {
        await using var host = await Host.StartAsync(Loopback with { MaxBufferedBytes = 30_000 });
        var content = new ByteArrayContent(Encoding.UTF8.GetBytes($$"""{"x":"{{new string('x', 40_000)}}"}"""));
        Assert.Equal((HttpStatusCode)429, (await host.SendContentAsync("POST", "/v2/namespaces/a", content, "k")).Status);

        // What was taken was given back.
        Assert.Equal((HttpStatusCode)200, (await host.SendAsync("POST", "/v2/namespaces/a", """{"upsert_rows":[{"id":1}]}""", "k")).Status);
    }

    [Fact]
    public async Task Without_keys_only_loopback_is_served()
    {
        var error = await Assert.ThrowsAsync<PuffException>(() => Host.StartAsync(Loopback with { Listen = ["0.0.0.0:0"] }));
        Assert.Equal(ErrorKind.Invalid, error.Kind);
        Assert.Contains("--api-key", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_address_in_use_is_named()
    {
        await using var first = await Host.StartAsync(Loopback);
        string taken = $"127.0.0.1:{first.Server.Port}";
        var error = await Assert.ThrowsAsync<PuffException>(() => Host.StartAsync(Loopback with { Listen = [taken] }));
        Assert.Equal(ErrorKind.Unavailable, error.Kind);
        Assert.Contains(taken, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Several_addresses_can_be_served()
    {
        await using var host = await Host.StartAsync(Loopback with { Listen = ["127.0.0.1:0", "127.0.0.1:0"] });
        Assert.Equal(2, host.Server.Urls.Distinct().Count());
    }

    [Fact]
    public async Task Stopping_lets_a_request_in_flight_finish()
    {
        await using var host = await Host.StartAsync(Loopback);
        var body = new Gate("""{"upsert_rows":[{"id":1}]}"""u8.ToArray());
        var request = host.SendContentAsync("POST", "/v2/namespaces/a", new StreamContent(body), "k");
        await body.Reached;
        var stopping = host.Server.StopAsync(Cancellation);
        Assert.False(stopping.IsCompleted);
        body.Open();
        Assert.Equal((HttpStatusCode)200, (await request).Status);
        await stopping;
        await Assert.ThrowsAsync<HttpRequestException>(() => host.SendAsync("GET", "/health", null, null));
    }

    /// <summary>Check-list 55.</summary>
    [Fact]
    public async Task Concurrent_writers_all_succeed()
    {
        await using var host = await Host.StartAsync(Loopback);
        var answers = await Task.WhenAll(Enumerable.Range(0, 32).Select(i =>
            host.SendAsync("POST", "/v2/namespaces/a", $$"""{"upsert_rows":[{"id":{{i}},"n":{{i}}}]}""", "k")));
        Assert.All(answers, answer => Assert.Equal(HttpStatusCode.OK, answer.Status));
        var count = await host.SendAsync("POST", "/v2/namespaces/a/query", """{"aggregate_by":{"n":["Count"]}}""", "k");
        Assert.Contains("\"aggregations\":{\"n\":32}", count.Body, StringComparison.Ordinal);
    }

    /// <summary>Check-list 71: of the writers that saw the same version, one wins.</summary>
    [Fact]
    public async Task Version_checks_let_exactly_one_writer_win()
    {
        await using var host = await Host.StartAsync(Loopback);
        await host.SendAsync("POST", "/v2/namespaces/a", """{"upsert_rows":[{"id":1,"version":0}]}""", "k");
        for (int version = 0; version < 10; version++)
        {
            string body = $$"""{"upsert_rows":[{"id":1,"version":{{version + 1}}}],"upsert_condition":["version","Eq",{{version}}]}""";
            var answers = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => host.SendAsync("POST", "/v2/namespaces/a", body, "k")));
            Assert.Equal(1, answers.Sum(answer => JsonDocument.Parse(answer.Body).RootElement.GetProperty("rows_upserted").GetInt32()));
        }
    }

    /// <summary>Check-list 123.</summary>
    [Fact]
    public async Task A_sparse_query_has_at_most_1024_entries()
    {
        await using var host = await Host.StartAsync(Loopback);
        const string Sparse = """{"type":"{}f16","sparse_knn":{"distance_metric":"dot_product"}}""";
        const string Write = $$$"""{"upsert_rows":[{"id":1,"s":{"d7":1}}],"schema":{"s":{{{Sparse}}} } }""";
        Assert.Equal((HttpStatusCode)200, (await host.SendAsync("POST", "/v2/namespaces/a", Write, "k")).Status);
        foreach (var (entries, status) in new[] { (1_024, 200), (1_025, 400) })
        {
            var query = new JsonObject(Enumerable.Range(0, entries).Select(i => KeyValuePair.Create($"d{i}", (JsonNode?)JsonValue.Create(1))));
            string body = $$"""{"rank_by":["s","SparseKNN",{{query.ToJsonString()}}],"limit":1}""";
            Assert.Equal((HttpStatusCode)status, (await host.SendAsync("POST", "/v2/namespaces/a/query", body, "k")).Status);
        }
    }

    private static byte[] Pack(byte[] bytes)
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.SmallestSize))
        {
            gzip.Write(bytes);
        }

        return packed.ToArray();
    }

    private sealed class Host : IAsyncDisposable
    {
        private readonly PuffEngine engine;
        private readonly HttpClient client;

        private Host(PuffEngine engine, PuffServer server)
        {
            this.engine = engine;
            Server = server;
            client = new HttpClient { BaseAddress = new Uri(server.Urls[0]) };
        }

        public PuffServer Server { get; }

        public static async Task<Host> StartAsync(PuffServerOptions options)
        {
            var engine = await PuffEngine.OpenAsync(new EngineSettings(), new EngineComponents { Store = new MemoryObjectStore() }, Cancellation);
            return new Host(engine, await PuffServer.StartAsync(options, engine, NullLoggerFactory.Instance, Cancellation));
        }

        public Task<(HttpStatusCode Status, string Body)> SendAsync(string method, string path, string? body, string? key) =>
            SendContentAsync(method, path, body is null ? null : new StringContent(body), key);

        public async Task<(HttpStatusCode Status, string Body)> SendContentAsync(string method, string path, HttpContent? content, string? key)
        {
            using var request = new HttpRequestMessage(new HttpMethod(method), path) { Content = content };
            request.Headers.ExpectContinue = content is not null;
            request.Headers.Authorization = key is null ? null : new AuthenticationHeaderValue("Bearer", key);
            using var response = await client.SendAsync(request, Cancellation);
            return (response.StatusCode, await response.Content.ReadAsStringAsync(Cancellation));
        }

        public async ValueTask DisposeAsync()
        {
            client.Dispose();
            await Server.DisposeAsync();
            await engine.DisposeAsync();
        }
    }

    /// <summary>A stream of unknown length that comes in small pieces: HTTP sends it in chunks.</summary>
    private sealed class Trickle(byte[] bytes) : MemoryStream(bytes)
    {
        public override bool CanSeek => false;

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            base.ReadAsync(buffer[..Math.Min(buffer.Length, 1_000)], cancellationToken);
    }

    /// <summary>A body that stops half-way until it is told to go on.</summary>
    private sealed class Gate(byte[] bytes) : MemoryStream(bytes)
    {
        private readonly TaskCompletionSource reached = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource opened = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Reached => reached.Task;

        public override bool CanSeek => false;

        public void Open() => opened.TrySetResult();

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (Position > 0)
            {
                reached.TrySetResult();
                await opened.Task.WaitAsync(cancellationToken);
            }

            return await base.ReadAsync(buffer[..Math.Min(buffer.Length, 10)], cancellationToken);
        }
    }
}
