using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.IO.Pipelines;
using System.Net;
using System.Net.Http.Headers;
using Puff.Edge.Transport;

namespace Puff.Edge.Client;

/// <summary>One call as a client sees it: messages out, messages in, a status at the end. One sender and one receiver at a time.</summary>
internal sealed class DuplexCall : IAsyncDisposable
{
    private const int PrefixBytes = 5;

    private readonly RequestBody body = new();
    private readonly CancellationTokenSource cancellation;
    private readonly Task<HttpResponseMessage> response;
    private PipeReader? reader;

    public DuplexCall(HttpMessageInvoker invoker, Uri address, string path, IEnumerable<KeyValuePair<string, string>>? metadata, CancellationToken token)
    {
        cancellation = CancellationTokenSource.CreateLinkedTokenSource(token);
        var request = new HttpRequestMessage(HttpMethod.Post, new Uri(address, path))
        {
            Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact, Content = body,
        };
        request.Headers.TE.Add(new TransferCodingWithQualityHeaderValue("trailers"));
        foreach (var entry in metadata ?? [])
        {
            request.Headers.TryAddWithoutValidation(entry.Key, entry.Value);
        }

        response = invoker.SendAsync(request, cancellation.Token);
    }

    /// <summary>Sends messages; they leave this process when it returns.</summary>
    public async Task WriteAsync(params IEnumerable<ReadOnlyMemory<byte>> messages)
    {
        Stream stream = await OpenBodyAsync();
        var buffer = new ArrayBufferWriter<byte>();
        foreach (ReadOnlyMemory<byte> message in messages)
        {
            Span<byte> prefix = buffer.GetSpan(PrefixBytes);
            prefix[0] = 0;
            BinaryPrimitives.WriteInt32BigEndian(prefix[1..], message.Length);
            buffer.Advance(PrefixBytes);
            buffer.Write(message.Span);
        }

        await stream.WriteAsync(buffer.WrittenMemory, cancellation.Token);
        await stream.FlushAsync(cancellation.Token);
    }

    /// <summary>Sends bytes as they are: for what no well-behaved client sends.</summary>
    public async Task WriteRawAsync(ReadOnlyMemory<byte> bytes)
    {
        Stream stream = await OpenBodyAsync();
        await stream.WriteAsync(bytes, cancellation.Token);
        await stream.FlushAsync(cancellation.Token);
    }

    /// <summary>No message follows.</summary>
    public async Task CompleteAsync()
    {
        await OpenBodyAsync();
        body.Finish();
    }

    /// <summary>The next message, or null when the call ended with OK. Throws <see cref="EdgeException"/> with the call's status otherwise.</summary>
    public async Task<byte[]?> ReadAsync()
    {
        HttpResponseMessage head = await HeadAsync();
        reader ??= PipeReader.Create(await head.Content.ReadAsStreamAsync(cancellation.Token), new StreamPipeReaderOptions(bufferSize: 64 * 1024));
        while (true)
        {
            ReadResult read;
            try
            {
                read = await reader.ReadAsync(cancellation.Token);
            }
            catch (Exception error) when (error is HttpRequestException or IOException)
            {
                throw Broken(error);
            }

            if (TryTake(read.Buffer, out byte[]? message, out SequencePosition consumed))
            {
                reader.AdvanceTo(consumed);
                return message;
            }

            reader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
            if (read.IsCompleted)
            {
                ThrowUnlessOk(head);
                return null;
            }
        }
    }

    private async Task<Stream> OpenBodyAsync()
    {
        await Task.WhenAny(body.Opened, response);
        if (body.Opened.IsCompleted)
        {
            return await body.Opened;
        }

        // The answer came before the request body was asked for: it says why.
        ThrowUnlessOk(await HeadAsync());
        throw EdgeException.Internal("the call has ended");
    }

    private async Task<HttpResponseMessage> HeadAsync()
    {
        try
        {
            return await response;
        }
        catch (Exception error) when (error is HttpRequestException or IOException)
        {
            throw Broken(error);
        }
    }

    private static EdgeException Broken(Exception error) => new(GrpcStatus.Unavailable, $"the connection broke: {error.Message}", error);

    private static bool TryTake(ReadOnlySequence<byte> buffer, out byte[]? message, out SequencePosition consumed)
    {
        message = null;
        consumed = buffer.Start;
        if (buffer.Length < PrefixBytes)
        {
            return false;
        }

        Span<byte> prefix = stackalloc byte[PrefixBytes];
        buffer.Slice(0, PrefixBytes).CopyTo(prefix);
        int length = BinaryPrimitives.ReadInt32BigEndian(prefix[1..]);
        if (buffer.Length - PrefixBytes < length)
        {
            return false;
        }

        message = buffer.Slice(PrefixBytes, length).ToArray();
        consumed = buffer.GetPosition(PrefixBytes + (long)length);
        return true;
    }

    private static void ThrowUnlessOk(HttpResponseMessage response)
    {
        string? status = Header(response, "grpc-status");
        if (status is null || !int.TryParse(status, NumberStyles.None, CultureInfo.InvariantCulture, out int code))
        {
            throw new EdgeException(GrpcStatus.Unknown, $"the server answered {(int)response.StatusCode} without a status of gRPC");
        }

        if (code != 0)
        {
            throw new EdgeException((GrpcStatus)code, Uri.UnescapeDataString(Header(response, "grpc-message") ?? ""));
        }
    }

    private static string? Header(HttpResponseMessage response, string name) =>
        response.TrailingHeaders.TryGetValues(name, out var values) || response.Headers.TryGetValues(name, out values) ? values.First() : null;

    /// <summary>Ends the call, as a cancellation when it has not ended yet.</summary>
    public async ValueTask DisposeAsync()
    {
        body.Finish();
        await cancellation.CancelAsync();
        if (reader is not null)
        {
            await reader.CompleteAsync();
        }

        if (response.IsCompletedSuccessfully)
        {
            (await response).Dispose();
        }

        cancellation.Dispose();
    }

    /// <summary>A request body that is written as long as the call lives.</summary>
    private sealed class RequestBody : HttpContent
    {
        private readonly TaskCompletionSource<Stream> opened = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource finished = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public RequestBody() => Headers.ContentType = new MediaTypeHeaderValue("application/grpc");

        public Task<Stream> Opened => opened.Task;

        public void Finish() => finished.TrySetResult();

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            await stream.FlushAsync();
            opened.TrySetResult(stream);
            await finished.Task;
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
