using System.Buffers;
using System.Buffers.Binary;
using System.IO.Compression;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Http;

namespace Puff.Edge.Transport;

/// <summary>
/// One call on a server: length-prefixed messages in both directions over one HTTP/2 stream (gRPC over HTTP/2, "Length-Prefixed-Message"). One reader and one
/// writer at a time; they may be different tasks.
/// </summary>
internal sealed class GrpcCall(HttpContext context, GrpcCallOptions options, CancellationToken cancellation)
{
    /// <summary>Compressed flag and length.</summary>
    private const int PrefixBytes = 5;

    private const int FlushBytes = 64 * 1024;

    private readonly PipeReader reader = context.Request.BodyReader;
    private readonly PipeWriter writer = context.Response.BodyWriter;
    private readonly bool isGzip = context.Request.Headers["grpc-encoding"].ToString() is "gzip";
    private ReadOnlySequence<byte> buffered;
    private SequencePosition examined;
    private bool isHeld;
    private bool isEnd;
    private int unflushed;

    /// <summary>Fires when the client cancels, the deadline passes, or the server stops.</summary>
    public CancellationToken Cancellation => cancellation;

    /// <summary>A request header, or null.</summary>
    public string? Metadata(string name) => context.Request.Headers.TryGetValue(name, out var values) ? values.ToString() : null;

    public System.Net.IPAddress? LocalAddress => context.Connection.LocalIpAddress;

    /// <summary>
    /// Waits until a whole message is at hand; false at the end of the request stream. What <see cref="TryRead"/> gave is invalid afterwards.
    /// </summary>
    public async ValueTask<bool> WaitToReadAsync()
    {
        while (true)
        {
            if (isHeld)
            {
                if (HasMessage())
                {
                    return true;
                }

                Release(examinedAll: true);
            }

            if (isEnd)
            {
                return false;
            }

            ReadResult read = await reader.ReadAsync(cancellation);
            buffered = read.Buffer;
            examined = read.Buffer.End;
            isHeld = true;
            isEnd = read.IsCompleted;
            if (isEnd && !buffered.IsEmpty && !HasMessage())
            {
                throw EdgeException.Internal($"the request stream ends within a message ({buffered.Length} bytes are left)");
            }
        }
    }

    /// <summary>The next message that is at hand whole; valid until the next <see cref="WaitToReadAsync"/>.</summary>
    public bool TryRead(out ReadOnlySequence<byte> message)
    {
        message = default;
        if (!isHeld || !HasMessage())
        {
            return false;
        }

        (bool isCompressed, int length) = Prefix();
        message = buffered.Slice(PrefixBytes, length);
        buffered = buffered.Slice(PrefixBytes + length);
        if (isCompressed)
        {
            message = Decompress(message);
        }

        return true;
    }

    /// <summary>True when no further request is at hand: the moment to send what was answered.</summary>
    public bool IsDrained => !isHeld || !HasMessage();

    /// <summary>Appends one message, given in up to three pieces; nothing is sent before a flush.</summary>
    public void Write(ReadOnlySpan<byte> head, ReadOnlySpan<byte> body = default, ReadOnlySpan<byte> tail = default)
    {
        int length = checked(head.Length + body.Length + tail.Length);
        Span<byte> prefix = stackalloc byte[PrefixBytes];
        BinaryPrimitives.WriteInt32BigEndian(prefix[1..], length);
        writer.Write(prefix);
        writer.Write(head);
        writer.Write(body);
        writer.Write(tail);
        unflushed += PrefixBytes + length;
    }

    /// <summary>Whether so much is pending that it should be sent although more requests are at hand.</summary>
    public bool IsFull => unflushed >= FlushBytes;

    public async ValueTask FlushAsync()
    {
        if (unflushed == 0)
        {
            return;
        }

        unflushed = 0;
        FlushResult flushed = await writer.FlushAsync(cancellation);
        if (flushed.IsCanceled || flushed.IsCompleted)
        {
            throw new OperationCanceledException("the client is gone");
        }
    }

    /// <summary>Gives the unread rest back to the connection.</summary>
    public void Release()
    {
        if (isHeld)
        {
            Release(examinedAll: false);
        }
    }

    private void Release(bool examinedAll)
    {
        isHeld = false;
        reader.AdvanceTo(buffered.Start, examinedAll ? examined : buffered.Start);
    }

    private bool HasMessage() => buffered.Length >= PrefixBytes && buffered.Length - PrefixBytes >= Prefix().Length;

    private (bool IsCompressed, int Length) Prefix()
    {
        Span<byte> prefix = stackalloc byte[PrefixBytes];
        buffered.Slice(0, PrefixBytes).CopyTo(prefix);
        uint length = BinaryPrimitives.ReadUInt32BigEndian(prefix[1..]);
        if (length > options.MaxMessageBytes)
        {
            throw new EdgeException(GrpcStatus.ResourceExhausted, $"a message has {length} bytes; this server takes {options.MaxMessageBytes}");
        }

        return prefix[0] switch
        {
            0 => (false, (int)length),
            1 when isGzip => (true, (int)length),
            1 => throw EdgeException.Internal("a message is marked as compressed, but the call names no encoding (grpc-encoding)"),
            _ => throw EdgeException.Internal($"a message begins with {prefix[0]} instead of its compressed flag"),
        };
    }

    /// <summary>A message of gzip, bounded by what a message may have; what it expands to is counted while it expands.</summary>
    private ReadOnlySequence<byte> Decompress(ReadOnlySequence<byte> message)
    {
        var plain = new ArrayBufferWriter<byte>();
        try
        {
            using var source = new MemoryStream(message.ToArray());
            using var gzip = new GZipStream(source, CompressionMode.Decompress);
            while (true)
            {
                int count = gzip.Read(plain.GetSpan(16 * 1024));
                if (count == 0)
                {
                    return new ReadOnlySequence<byte>(plain.WrittenMemory);
                }

                plain.Advance(count);
                if (plain.WrittenCount > options.MaxMessageBytes)
                {
                    throw new EdgeException(GrpcStatus.ResourceExhausted, $"a message expands to more than {options.MaxMessageBytes} bytes");
                }
            }
        }
        catch (InvalidDataException error)
        {
            throw new EdgeException(GrpcStatus.Internal, "a message marked as gzip is no gzip", error);
        }
    }
}

/// <param name="MaxMessageBytes">Of one received message, after decompression.</param>
internal sealed record GrpcCallOptions(int MaxMessageBytes = 64 << 20);
