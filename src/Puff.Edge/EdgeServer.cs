using System.Net;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Puff.Edge.Client;
using Puff.Edge.Security;
using Puff.Edge.Services;
using Puff.Edge.Transport;

namespace Puff.Edge;

/// <summary>What an edge server needs to know.</summary>
public sealed record EdgeServerOptions
{
    /// <summary>Where it listens; port 0 takes a free one.</summary>
    public IReadOnlyList<IPEndPoint> Addresses { get; init; } = [new(IPAddress.IPv6Loopback, 50051)];

    /// <summary>Of one received message.</summary>
    public int MaxMessageBytes { get; init; } = 64 << 20;

    /// <summary>Whether listeners that are not loopback take raw SQL.</summary>
    public bool AllowsSql { get; init; }

    /// <summary>A file of bearer tokens (docs/reference/edge.md); null lets everybody call who can connect.</summary>
    public string? TokenFile { get; init; }

    /// <summary>Certificate and key in PEM; null for plaintext. Read again when they change.</summary>
    public string? CertificateFile { get; init; }

    /// <summary>Of <see cref="CertificateFile"/>; null when that file holds the key, too.</summary>
    public string? CertificateKeyFile { get; init; }

    /// <summary>Whether addresses that others can reach may be served in plaintext.</summary>
    public bool AllowsPlaintext { get; init; }

    /// <summary>Whether a missing key or id is INVALID_ARGUMENT, as released servers on SQLite say, instead of NOT_FOUND.</summary>
    public bool UsesLegacyStatus { get; init; }
}

/// <summary>Serves a key-value store and a blob store over gRPC. The stores belong to the caller, who closes them after the server.</summary>
public sealed class EdgeServer : IAsyncDisposable
{
    /// <summary>How long running calls have when the server stops.</summary>
    private static readonly TimeSpan Drain = TimeSpan.FromSeconds(10);

    private readonly WebApplication application;
    private readonly TransactionTable transactions;
    private readonly CancellationTokenSource stopping;
    private readonly PipeListener? listener;
    private bool isDisposed;

    private EdgeServer(WebApplication application, TransactionTable transactions, CancellationTokenSource stopping, PipeListener? listener)
    {
        this.listener = listener;
        this.application = application;
        this.transactions = transactions;
        this.stopping = stopping;
    }

    /// <summary>Where it listens, with the ports it got.</summary>
    public IReadOnlyList<string> Urls =>
        [.. application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()?.Addresses ?? []];

    /// <summary>Serves stores on the network. Either may be missing; its methods are then unimplemented.</summary>
    public static Task<EdgeServer> StartAsync(KvStore? kv, BlobStore? blobs, EdgeServerOptions options, CancellationToken cancellation = default) =>
        StartAsync(kv, blobs, options, null, cancellation);

    /// <summary>Serves stores to clients in this process, without a socket; <see cref="Connect"/> makes channels to it.</summary>
    public static Task<EdgeServer> StartInProcessAsync(KvStore? kv, BlobStore? blobs, CancellationToken cancellation = default)
    {
        var options = new EdgeServerOptions { Addresses = [new IPEndPoint(IPAddress.Loopback, 1)], MaxMessageBytes = int.MaxValue };
        return StartAsync(kv, blobs, options, new PipeListener(), cancellation);
    }

    /// <summary>A channel to a server in this process.</summary>
    public EdgeChannel Connect() => listener is null
        ? new EdgeChannel(new Uri(Urls[0]))
        : new EdgeChannel(new Uri("http://in-process"), listener.ConnectAsync);

