using System.Diagnostics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;
using Puff.Configuration;
using Puff.Engine;
using Puff.Engine.Storage;
using Puff.Server;
using Puff.Server.Security;

namespace Puff.Hosting;

/// <summary>A running node: a store, an engine on it, a server before it. Disposal stops them in the opposite order.</summary>
internal sealed class Node : IAsyncDisposable
{
    // A node that does everything is mostly alone and finds nothing: it asks seldom.
    private static readonly Dictionary<string, TimeSpan> UsualPoll = new()
    {
        ["all"] = TimeSpan.FromSeconds(30), ["index"] = TimeSpan.FromSeconds(1), ["query"] = TimeSpan.FromSeconds(30),
    };

    // When clients have used up all the time, the engine still gets a moment to stop.
    private static readonly TimeSpan LeastTimeForEngine = TimeSpan.FromMilliseconds(200);

    private readonly PuffServer server;
    private readonly PuffEngine engine;
    private readonly IObjectStore store;
    private readonly ILoggerFactory logging;
    private readonly TimeSpan drainTimeout;

    private Node(PuffServer server, PuffEngine engine, IObjectStore store, ILoggerFactory logging, TimeSpan drainTimeout)
    {
        this.server = server;
        this.engine = engine;
        this.store = store;
        this.logging = logging;
        this.drainTimeout = drainTimeout;
    }

    public string Url => server.Urls[0];

    public string Store => store.Description;

    public bool KeepsNothing => !store.Capabilities.IsDurable;

    /// <param name="settings">Store, role, keys and the rest.</param>
    /// <param name="location">The store, as --store has it.</param>
    /// <param name="listen">Address; port 0 takes a free one.</param>
    public static async Task<Node> StartAsync(SettingValues settings, string location, string listen, CancellationToken cancellation)
    {
        ILoggerFactory logging = CreateLogging(settings.Get(Settings.LogLevel));
        IObjectStore? store = null;
        PuffEngine? engine = null;
        try
        {
            store = await StoreOpener.ClaimAsync(settings, location, keepsCache: true, cancellation);
            engine = await PuffEngine.OpenAsync(EngineSettingsOf(settings, store), new EngineComponents { Store = store, Logging = logging }, cancellation);
            ApiKey[] keys = [.. settings.GetAll(Settings.ApiKey).Select(key => ApiKey.FromSecret(key, ApiKeyRole.Admin))];
            var options = new PuffServerOptions
            {
                Listen = [listen],
                Keys = keys,
                DrainTimeout = Quantity.Duration(settings.Get(Settings.DrainTimeout)),
                DebugEndpoints = settings.Get(Settings.DebugEndpoints) == "on",
                DrainDelay = Quantity.Duration(settings.Get(Settings.DrainDelay)),
            };
            return new Node(await PuffServer.StartAsync(options, engine, logging, cancellation), engine, store, logging, options.DrainTimeout);
        }
        catch
        {
            await DisposeAllAsync(engine, store);
            logging.Dispose();
            throw;
        }
    }

    /// <summary>Finishes the requests in flight, writes the writes that wait, ends background work; all within the drain timeout.</summary>
    /// <returns>False when something was not finished in time: requests were cut off, or a store does not answer.</returns>
    public async Task<bool> StopAsync()
    {
        long began = Stopwatch.GetTimestamp();
        bool isFinished = await server.StopAsync();
        TimeSpan left = drainTimeout - Stopwatch.GetElapsedTime(began);
        try
        {
            await engine.DisposeAsync().AsTask().WaitAsync(left > LeastTimeForEngine ? left : LeastTimeForEngine);
            return isFinished;
        }
        catch (TimeoutException)
        {
            return false;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await server.DisposeAsync();
        await DisposeAllAsync(engine, store);
        logging.Dispose();
    }

    private static async Task DisposeAllAsync(params IAsyncDisposable?[] parts)
    {
        foreach (IAsyncDisposable part in parts.OfType<IAsyncDisposable>())
        {
            await part.DisposeAsync();
        }
    }

    private static EngineSettings EngineSettingsOf(SettingValues settings, IObjectStore store) => new()
    {
        RunIndexer = settings.Get(Settings.Role) != "query",
        UseIndexQueue = store.Capabilities.IsShared,
        IndexQueuePoll = settings.Find(Settings.IndexPoll) is { } poll ? Quantity.Duration(poll) : UsualPoll[settings.Get(Settings.Role)],
        LeaseTime = Quantity.Duration(settings.Get(Settings.LeaseTime)),
        IndexDelay = Quantity.Duration(settings.Get(Settings.IndexDelay)),
        IndexThresholdEntries = Quantity.Count(settings.Get(Settings.IndexEntries), 1),
        MergeFanIn = Quantity.Count(settings.Get(Settings.MergeFanIn), 2),
        Grace = Quantity.Duration(settings.Get(Settings.Grace)),
        History = Quantity.Duration(settings.Get(Settings.History)),
        CorruptEntries = Enum.Parse<CorruptEntryPolicy>(settings.Get(Settings.CorruptEntries), ignoreCase: true),
    };

    private static ILoggerFactory CreateLogging(string level) => LoggerFactory.Create(builder => builder
        .SetMinimumLevel(Enum.Parse<LogLevel>(level, ignoreCase: true))
        .AddSimpleConsole(console =>
        {
            console.SingleLine = true;
            console.UseUtcTimestamp = true;
            console.TimestampFormat = "yyyy-MM-dd'T'HH:mm:ss.fff'Z' ";
            console.ColorBehavior = LoggerColorBehavior.Disabled;
        })
        .Services.Configure<ConsoleLoggerOptions>(console => console.LogToStandardErrorThreshold = LogLevel.Trace));
}
