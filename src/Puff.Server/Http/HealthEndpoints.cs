using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Logging;
using Puff.Engine;
using Puff.Server.Security;

namespace Puff.Server.Http;

/// <summary>
/// Is the process alive (`/health`), and should it get requests (`/v1/ready`)? Neither needs a key. Readiness asks the store each time, and turns first when
/// the server stops, so that load balancers go elsewhere before connections are refused.
/// </summary>
internal sealed partial class HealthEndpoints(PuffEngine engine, TimeSpan probeTimeout, ILogger<HealthEndpoints> log)
{
    private static readonly byte[] Healthy = "{\"status\":\"ok\"}"u8.ToArray();
    private static readonly byte[] DeepHealthy = "{\"status\":\"ok\",\"s3\":\"ok\",\"deep\":true}"u8.ToArray();
    private static readonly byte[] DeepUnhealthy = "{\"status\":\"degraded\",\"s3\":\"unavailable\",\"deep\":true}"u8.ToArray();
    private static readonly byte[] Ready = "{\"status\":\"ok\",\"ready\":true,\"s3\":\"ok\"}"u8.ToArray();
    private static readonly byte[] NotReady = "{\"status\":\"not_ready\",\"ready\":false,\"s3\":\"unavailable\"}"u8.ToArray();
    private static readonly byte[] Draining = "{\"status\":\"draining\",\"ready\":false}"u8.ToArray();

    private volatile bool isDraining;
    private volatile bool isWatched;

    /// <summary>Whether somebody decides by readiness whether to send requests here.</summary>
    public bool IsWatched => isWatched;

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapMethods("/health", ["GET", "HEAD"], AnswerHealthAsync).WithMetadata(EndpointAccess.Everybody);
        routes.MapMethods("/v1/ready", ["GET", "HEAD"], AnswerReadyAsync).WithMetadata(EndpointAccess.Everybody);
    }

    /// <summary>From now on the node is not ready, and every answer asks its client to connect anew next time.</summary>
    public void BeginDraining() => isDraining = true;

    /// <summary>Around every request.</summary>
    public Task InvokeAsync(HttpContext context, RequestDelegate next)
    {
        if (isDraining)
        {
            context.Response.Headers.Connection = "close";
        }

        return next(context);
    }

    private async Task AnswerHealthAsync(HttpContext context)
    {
        string? deep = context.Request.Query["deep"];
        if (deep is not null && !long.TryParse(deep, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out _))
        {
            context.Response.StatusCode = StatusCodes.Status400BadRequest;
            await Responses.SendTextAsync(context, "text/plain; charset=utf-8", "deep must be an integer; 1 asks the store, too"u8.ToArray());
        }
        else if (deep != "1")
        {
            await SendAsync(context, true, Healthy, Healthy);
        }
        else
        {
            await SendAsync(context, await IsStoreGoodAsync(context), DeepHealthy, DeepUnhealthy);
        }
    }

    private async Task AnswerReadyAsync(HttpContext context)
    {
        isWatched = true;
        if (isDraining)
        {
            await SendAsync(context, false, Ready, Draining);
        }
        else
        {
            await SendAsync(context, await IsStoreGoodAsync(context), Ready, NotReady);
        }
    }

    /// <summary>The cause goes to the log only: whoever asks has shown no key.</summary>
    private async Task<bool> IsStoreGoodAsync(HttpContext context)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
        patience.CancelAfter(probeTimeout);
        try
        {
            await engine.ProbeStoreAsync(patience.Token);
            return true;
        }
        catch (PuffException failure)
        {
            StoreUnavailable(failure.Message);
        }
        catch (OperationCanceledException) when (!context.RequestAborted.IsCancellationRequested)
        {
            StoreUnavailable($"no answer within {probeTimeout.TotalSeconds} s");
        }

        return false;
    }

    private static Task SendAsync(HttpContext context, bool isGood, byte[] good, byte[] bad)
    {
        context.Response.StatusCode = isGood ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable;
        return Responses.SendTextAsync(context, "application/json", isGood ? good : bad);
    }

    [LoggerMessage(1, LogLevel.Warning, "Not ready: the store does not answer: {Reason}")]
    private partial void StoreUnavailable(string reason);
}
