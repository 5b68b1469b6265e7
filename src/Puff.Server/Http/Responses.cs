using System.IO.Compression;
using Microsoft.AspNetCore.Http;
using Puff.Server.Telemetry;

namespace Puff.Server.Http;

/// <summary>Sends finished bodies.</summary>
internal static class Responses
{
    /// <summary>Below this size packing costs more than it saves; official clients use the same threshold for requests.</summary>
    private const int MinGzipBytes = 1_024;

    public static Task SendJsonAsync(HttpContext context, JsonOutput body, int status = StatusCodes.Status200OK)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        return SendAsync(context, body.Written);
    }

    public static Task SendTextAsync(HttpContext context, string contentType, ReadOnlyMemory<byte> text)
    {
        context.Response.ContentType = contentType;
        return SendAsync(context, text);
    }

    private static async Task SendAsync(HttpContext context, ReadOnlyMemory<byte> body)
    {
        var response = context.Response;
        RequestRecord.Of(context).BytesOut = body.Length;
        if (body.Length <= MinGzipBytes || !AcceptEncoding.ListsGzip(context.Request.Headers.AcceptEncoding))
        {
            response.ContentLength = body.Length;
            await response.Body.WriteAsync(body, context.RequestAborted);
            return;
        }

        response.Headers.ContentEncoding = "gzip";
        response.Headers.Vary = "Accept-Encoding";
        await using var packed = new GZipStream(response.Body, CompressionLevel.Fastest, leaveOpen: true);
        await packed.WriteAsync(body, context.RequestAborted);
    }
}
