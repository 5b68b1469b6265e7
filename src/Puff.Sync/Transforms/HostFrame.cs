using System.Buffers;
using System.Buffers.Binary;
using System.Text.Json;

namespace Puff.Sync.Transforms;

/// <summary>Something on the line that is no frame of the protocol.</summary>
internal sealed class HostProtocolException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>One message of the process that runs transforms: UTF-8 JSON in a rented buffer.</summary>
internal sealed class HostFrame(byte[] buffer, int length) : IDisposable
{
    /// <summary>Bytes of the largest message either side may send.</summary>
    public const int MaxLength = 256 * 1024 * 1024;

    /// <summary>A frame is its length, 4 bytes little-endian, and that many bytes.</summary>
    public const int HeaderLength = 4;

    private byte[]? buffer = buffer;

    public ReadOnlySpan<byte> Json => buffer.AsSpan(0, length);

    public ReadOnlyMemory<byte> Memory => buffer.AsMemory(0, length);

    /// <summary>The next frame, or null at the end of the stream. Throws <see cref="HostProtocolException"/> when the bytes are no frame.</summary>
    public static async ValueTask<HostFrame?> ReadAsync(Stream stream, CancellationToken cancellation)
    {
        byte[] header = ArrayPool<byte>.Shared.Rent(HeaderLength);
        try
        {
            int read = await stream.ReadAtLeastAsync(header.AsMemory(0, HeaderLength), HeaderLength, throwOnEndOfStream: false, cancellation);
            if (read < HeaderLength)
            {
                return read == 0 ? null : throw new HostProtocolException("the stream ends inside the length of a frame");
            }

            return await ReadBodyAsync(stream, BinaryPrimitives.ReadUInt32LittleEndian(header), cancellation);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(header);
        }
    }

    /// <summary>The message's `t`, which is its first property. Throws <see cref="HostProtocolException"/> when there is none.</summary>
    public string ReadKind()
    {
        try
        {
            var json = new Utf8JsonReader(Json);
            if (json.Read() && json.TokenType == JsonTokenType.StartObject && json.Read() && json.ValueTextEquals("t"u8)
                && json.Read() && json.TokenType == JsonTokenType.String)
            {
                return json.GetString()!;
            }
        }
        catch (Exception wrong) when (wrong is JsonException or InvalidOperationException)
        {
            throw new HostProtocolException("a frame is no JSON object", wrong);
        }

        throw new HostProtocolException("a message does not begin with its type");
    }

    public void Dispose()
    {
        if (buffer is { } rented)
        {
            buffer = null;
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    private static async ValueTask<HostFrame> ReadBodyAsync(Stream stream, uint length, CancellationToken cancellation)
    {
        if (length is 0 or > MaxLength)
        {
            throw new HostProtocolException($"a frame of {length} bytes: something else than the transform host writes to its standard output");
        }

        // The announced length may be a lie: memory is taken as bytes come, so that a short stream cannot ask for much.
        byte[] body = ArrayPool<byte>.Shared.Rent((int)Math.Min(length, 1024 * 1024));
        int filled = 0;
        while (filled < length)
        {
            if (filled == body.Length)
            {
                byte[] larger = ArrayPool<byte>.Shared.Rent((int)Math.Min(length, filled * 2L));
                body.AsSpan(0, filled).CopyTo(larger);
                ArrayPool<byte>.Shared.Return(body);
                body = larger;
            }

            int read = await stream.ReadAsync(body.AsMemory(filled, (int)Math.Min(body.Length - filled, length - filled)), cancellation);
            if (read == 0)
            {
                ArrayPool<byte>.Shared.Return(body);
                throw new HostProtocolException($"the stream ends after {filled} of {length} bytes of a frame");
            }

            filled += read;
        }

        return new HostFrame(body, filled);
    }
}

/// <summary>A frame in the making: its JSON is written to <see cref="Json"/>, its length put before it at the end.</summary>
internal sealed class HostFrameBuilder : IDisposable
{
    private readonly RentedBuffer buffer = new();

    public HostFrameBuilder()
    {
        buffer.GetSpan(HostFrame.HeaderLength);
        buffer.Advance(HostFrame.HeaderLength);
        Json = new Utf8JsonWriter(buffer, new JsonWriterOptions
        {
            Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true,
        });
    }

    public Utf8JsonWriter Json { get; }

    /// <summary>The whole frame; valid until disposed.</summary>
    public ReadOnlyMemory<byte> Finish()
    {
        Json.Flush();
        int length = buffer.Count - HostFrame.HeaderLength;
        if (length > HostFrame.MaxLength)
        {
            throw new HostProtocolException($"a message of {length} bytes is too large; lower [transform] batch_rows");
        }

        BinaryPrimitives.WriteUInt32LittleEndian(buffer.Written.Span, (uint)length);
        return buffer.Written;
    }

    public void Dispose()
    {
        Json.Dispose();
        buffer.Dispose();
    }

    private sealed class RentedBuffer : IBufferWriter<byte>, IDisposable
    {
        private byte[] bytes = ArrayPool<byte>.Shared.Rent(64 * 1024);

        public int Count { get; private set; }

        public Memory<byte> Written => bytes.AsMemory(0, Count);

        public void Advance(int count) => Count += count;

        public Memory<byte> GetMemory(int sizeHint = 0)
        {
            int wanted = Math.Max(sizeHint, 1);
            if (bytes.Length - Count < wanted)
            {
                byte[] larger = ArrayPool<byte>.Shared.Rent((int)Math.Min(Array.MaxLength, Math.Max(bytes.Length * 2L, Count + (long)wanted)));
                Written.Span.CopyTo(larger);
                ArrayPool<byte>.Shared.Return(bytes);
                bytes = larger;
            }

            return bytes.AsMemory(Count);
        }

        public Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

        public void Dispose()
        {
            ArrayPool<byte>.Shared.Return(bytes);
            bytes = [];
        }
    }
}
