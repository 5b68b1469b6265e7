using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Puff.Engine;
using Puff.Server.Http;
using Puff.Server.Limits;
using Puff.Server.Security;
using Puff.Server.Telemetry;
using Puff.Server.Turbopuffer;

namespace Puff.Server;

/// <summary>An HTTP server over an engine. The engine belongs to the caller and must outlive the server.</summary>
public sealed class PuffServer : IAsyncDisposable
{
    private readonly WebApplication app;
    private readonly ServerMetrics metrics;
    private readonly PrometheusExporter exporter;
    private readonly HealthEndpoints health;
    private readonly PuffServerOptions options;
    private bool stopped;

    private PuffServer(WebApplication app, ServerMetrics metrics, PrometheusExporter exporter, HealthEndpoints health, PuffServerOptions options)
    {
        this.app = app;
        this.metrics = metrics;
        this.exporter = exporter;
        this.health = health;
        this.options = options;
    }

    /// <summary>The URLs that are listened on, with the ports the system chose.</summary>
    public IReadOnlyList<string> Urls => [.. app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses];

    /// <summary>The port of the first address.</summary>
    public int Port => new Uri(Urls[0]).Port;

    /// <summary>Starts listening.</summary>
    /// <exception cref="PuffException">Invalid: an address is none, or needs a key. Unavailable: an address cannot be listened on.</exception>
    public static async Task<PuffServer> StartAsync(
        PuffServerOptions options,
        PuffEngine engine,
        ILoggerFactory logging,
        CancellationToken cancellation = default)
    {
        var keys = new KeyRing(options.Keys);
        var endpoints = options.Listen.Select(ListenAddress.Parse).ToList();
        endpoints.ForEach(endpoint => ListenAddress.RefuseOpenServer(endpoint, keys));

        var budget = new BodyBudget(options.MaxBufferedBytes);
        var metrics = new ServerMetrics(budget);
        var exporter = new PrometheusExporter(metrics.Meter);
        var app = Build(options, endpoints, logging);
        var health = new HealthEndpoints(engine, options.ProbeTimeout, logging.CreateLogger<HealthEndpoints>());
        AddPipeline(app, keys, metrics, health, new ErrorDialect(logging.CreateLogger<ErrorDialect>()));
        health.Map(app);
        AddMetrics(app, keys, exporter);
        var bodies = new RequestBodyReader(budget, options.MaxRequestBytes);
        new CacheEndpoints(engine, bodies).Map(app, options.DebugEndpoints);
        app.MapTurbopuffer(new TurbopufferFacade(engine, bodies));

        var server = new PuffServer(app, metrics, exporter, health, options);
        try
        {
            await app.StartAsync(cancellation);
            return server;
        }
        catch (IOException error)
        {
            await server.DisposeAsync();
            throw new PuffException(ErrorKind.Unavailable, $"cannot listen on {string.Join(", ", options.Listen)}: {error.Message}", error);
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>
    /// Says that it is not ready, goes on for the drain delay, stops accepting, waits for the requests in flight (all at most the drain timeout), closes every
    /// connection. May be called repeatedly.
    /// </summary>
    /// <returns>False when requests were cut off.</returns>
    public async Task<bool> StopAsync(CancellationToken cancellation = default)
    {
        if (stopped)
        {
            return true;
        }

        stopped = true;
        health.BeginDraining();
        using var bounded = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        bounded.CancelAfter(options.DrainTimeout);
        if (health.IsWatched)
        {
            await Task.Delay(options.DrainDelay, bounded.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        await app.StopAsync(bounded.Token);
        return !bounded.IsCancellationRequested;
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        await app.DisposeAsync();
        exporter.Dispose();
        metrics.Dispose();
    }

    private static WebApplication Build(PuffServerOptions options, List<IPEndPoint> endpoints, ILoggerFactory logging)
    {
        // The empty builder reads no configuration files and no environment variables: what the options say is all there is.
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxConcurrentConnections = options.MaxConnections;

            // RequestBodyReader counts, because it must also count what unpacking makes of a body.
            kestrel.Limits.MaxRequestBodySize = null;
            foreach (var endpoint in endpoints)
            {
                kestrel.Listen(endpoint, listen => listen.Protocols = HttpProtocols.Http1);
            }
        });
        builder.Services.AddRoutingCore();
        builder.Services.AddSingleton(logging);
        builder.Services.AddSingleton<IHostLifetime, CallerLifetime>();
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = options.DrainTimeout);
        return builder.Build();
    }

    private static void AddPipeline(WebApplication app, KeyRing keys, ServerMetrics metrics, HealthEndpoints health, ErrorDialect errors)
    {
        app.Use(next => context => metrics.InvokeAsync(context, next));
        app.Use(next => context => health.InvokeAsync(context, next));
        app.Use(next => context => errors.InvokeAsync(context, next));
        app.UseRouting();
        app.Use(next => context => EndpointAccess.InvokeAsync(context, next, keys));
    }

    private static void AddMetrics(WebApplication app, KeyRing keys, PrometheusExporter exporter) =>

        // Where keys exist, the scraper needs one too: metrics tell what a server is used for.
        app.MapMethods("/metrics", ["GET"], context => Responses.SendTextAsync(context, PrometheusExporter.ContentType, exporter.Render()))
            .WithMetadata(keys.IsOpen ? EndpointAccess.Everybody : EndpointAccess.Read);

    /// <summary>The process belongs to the caller: signals are the caller's to handle.</summary>
    private sealed class CallerLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
