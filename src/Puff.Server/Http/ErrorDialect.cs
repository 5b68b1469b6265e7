using System.Buffers;
using System.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Puff.Engine;

namespace Puff.Server.Http;

/// <summary>The errors of the main listener: every status from 400 on has the body {"status":"error","error":"…"} (turbopuffer-api 1.7).</summary>
internal sealed partial class ErrorDialect(ILogger<ErrorDialect> log)
{
    /// <summary>The one table from what went wrong to what the client is told.</summary>
    public static int StatusOf(ErrorKind kind) => kind switch
    {
        ErrorKind.Invalid => 400,
        ErrorKind.Malformed => 422,
        ErrorKind.Unauthenticated => 401,
        ErrorKind.Forbidden => 403,
        ErrorKind.NotFound => 404,
        ErrorKind.Conflict => 409,
        ErrorKind.Limited => 429,
        ErrorKind.Unavailable => 503,
        ErrorKind.Corrupt or ErrorKind.Internal => 500,
        _ => throw new UnreachableException($"{kind}"),
    };

    /// <summary>Runs the rest of the pipeline and turns whatever it throws, or a bare error status, into the body clients expect.</summary>
    public async Task InvokeAsync(HttpContext context, RequestDelegate next)
    {
        try
        {
            await next(context);
            if (context.Response.StatusCode >= 400 && !context.Response.HasStarted && context.Response.ContentType is null)
            {
                await SendAsync(context, context.Response.StatusCode, BareStatusText(context));
            }
        }
        catch (Exception) when (context.RequestAborted.IsCancellationRequested)
        {
            // Nobody is left to answer; the status is for the metrics only.
            SetStatusIfPossible(context, StatusCodes.Status499ClientClosedRequest);
        }
        catch (Exception error)
        {
            await AnswerAsync(context, error);
        }
    }

    public static Task SendAsync(HttpContext context, int status, string message)
    {
        if (status == StatusCodes.Status401Unauthorized)
        {
            context.Response.Headers.WWWAuthenticate = "Bearer";
        }

        using var body = new JsonOutput();
        body.BeginObject();
        body.Name("status"u8);
        body.Text("error"u8);
        body.Name("error"u8);
        body.Text(message);
        body.EndObject();

        // Small enough to be written before the buffer is given back: the body goes through the response's own pipe.
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        context.Response.ContentLength = body.Written.Length;
        context.Response.BodyWriter.Write(body.Written.Span);
        return context.Response.BodyWriter.FlushAsync(context.RequestAborted).AsTask();
    }

    private async Task AnswerAsync(HttpContext context, Exception error)
    {
        var (status, message) = error switch
        {
            PuffException known => (StatusOf(known.Kind), known.Message),
            RefusedRequestException refused => (refused.Status, refused.Message),
            BadHttpRequestException refused => (refused.StatusCode, refused.Message),
            _ => (500, "internal error; the server's log has the details"),
        };
        if (status >= 500)
        {
            RequestFailed(context.Request.Method, context.Request.Path, status, error);
        }

        if (context.Response.HasStarted)
        {
            // Half an answer must not look like a whole one.
            context.Abort();
            return;
        }

        context.Response.Clear();
        await SendAsync(context, status, message);
    }

    private static void SetStatusIfPossible(HttpContext context, int status)
    {
        if (!context.Response.HasStarted)
        {
            context.Response.StatusCode = status;
        }
    }

    private static string BareStatusText(HttpContext context) => context.Response.StatusCode switch
    {
        404 => $"no such endpoint: {context.Request.Method} {context.Request.Path}",
        405 => $"{context.Request.Path} does not take {context.Request.Method}",
        var status => $"request refused with status {status}",
    };

    [LoggerMessage(1, LogLevel.Error, "{Method} {Path} failed with {Status}")]
    private partial void RequestFailed(string method, string path, int status, Exception error);
}
