using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using System.Threading.Channels;
using Npgsql;
using Npgsql.Replication;
using Npgsql.Replication.Internal;
using Npgsql.Replication.PgOutput;
using NpgsqlTypes;
using Puff.Sync.Changes;

namespace Puff.Sync.Postgres;

/// <param name="Slot">Of the plugin pgoutput, in the sessions' database.</param>
/// <param name="MessagePrefix">Logical messages that are passed on begin so: "puff_sync:".</param>
/// <param name="Binary">Ask for values in binary form.</param>
/// <param name="IgnoredOrigins">Replication origins whose transactions are dropped.</param>
internal sealed record SlotFeedOptions(
    string Slot, string Publication, string MessagePrefix, bool Binary = false, IReadOnlySet<string>? IgnoredOrigins = null);

/// <summary>
/// The stream of a slot of a real server. One loop reads the socket and fills batches, and stops reading when nobody takes them; what is done is told to the
/// server by a timer of the connection, whether anybody reads or not. After an interruption <see cref="ReadAsync"/> may be called again: it reconnects.
/// </summary>
/// <param name="knownShapes">The last version of every table seen before, so that versions go on counting.</param>
internal sealed class SlotFeed(PostgresSessions sessions, SlotFeedOptions options, IEnumerable<RelationShape> knownShapes) : IChangeFeed
{
    private const ulong ConfirmAtOnceBytes = 16UL << 20;
    private const int BatchesAhead = 2;
    private readonly PgOutputDecoder decoder = Decoder(options, knownShapes);
    private LogicalReplicationConnection? connection;
    private ulong confirmed;
    private ulong told;
    private bool wasCorrupt;
    private byte[] scratch = new byte[64 * 1024];

    /// <summary>Up to where the server's log has been received, keep-alives included; 0 while not connected.</summary>
    public Lsn Received => new(connection is { } open ? (ulong)open.LastReceivedLsn : 0);

    /// <summary>Bytes of messages since the beginning.</summary>
    public long BytesReceived { get; private set; }

    public void Confirm(Lsn done)
    {
        if (done.Value <= Volatile.Read(ref confirmed))
        {
            return;
        }

        Volatile.Write(ref confirmed, done.Value);
        wasCorrupt = false;
        if (connection is not { } open)
        {
            return;
        }

        open.SetReplicationStatus(new NpgsqlLogSequenceNumber(done.Value));
        if (done.Value - told >= ConfirmAtOnceBytes)
        {
            told = done.Value;
            _ = TellAsync(open);
        }
    }

    public async IAsyncEnumerable<ChangeBatch> ReadAsync(Lsn from, int maxBytes, [EnumeratorCancellation] CancellationToken cancellation)
    {
        await CloseAsync();
        decoder.Restart();
        from = new Lsn(Math.Max(confirmed, from.Value));
        Volatile.Write(ref confirmed, from.Value);
        connection = await sessions.OpenStreamAsync(cancellation);
        await SetTimeoutsAsync(connection, cancellation);
        var batches = Channel.CreateBounded<ChangeBatch>(new BoundedChannelOptions(BatchesAhead) { SingleReader = true, SingleWriter = true });
        using var stop = new CancellationTokenSource();
        var reading = ReadSocketAsync(connection, from, maxBytes, batches.Writer, stop.Token);
        try
        {
            while (await batches.Reader.WaitToReadAsync(cancellation))
            {
                while (batches.Reader.TryRead(out var batch))
                {
                    yield return batch;
                }
            }

            if (await reading is { } failure)
            {
                failure.Throw();
            }
        }
        finally
        {
            if (!reading.IsCompleted)
            {
                await TellAllAsync(connection);
                stop.Cancel();

                // The loop may stand before a full channel; what it still held is sent again next time.
                while (await batches.Reader.WaitToReadAsync(CancellationToken.None))
                {
                    batches.Reader.TryRead(out _);
                }

                await reading;
            }

            await CloseAsync();
        }
    }

