using System.Globalization;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace Puff.Edge.Transport;

/// <summary>Answers one call; an exception is the call's status.</summary>
internal delegate Task GrpcHandler(GrpcCall call);

/// <summary>
/// The smallest server side of gRPC over HTTP/2 that serves (PROTOCOL-HTTP2 of gRPC): routing by path, deadline, encoding, status in the trailers. The stock
/// package takes its place as soon as it can be restored (docs/adr/0007).
/// </summary>
/// <param name="refuse">Says by path and authorization header why a call is refused, or null.</param>
internal sealed class GrpcEndpoint(
    IReadOnlyDictionary<string, GrpcHandler> methods, GrpcCallOptions options, Func<string, string?, EdgeException?> refuse, CancellationToken stopping)
{
    private const string ContentType = "application/grpc";

    public async Task HandleAsync(HttpContext context)
    {
        if (context.Request.ContentType?.StartsWith(ContentType, StringComparison.Ordinal) != true)
        {
            context.Response.StatusCode = StatusCodes.Status415UnsupportedMediaType;
            return;
        }

        context.Response.ContentType = ContentType;
        context.Response.Headers["grpc-accept-encoding"] = "identity,gzip";
        (GrpcStatus status, string? message) = await RunAsync(context);
        if (!context.RequestAborted.IsCancellationRequested)
        {
            SetStatus(context.Response, status, message);
        }
    }

    private async Task<(GrpcStatus Status, string? Message)> RunAsync(HttpContext context)
    {
        string path = context.Request.Path.Value ?? "";
        if (refuse(path, context.Request.Headers.Authorization) is { } refusal)
        {
            return (refusal.Status, refusal.Message);
        }

        if (!methods.TryGetValue(path, out GrpcHandler? handler) || !HttpMethods.IsPost(context.Request.Method))
        {
            return (GrpcStatus.Unimplemented, $"{context.Request.Path} is not a method of this server");
        }

        if (context.Request.Headers["grpc-encoding"].ToString() is not ("" or "identity" or "gzip") and var encoding)
        {
            return (GrpcStatus.Unimplemented, $"messages of encoding {encoding} cannot be read: identity and gzip can");
        }

        if (!TryReadTimeout(context.Request.Headers["grpc-timeout"].ToString(), out TimeSpan? timeout))
        {
            return (GrpcStatus.Internal, "grpc-timeout is not one to eight digits and a unit (H, M, S, m, u, n)");
        }

        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, stopping);
        if (timeout is { } limit)
        {
            deadline.CancelAfter(limit);
        }

        var call = new GrpcCall(context, options, deadline.Token);
        try
        {
            await context.Response.StartAsync(deadline.Token);
            await handler(call);
            await call.FlushAsync();
            return (GrpcStatus.Ok, null);
        }
        catch (Exception error)
        {
            return await EndAsync(call, error, context, timeout is not null);
        }
        finally
        {
            call.Release();
        }
    }

    /// <summary>Delivers what was answered before the failure, and says which status the failure is.</summary>
    private async Task<(GrpcStatus, string?)> EndAsync(GrpcCall call, Exception error, HttpContext context, bool hasDeadline)
    {
        var end = error switch
        {
            EdgeException edge => (edge.Status, edge.Message),
            OperationCanceledException when context.RequestAborted.IsCancellationRequested => (GrpcStatus.Cancelled, "cancelled by the client"),
            OperationCanceledException when stopping.IsCancellationRequested => (GrpcStatus.Unavailable, "the server is stopping"),
            OperationCanceledException when hasDeadline => (GrpcStatus.DeadlineExceeded, "the deadline has passed"),
            OperationCanceledException => (GrpcStatus.Cancelled, "cancelled"),
            BadHttpRequestException or IOException => (GrpcStatus.Cancelled, "the request stream broke"),
            _ => (GrpcStatus.Internal, $"{error.GetType().Name}: {error.Message}"),
        };
        try
        {
            await call.FlushAsync();
        }
        catch (Exception gone) when (gone is OperationCanceledException or IOException or InvalidOperationException)
        {
            // Nobody listens any more: the status has no reader either.
        }

        return end;
    }

    private static void SetStatus(HttpResponse response, GrpcStatus status, string? message)
    {
        string code = ((int)status).ToString(CultureInfo.InvariantCulture);
        if (!response.HasStarted)
        {
            // Headers and status in one block: the call failed before any message.
            response.Headers["grpc-status"] = code;
            if (message is not null)
            {
                response.Headers["grpc-message"] = PercentEncode(message);
            }

            return;
        }

        response.AppendTrailer("grpc-status", code);
        if (message is not null)
        {
            response.AppendTrailer("grpc-message", PercentEncode(message));
        }
    }

    internal static bool TryReadTimeout(string text, out TimeSpan? timeout)
    {
        timeout = null;
        if (text.Length == 0)
        {
            return true;
        }

        if (text.Length is < 2 or > 9 || !long.TryParse(text.AsSpan(0, text.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out long amount))
        {
            return false;
        }

        long? ticks = text[^1] switch
        {
            'H' => amount * TimeSpan.TicksPerHour,
            'M' => amount * TimeSpan.TicksPerMinute,
            'S' => amount * TimeSpan.TicksPerSecond,
            'm' => amount * TimeSpan.TicksPerMillisecond,
            'u' => amount * TimeSpan.TicksPerMicrosecond,
            'n' => amount / 100,
            _ => null,
        };
        // What is further away than timers reach is no deadline that anybody waits for.
        timeout = ticks is { } known ? TimeSpan.FromTicks(Math.Min(known, TimeSpan.FromDays(40).Ticks)) : null;
        return ticks is not null;
    }

    /// <summary>UTF-8 with everything outside of printable ASCII, and the percent sign, as %XX.</summary>
    internal static string PercentEncode(string message)
    {
        var text = new StringBuilder(message.Length);
        foreach (byte value in Encoding.UTF8.GetBytes(message))
        {
            if (value is >= 0x20 and <= 0x7e && value != '%')
            {
                text.Append((char)value);
            }
            else
            {
                text.Append(CultureInfo.InvariantCulture, $"%{value:X2}");
            }
        }

        return text.ToString();
    }
}
