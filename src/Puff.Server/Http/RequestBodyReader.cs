using System.Buffers;
using System.IO.Compression;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;
using Puff.Engine;
using Puff.Server.Limits;
using Puff.Server.Telemetry;

namespace Puff.Server.Http;

/// <summary>Reads whole request bodies, plain or gzip. The size limit holds for the bytes as sent and as unpacked.</summary>
internal sealed class RequestBodyReader(BodyBudget budget, int maxBytes)
{
    private const int ChunkBytes = 64 << 10;

    public async Task<RequestBody> ReadAsync(HttpContext context)
    {
        if (context.Request.ContentLength > maxBytes)
        {
            throw RequestBody.TooLarge(maxBytes);
        }

        bool gzip = IsGzip(context.Request.Headers.ContentEncoding);
        int expected = (int)Math.Min(context.Request.ContentLength ?? 0, maxBytes);
        var body = new RequestBody(budget, expected, maxBytes);
        try
        {
            if (gzip)
            {
                await UnpackAsync(context, body);
            }
            else
            {
                await CopyAsync(context, body);
            }

            RequestRecord.Of(context).BytesIn = body.Written.Length;
            return body;
        }
        catch
        {
            body.Dispose();
            throw;
        }
    }

    private static async Task CopyAsync(HttpContext context, RequestBody body)
    {
        var reader = context.Request.BodyReader;
        while (true)
        {
            var read = await reader.ReadAsync(context.RequestAborted);
            foreach (var segment in read.Buffer)
            {
                body.Append(segment.Span);
            }

            reader.AdvanceTo(read.Buffer.End);
            if (read.IsCompleted)
            {
                return;
            }
        }
    }

    private static async Task UnpackAsync(HttpContext context, RequestBody body)
    {
        byte[] chunk = ArrayPool<byte>.Shared.Rent(ChunkBytes);
        try
        {
            await using var unpacked = new GZipStream(context.Request.Body, CompressionMode.Decompress);
            while (await unpacked.ReadAsync(chunk, context.RequestAborted) is var count and > 0)
            {
                body.Append(chunk.AsSpan(0, count));
            }
        }
        catch (InvalidDataException)
        {
            throw PuffException.Invalid("the body is no valid gzip, although Content-Encoding says so");
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(chunk);
        }
    }

    private static bool IsGzip(StringValues encodings)
    {
        string encoding = encodings.ToString().Trim();
        if (encoding.Length == 0 || encoding.Equals("identity", StringComparison.OrdinalIgnoreCase))
        {
            return false;
        }

        return encoding.Equals("gzip", StringComparison.OrdinalIgnoreCase)
            ? true
            : throw new RefusedRequestException(415, "the body's Content-Encoding is not supported; send gzip or nothing");
    }
}
