using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using Puff.Sync.Changes;

namespace Puff.Sync.Postgres;

/// <summary>
/// A stream out of memory: messages of pgoutput one after the other, each with its length before it (32 bits, big-endian). It ends with the last message.
/// Like a server, it may be read again from the beginning of any transaction.
/// </summary>
internal sealed class RecordedFeed(ReadOnlyMemory<byte> recording, string messagePrefix = "puff_sync:") : IChangeFeed
{
    private readonly PgOutputDecoder decoder = new(messagePrefix);

    /// <summary>What was confirmed last.</summary>
    public Lsn Confirmed { get; private set; }

    /// <summary>Adds a message to a recording.</summary>
    public static void Append(Stream recording, ReadOnlySpan<byte> message)
    {
        Span<byte> length = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(length, message.Length);
        recording.Write(length);
        recording.Write(message);
    }

    public void Confirm(Lsn done) => Confirmed = done;

    public async IAsyncEnumerable<ChangeBatch> ReadAsync(Lsn from, int maxBytes, [EnumeratorCancellation] CancellationToken cancellation)
    {
        decoder.Restart();
        var batch = new ChangeBatch();
        bool isPast = true;
        for (int at = 0; at < recording.Length;)
        {
            cancellation.ThrowIfCancellationRequested();
            var message = Next(ref at);
            byte type = message.Span[0];
            if (type == (byte)'B')
            {
                // A transaction before the asked position is not sent; the tables it describes have to be known all the same.
                isPast = BinaryPrimitives.ReadUInt64BigEndian(message.Span[1..]) >= from.Value;
            }

            if (isPast || type is (byte)'R' or (byte)'Y')
            {
                decoder.Decode(message.Span, batch);
            }

            if (batch.ByteCount >= maxBytes)
            {
                yield return batch;
                batch = new ChangeBatch(batch.ByteCount);
            }
        }

        if (batch.Count > 0)
        {
            yield return batch;
        }

        await Task.CompletedTask;
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private ReadOnlyMemory<byte> Next(ref int at)
    {
        int length = recording.Length - at < 4 ? -1 : BinaryPrimitives.ReadInt32BigEndian(recording.Span[at..]);
        if ((uint)length > (uint)Math.Max(0, recording.Length - at - 4))
        {
            throw new ProtocolException("the recording ends inside a message");
        }

        var message = recording.Slice(at + 4, length);
        at += 4 + length;
        return message.IsEmpty ? throw new ProtocolException("a recorded message is empty") : message;
    }
}