    private static async Task<EdgeServer> StartAsync(
        KvStore? kv, BlobStore? blobs, EdgeServerOptions options, PipeListener? listener, CancellationToken cancellation)
    {
        RefuseOpenPlaintext(options);
        var access = new CallAccess(options.TokenFile is { } tokens ? new TokenFile(tokens, TimeProvider.System) : null);
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Services.Configure<Microsoft.Extensions.Hosting.HostOptions>(host => host.ShutdownTimeout = Drain);
        builder.WebHost.ConfigureKestrel(kestrel => Configure(kestrel, options));
        if (listener is not null)
        {
            builder.Services.AddSingleton<IConnectionListenerFactory>(listener);
        }

        var stopping = new CancellationTokenSource();
        var transactions = new TransactionTable(kv, blobs, TimeProvider.System);
        var services = new ServiceOptions(options.UsesLegacyStatus ? GrpcStatus.InvalidArgument : GrpcStatus.NotFound, options.AllowsSql);
        var methods = EdgeMethods.Create(kv, blobs, transactions, services);
        var endpoint = new GrpcEndpoint(methods, new GrpcCallOptions(options.MaxMessageBytes), access.Refuse, stopping.Token);
        WebApplication application = builder.Build();
        application.Run(endpoint.HandleAsync);
        try
        {
            await application.StartAsync(cancellation);
        }
        catch
        {
            await application.DisposeAsync();
            throw;
        }

        return new EdgeServer(application, transactions, stopping, listener);
    }

    /// <summary>Takes no new calls, lets running ones end for ten seconds, and ends the rest.</summary>
    public async Task StopAsync()
    {
        using var limit = new CancellationTokenSource(Drain);
        Task stop = application.StopAsync(limit.Token);
        // Calls that wait for a client to go on would wait for ever: what is at hand is answered, then they are told.
        await Task.WhenAny(stop, Task.Delay(TimeSpan.FromSeconds(1), CancellationToken.None));
        await stopping.CancelAsync();
        await stop;
    }

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref isDisposed, true))
        {
            return;
        }

        await StopAsync();
        await application.DisposeAsync();
        transactions.Dispose();
        stopping.Dispose();
    }

    /// <summary>Keys and values in clear for everybody on the way: only where somebody has said so.</summary>
    private static void RefuseOpenPlaintext(EdgeServerOptions options)
    {
        IPEndPoint? open = options.Addresses.FirstOrDefault(address => !IPAddress.IsLoopback(address.Address));
        if (open is not null && options.CertificateFile is null && !options.AllowsPlaintext)
        {
            throw EdgeException.Precondition(
                $"{open} can be reached by others and would be served in plaintext; give --tls-cert and --tls-key, or --insecure if the network is trusted");
        }
    }

    private static WatchedFile<X509Certificate2> ReadCertificate(string file, string? keyFile)
    {
        try
        {
            string[] paths = [.. new[] { file, keyFile }.OfType<string>()];
            // A key straight from PEM is not kept by every system's TLS: it has to pass through a store of keys in memory.
            return new WatchedFile<X509Certificate2>(
                () =>
                {
                    using var pem = X509Certificate2.CreateFromPemFile(file, keyFile);
                    return X509CertificateLoader.LoadPkcs12(pem.Export(X509ContentType.Pkcs12), null);
                },
                TimeProvider.System,
                paths);
        }
        catch (System.Security.Cryptography.CryptographicException error)
        {
            throw new EdgeException(GrpcStatus.FailedPrecondition, $"{file} is no certificate with its key in PEM: {error.Message}", error);
        }
    }

    private static void Configure(KestrelServerOptions kestrel, EdgeServerOptions options)
    {
        WatchedFile<X509Certificate2>? certificate = options.CertificateFile is { } file ? ReadCertificate(file, options.CertificateKeyFile) : null;
        foreach (IPEndPoint address in options.Addresses)
        {
            kestrel.Listen(address, listen =>
            {
                listen.Protocols = HttpProtocols.Http2;
                if (certificate is not null)
                {
                    listen.UseHttps(https => https.ServerCertificateSelector = (_, _) => certificate.Current);
                }
            });
        }

        kestrel.AddServerHeader = false;
        kestrel.Limits.MaxRequestBodySize = null;
        kestrel.Limits.MinRequestBodyDataRate = null;
        kestrel.Limits.MinResponseDataRate = null;
        kestrel.Limits.Http2.MaxStreamsPerConnection = 1_000;
        kestrel.Limits.Http2.InitialStreamWindowSize = 1 << 20;
        kestrel.Limits.Http2.InitialConnectionWindowSize = 8 << 20;
        kestrel.Limits.Http2.KeepAlivePingDelay = TimeSpan.FromSeconds(30);
    }
}
