using Microsoft.Extensions.Logging.Abstractions;
using Puff.Engine;
using Puff.Engine.Storage;
using Xunit;

namespace Puff.Server.Tests.Scenarios;

/// <summary>
/// A server for tests on an engine in memory. With PUFF_SCENARIO_URL (and PUFF_SCENARIO_KEY) set, scenarios run against that server instead.
/// </summary>
public sealed class ScenarioServer : IAsyncLifetime
{
    private PuffEngine? engine;
    private PuffServer? server;

    public HttpClient Client { get; private set; } = null!;

    public string Key { get; } = Environment.GetEnvironmentVariable("PUFF_SCENARIO_KEY") is { Length: > 0 } key ? key : "tpuf_any";

    public async ValueTask InitializeAsync()
    {
        string? url = Environment.GetEnvironmentVariable("PUFF_SCENARIO_URL");
        if (string.IsNullOrEmpty(url))
        {
            // Caps small enough that a scenario can exceed them.
            var settings = new EngineSettings { DeleteByFilterLimit = 50, PatchByFilterLimit = 20 };
            engine = await PuffEngine.OpenAsync(settings, new EngineComponents { Store = new MemoryObjectStore() });
            server = await PuffServer.StartAsync(new PuffServerOptions { Listen = ["127.0.0.1:0"] }, engine, NullLoggerFactory.Instance);
            url = server.Urls[0];
        }

        Client = new HttpClient { BaseAddress = new Uri(url), Timeout = TimeSpan.FromSeconds(30) };
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        if (server is not null)
        {
            await server.DisposeAsync();
        }

        if (engine is not null)
        {
            await engine.DisposeAsync();
        }
    }
}