    public async ValueTask DisposeAsync() => await CloseAsync();

    private static PgOutputDecoder Decoder(SlotFeedOptions options, IEnumerable<RelationShape> knownShapes)
    {
        var decoder = new PgOutputDecoder(options.MessagePrefix, options.IgnoredOrigins);
        foreach (var shape in knownShapes)
        {
            decoder.Know(shape);
        }

        return decoder;
    }

    /// <summary>The server's patience decides ours: half of it without a word, and an answer is asked for; as long again, and the connection is lost.</summary>
    private static async Task SetTimeoutsAsync(LogicalReplicationConnection connection, CancellationToken cancellation)
    {
        string shown = await connection.Show("wal_sender_timeout", cancellation);
        var sender = PostgresDuration.Parse(shown) ?? TimeSpan.FromMinutes(1);
        var half = sender / 2 < TimeSpan.FromSeconds(30) ? TimeSpan.FromSeconds(30) : sender / 2;
        connection.WalReceiverTimeout = half + half;
        var status = sender == TimeSpan.Zero ? TimeSpan.FromSeconds(10) : sender / 4;
        connection.WalReceiverStatusInterval = status < TimeSpan.FromSeconds(10) ? status : TimeSpan.FromSeconds(10);
    }

    /// <summary>Reads until cancelled or failed; never throws: gives the failure back when it is one for the reader of the batches.</summary>
    private async Task<ExceptionDispatchInfo?> ReadSocketAsync(
        LogicalReplicationConnection open, Lsn from, int maxBytes, ChannelWriter<ChangeBatch> writer, CancellationToken cancellation)
    {
        try
        {
            var messages = open.StartLogicalReplication(
                new PgOutputReplicationSlot(options.Slot), cancellation, new NpgsqlLogSequenceNumber(from.Value), StartOptions());
            open.SetReplicationStatus(new NpgsqlLogSequenceNumber(Volatile.Read(ref confirmed)));
            await FillBatchesAsync(messages, maxBytes, writer, cancellation);
            return null;
        }
        catch (Exception exception)
        {
            return cancellation.IsCancellationRequested ? null : ExceptionDispatchInfo.Capture(Failure(exception));
        }
        finally
        {
            writer.TryComplete();
        }
    }

    private async Task FillBatchesAsync(
        IAsyncEnumerable<XLogDataMessage> messages, int maxBytes, ChannelWriter<ChangeBatch> writer, CancellationToken cancellation)
    {
        var batch = new ChangeBatch();
        await using var reader = messages.GetAsyncEnumerator(cancellation);
        while (true)
        {
            var next = reader.MoveNextAsync();
            if (!next.IsCompleted && batch.Count > 0)
            {
                // Nothing more is at hand: what is there goes on. Where the taker is behind, the batch grows meanwhile.
                var more = next.AsTask();
                next = new ValueTask<bool>(more);
                while (!more.IsCompleted && batch.Count > 0)
                {
                    if (writer.TryWrite(batch))
                    {
                        batch = NewBatch(batch);
                        break;
                    }

                    await Task.WhenAny(more, writer.WaitToWriteAsync(cancellation).AsTask());
                }
            }

            if (!await next)
            {
                throw new FeedInterruptedException($"{sessions.Address.Display}: the server ended the stream");
            }

            await DecodeAsync(reader.Current.Data, batch);
            if (batch.ByteCount >= maxBytes)
            {
                await writer.WriteAsync(batch, cancellation);
                batch = NewBatch(batch);
            }
        }
    }

    private ValueTask DecodeAsync(Stream data, ChangeBatch batch)
    {
        int length = (int)data.Length;
        BytesReceived += length;
        if (length > scratch.Length)
        {
            scratch = new byte[Math.Max(length, (int)Math.Min(Array.MaxLength, scratch.Length * 2L))];
        }

        var reading = data.ReadAtLeastAsync(scratch.AsMemory(0, length), length);
        if (!reading.IsCompletedSuccessfully)
        {
            return FinishAsync(reading, length, batch);
        }

        _ = reading.Result;
        decoder.Decode(scratch.AsSpan(0, length), batch);
        return ValueTask.CompletedTask;
    }

