using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;

namespace Puff.Server.Tests.Durability;

/// <summary>What may happen to a request between a node and its store.</summary>
internal enum StoreFault
{
    None,
    InternalError,
    Unavailable,
    TooManyRequests,
    Slow,

    /// <summary>The store never sees it.</summary>
    LostRequest,

    /// <summary>The store has done it, and nobody hears of it.</summary>
    LostReply,

    /// <summary>The connection breaks in the middle of the content.</summary>
    HalfBody,
}

/// <summary>Stands between one node and an S3 server and spoils requests; cut, it is a network without a way to the store.</summary>
internal sealed class FaultProxy : IAsyncDisposable
{
    private readonly string upstream;
    private readonly HttpClient client = new(new SocketsHttpHandler { AllowAutoRedirect = false, MaxConnectionsPerServer = 64 });
    private readonly WebApplication application;
    private readonly Lock gate = new();
    private readonly Random random;
    private long faults;

    private FaultProxy(string upstream, int seed)
    {
        this.upstream = upstream;
#pragma warning disable RS0030 // A fixed seed.
        random = new Random(seed);
#pragma warning restore RS0030
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0").ConfigureKestrel(kestrel => kestrel.Limits.MaxRequestBodySize = null);
        application = builder.Build();
        application.Run(HandleAsync);
    }

    /// <summary>Share of the requests, 0..1, that meet a fault.</summary>
    public double FaultRate { get; set; }

    /// <summary>No request gets through in either direction.</summary>
    public bool IsCut { get; set; }

    /// <summary>Packets vanish in both directions: nothing is refused, closed or answered, as by a network that has come apart.</summary>
    public bool IsSilent { get; set; }

    /// <summary>Requests spoiled so far, those of a cut line included.</summary>
    public long Faults => Interlocked.Read(ref faults);

    public string Endpoint => application.Urls.First();

    public static async Task<FaultProxy> StartAsync(string upstream, int seed)
    {
        var proxy = new FaultProxy(upstream, seed);
        await proxy.application.StartAsync();
        return proxy;
    }

    public async ValueTask DisposeAsync()
    {
        await application.DisposeAsync();
        client.Dispose();
    }

    private async Task HandleAsync(HttpContext context)
    {
        await WhileSilentAsync(context);
        var fault = Draw();
        if (fault != StoreFault.None || IsCut)
        {
            Interlocked.Increment(ref faults);
        }

        if (IsCut || fault == StoreFault.LostRequest)
        {
            context.Abort();
            return;
        }

        if (StatusOf(fault) is { } status)
        {
            context.Response.StatusCode = status;
            return;
        }

        if (fault == StoreFault.Slow)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(400), context.RequestAborted);
        }

        await ForwardAsync(context, fault);
    }

    /// <summary>Until whoever asked has given up.</summary>
    private async Task WhileSilentAsync(HttpContext context)
    {
        if (IsSilent)
        {
            Interlocked.Increment(ref faults);
            await Task.Delay(Timeout.Infinite, context.RequestAborted);
        }
    }

    private StoreFault Draw()
    {
        lock (gate)
        {
            return random.NextDouble() < FaultRate ? (StoreFault)random.Next(1, (int)StoreFault.HalfBody + 1) : StoreFault.None;
        }
    }

    private static int? StatusOf(StoreFault fault) => fault switch
    {
        StoreFault.InternalError => 500,
        StoreFault.Unavailable => 503,
        StoreFault.TooManyRequests => 429,
        _ => null,
    };

    private async Task ForwardAsync(HttpContext context, StoreFault fault)
    {
        using var request = CreateRequest(context);
        using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, context.RequestAborted);
        byte[] body = await response.Content.ReadAsByteArrayAsync(context.RequestAborted);
        await WhileSilentAsync(context);
        if (fault == StoreFault.LostReply || IsCut)
        {
            context.Abort();
            return;
        }

        context.Response.StatusCode = (int)response.StatusCode;
        foreach (var (name, values) in response.Headers.Concat(response.Content.Headers))
        {
            context.Response.Headers[name] = values.ToArray();
        }

        context.Response.Headers.Remove("transfer-encoding");
        if (fault == StoreFault.HalfBody && body.Length > 1)
        {
            await context.Response.Body.WriteAsync(body.AsMemory(0, body.Length / 2), context.RequestAborted);
            await context.Response.Body.FlushAsync(context.RequestAborted);
            context.Abort();
            return;
        }

        if (body.Length > 0)
        {
            await context.Response.Body.WriteAsync(body, context.RequestAborted);
        }
    }

    /// <summary>The same request to the letter, host included: it is signed.</summary>
    private HttpRequestMessage CreateRequest(HttpContext context)
    {
        string target = context.Features.Get<IHttpRequestFeature>()!.RawTarget;
        var address = new Uri(upstream + target, new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true });
        var request = new HttpRequestMessage(new HttpMethod(context.Request.Method), address);
        if (context.Request.ContentLength is not null || context.Request.Headers.TransferEncoding.Count > 0)
        {
            request.Content = new StreamContent(context.Request.Body);
        }

        foreach (var (name, values) in context.Request.Headers)
        {
            if (!request.Headers.TryAddWithoutValidation(name, values.ToArray()))
            {
                request.Content?.Headers.TryAddWithoutValidation(name, values.ToArray());
            }
        }

        request.Headers.ExpectContinue = false;
        return request;
    }
}
