using System.Net;
using Microsoft.Extensions.Logging.Abstractions;
using Puff.Engine;
using Puff.Engine.Namespaces;
using Puff.Engine.Storage;
using Puff.Server.Security;
using Xunit;

namespace Puff.Server.Tests.Http;

/// <summary>Health and readiness, with a store that answers, fails and hangs.</summary>
public sealed class HealthTests : IAsyncLifetime
{
    private readonly MoodyStore store = new();
    private readonly HttpClient http = new();
    private PuffEngine engine = null!;
    private PuffServer server = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        engine = await PuffEngine.OpenAsync(new EngineSettings { RunIndexer = false }, new EngineComponents { Store = store }, Cancel);
        var options = new PuffServerOptions
        {
            Listen = ["127.0.0.1:0"],
            Keys = [ApiKey.FromSecret("k", ApiKeyRole.Admin)],
            ProbeTimeout = TimeSpan.FromMilliseconds(500),
        };
        server = await PuffServer.StartAsync(options, engine, NullLoggerFactory.Instance, Cancel);
    }

    public async ValueTask DisposeAsync()
    {
        http.Dispose();
        await server.DisposeAsync();
        await engine.DisposeAsync();
    }

    [Theory]
    [InlineData(Mood.Good, "/health", 200, """{"status":"ok"}""")]
    [InlineData(Mood.Good, "/health?deep=0", 200, """{"status":"ok"}""")]
    [InlineData(Mood.Good, "/health?deep=2", 200, """{"status":"ok"}""")]
    [InlineData(Mood.Good, "/health?deep=1", 200, """{"status":"ok","s3":"ok","deep":true}""")]
    [InlineData(Mood.Good, "/v1/ready", 200, """{"status":"ok","ready":true,"s3":"ok"}""")]
    [InlineData(Mood.Fails, "/health", 200, """{"status":"ok"}""")]
    [InlineData(Mood.Fails, "/health?deep=1", 503, """{"status":"degraded","s3":"unavailable","deep":true}""")]
    [InlineData(Mood.Fails, "/v1/ready", 503, """{"status":"not_ready","ready":false,"s3":"unavailable"}""")]
    [InlineData(Mood.Hangs, "/v1/ready", 503, """{"status":"not_ready","ready":false,"s3":"unavailable"}""")]
    public async Task Both_say_what_the_specification_has(Mood mood, string path, int status, string body)
    {
        store.Mood = mood;
        using var answer = await http.GetAsync(server.Urls[0] + path, Cancel);
        Assert.Equal((status, body), ((int)answer.StatusCode, await answer.Content.ReadAsStringAsync(Cancel)));
        Assert.Equal("application/json", answer.Content.Headers.ContentType!.MediaType);
    }

    [Fact]
    public async Task A_depth_that_is_no_number_is_refused_in_plain_text()
    {
        using var answer = await http.GetAsync(server.Urls[0] + "/health?deep=yes", Cancel);
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Equal("text/plain", answer.Content.Headers.ContentType!.MediaType);
    }

    [Fact]
    public async Task Plain_health_asks_the_store_for_nothing_and_readiness_for_one_thing_or_two()
    {
        await http.GetAsync(server.Urls[0] + "/health", Cancel);
        Assert.Equal(0, store.Calls);
        await http.GetAsync(server.Urls[0] + "/v1/ready", Cancel);
        Assert.Equal(1, store.Calls);
        await engine.WriteAsync("docs", new WriteRequest { Upserts = [new DocumentRow(Engine.Schema.Value.UInt(1), [])] }, Cancel);
        int before = store.Calls;
        await http.GetAsync(server.Urls[0] + "/v1/ready", Cancel);
        Assert.Equal(before + 2, store.Calls);
    }

    [Fact]
    public async Task A_stopping_server_is_alive_and_not_ready()
    {
        await http.GetAsync(server.Urls[0] + "/v1/ready", Cancel);
        var stopping = server.StopAsync(Cancel);
        using var answer = await http.GetAsync(server.Urls[0] + "/v1/ready", Cancel);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
        Assert.Equal("""{"status":"draining","ready":false}""", await answer.Content.ReadAsStringAsync(Cancel));
        Assert.True(answer.Headers.ConnectionClose);
        using var alive = await http.GetAsync(server.Urls[0] + "/health", Cancel);
        Assert.Equal(HttpStatusCode.OK, alive.StatusCode);
        Assert.True(await stopping);
    }

    public enum Mood
    {
        Good,
        Fails,
        Hangs,
    }

    private sealed class MoodyStore() : DelegatingObjectStore(new MemoryObjectStore())
    {
        public Mood Mood { get; set; }

        public int Calls { get; private set; }

        public override async ValueTask<ListPage> ListAsync(ListOptions options, StorePurpose purpose, CancellationToken cancellation)
        {
            Calls++;
            await Task.Delay(Mood == Mood.Hangs ? Timeout.Infinite : 0, cancellation);
            return Mood == Mood.Fails
                ? throw new StoreException("no route to the store", transient: true, outcomeUnknown: false)
                : await Inner.ListAsync(options, purpose, cancellation);
        }

        public override ValueTask<ObjectInfo?> HeadAsync(string key, StorePurpose purpose, CancellationToken cancellation)
        {
            Calls++;
            return Inner.HeadAsync(key, purpose, cancellation);
        }
    }
}