    private async ValueTask FinishAsync(ValueTask<int> reading, int length, ChangeBatch batch)
    {
        await reading;
        decoder.Decode(scratch.AsSpan(0, length), batch);
    }

    /// <summary>As large as the one before turned out, so that a busy stream does not grow every batch anew.</summary>
    private static ChangeBatch NewBatch(ChangeBatch before) => new(Math.Clamp(before.ByteCount, 4 * 1024, 4 * 1024 * 1024));

    private Exception Failure(Exception exception)
    {
        if (exception is ProtocolException protocol)
        {
            // Damage on the way is worth one more attempt; twice in a row it is not on the way.
            if (!protocol.IsUnknown && !wasCorrupt)
            {
                wasCorrupt = true;
                return new FeedInterruptedException($"{sessions.Address.Display}: the stream is damaged: {protocol.Message}", protocol);
            }

            return new SyncException(
                SyncExit.Failed, protocol.IsUnknown ? "protocol_unknown" : "protocol_corrupt",
                $"The stream of slot {options.Slot} cannot be read at {Received}: {protocol.Message}.",
                "Please report it with the server's version.", protocol);
        }

        if (exception is PostgresException { SqlState: PostgresErrorCodes.ObjectInUse } inUse)
        {
            return new SyncException(SyncExit.Conflict, "slot_in_use", $"Slot {options.Slot}: {inUse.MessageText}.", "Stop the runner that uses it.", inUse);
        }

        if (exception is PostgresException { SqlState: PostgresErrorCodes.UndefinedObject or PostgresErrorCodes.ObjectNotInPrerequisiteState } lost)
        {
            return new SyncException(
                SyncExit.Failed, "slot_lost", $"Slot {options.Slot} cannot be read: {lost.MessageText}. Changes may be missing.",
                "Run `puff sync snapshot start --all`, or set slot.on_lost = \"resnapshot\".", lost);
        }

        return PostgresErrors.Translate(exception, sessions.Address, $"streaming from slot {options.Slot}") ?? exception;
    }

    private IEnumerable<KeyValuePair<string, string?>> StartOptions()
    {
        yield return new("proto_version", "1");
        yield return new("publication_names", SqlText.Identifier(options.Publication));
        yield return new("messages", "true");
        if (options.Binary)
        {
            yield return new("binary", "true");
        }
    }

    /// <summary>Tells what is done and waits until the server has noted it: the next run then begins exactly there.</summary>
    private async Task TellAllAsync(LogicalReplicationConnection open)
    {
        ulong done = Volatile.Read(ref confirmed);
        if (done <= told || !await TellAsync(open))
        {
            return;
        }

        try
        {
            using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(5));
            await using var admin = await sessions.OpenAsync(SessionUse.Admin, patience.Token);
            await using var command = new NpgsqlCommand(
                $"SELECT confirmed_flush_lsn >= '{new Lsn(done)}'::pg_lsn FROM pg_replication_slots WHERE slot_name = {SqlText.Literal(options.Slot)}",
                admin);
            while (await command.ExecuteScalarAsync(patience.Token) is false)
            {
                await Task.Delay(10, patience.Token);
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or SyncException or FeedInterruptedException or NpgsqlException)
        {
            // The position is told again at the next start; what lies between is recognised as done.
        }
    }

    private static async Task<bool> TellAsync(LogicalReplicationConnection open)
    {
        try
        {
            await open.SendStatusUpdate();
            return true;
        }
        catch (Exception exception) when (exception is InvalidOperationException or NpgsqlException or IOException)
        {
            // Not streaming any more: the loop that reads says why.
            return false;
        }
    }

    private async Task CloseAsync()
    {
        if (connection is { } open)
        {
            connection = null;
            await open.DisposeAsync();
        }
    }
}
