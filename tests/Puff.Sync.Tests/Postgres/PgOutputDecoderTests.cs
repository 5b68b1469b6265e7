using Puff.Sync.Changes;
using Puff.Sync.Postgres;
using Xunit;

namespace Puff.Sync.Tests.Postgres;

/// <summary>The decoder of pgoutput on generated messages: all kinds, versions of tables, and damage (section 24, fuzz: the decoder).</summary>
public sealed class PgOutputDecoderTests
{
    private static readonly RelationShape Posts =
        new(100, "public", "posts", ReplicaIdentity.Default, [new("id", 23, -1, true), new("title", 25, -1, false), new("body", 25, -1, false)]);

    [Fact]
    public void Every_kind_of_change_is_decoded_with_its_place()
    {
        var stream = new MessageStream();
        stream.Begin(0x500, 7);
        stream.Write(encoder => encoder.Relation(Posts));
        stream.Write(encoder => encoder.Insert(Posts, "1", "a", null));
        stream.Write(encoder => encoder.Update(Posts, OldTupleKind.None, [], ["1", "b", PgOutputEncoder.Unchanged]));
        stream.Write(encoder => encoder.Update(Posts, OldTupleKind.Key, ["1", null, null], ["2", "b", ""]));
        stream.Write(encoder => encoder.Delete(Posts, OldTupleKind.Full, "2", "b", "c"));
        stream.Write(encoder => encoder.LogicalMessage(true, "puff_sync:default", "5"u8));
        stream.Write(encoder => encoder.LogicalMessage(true, "other", "6"u8));
        stream.Write(encoder => encoder.LogicalMessage(false, "puff_sync:default", "7"u8));
        stream.Write(encoder => encoder.Truncate(Posts, Posts));
        stream.Commit(0x500, 0x540);
        Assert.Equal(
            [
                "Begin 7 0/500 #0",
                "Insert 7 0/500 #1 public.posts v1 new('1', 'a', null)",
                "Update 7 0/500 #2 public.posts v1 new('1', 'b', unchanged)",
                "Update 7 0/500 #3 public.posts v1 new('2', 'b', '') Key('1', null, null)",
                "Delete 7 0/500 #4 public.posts v1 Full('2', 'b', 'c')",
                "Message 7 0/500 #4 new('puff_sync:default', '5')",
                "Truncate 7 0/500 #5 public.posts v1",
                "Truncate 7 0/500 #6 public.posts v1",
                "Commit 7 0/500 #6",
            ],
            Streams.Lines(stream.Decode()));
        Assert.Equal(new Lsn(0x540), Last(stream.Decode()).EndLsn);
    }

    [Fact]
    public void A_table_described_again_keeps_its_version_until_it_differs()
    {
        var wider = Posts with { Columns = [.. Posts.Columns, new ColumnShape("likes", 23, -1, false)] };
        var stream = new MessageStream();
        stream.Begin(1, 1);
        stream.Write(encoder => encoder.Relation(Posts));
        stream.Write(encoder => encoder.Relation(Posts));
        stream.Write(encoder => encoder.Insert(Posts, "1", "a", "b"));
        stream.Write(encoder => encoder.Relation(wider));
        stream.Write(encoder => encoder.Insert(wider, "2", "a", "b", "9"));
        stream.Commit(1, 2);
        var decoder = new PgOutputDecoder("");
        decoder.Know(Posts with { Version = 4 });
        var batch = stream.Decode(decoder);
        Assert.Equal([4, 5], [batch[1].Relation.Version, batch[2].Relation.Version]);

        // After a reconnect the same tables are described again.
        decoder.Restart();
        var again = new MessageStream();
        again.Begin(3, 2);
        again.Write(encoder => encoder.Relation(wider));
        again.Write(encoder => encoder.Insert(wider, "3", "a", "b", "9"));
        Assert.Same(batch[2].Relation, again.Decode(decoder)[1].Relation);
    }

    [Fact]
    public void Transactions_of_an_ignored_origin_are_counted_but_dropped()
    {
        var stream = new MessageStream();
        stream.Begin(1, 1);
        stream.Write(encoder => encoder.Origin("mirror"));
        stream.Write(encoder => encoder.Relation(Posts));
        stream.Write(encoder => encoder.Insert(Posts, "1", "a", "b"));
        stream.Write(encoder => encoder.Update(Posts, OldTupleKind.Key, ["1", null, null], ["2", "b", ""]));
        stream.Commit(1, 2);
        stream.Begin(3, 2);
        stream.Write(encoder => encoder.Delete(Posts, OldTupleKind.Key, "2", null, null));
        stream.Commit(3, 4);
        Assert.Equal(
            ["Begin #0", "Commit #2", "Begin #0", "Delete #1 public.posts v1 Key('2', null, null)", "Commit #1"],
            Streams.Lines(stream.Decode(new PgOutputDecoder("", new HashSet<string> { "mirror" })), isStable: true));
    }

    [Theory]
    [InlineData((byte)'S')]
    [InlineData((byte)'b')]
    [InlineData((byte)0)]
    public void Unknown_messages_are_named_and_not_skipped(byte type)
    {
        var failure = Assert.Throws<ProtocolException>(() => new PgOutputDecoder("").Decode([type, 0, 0, 0, 1], new ChangeBatch()));
        Assert.True(failure.IsUnknown);
    }

    [Fact]
    public void Changes_without_a_transaction_or_a_table_are_refused()
    {
        var encoder = new PgOutputEncoder();
        encoder.Insert(Posts, "1", "a", "b");
        Assert.Throws<ProtocolException>(() => new PgOutputDecoder("").Decode(encoder.Message.Span, new ChangeBatch()));
        var stream = new MessageStream();
        stream.Begin(1, 1);
        stream.Write(writer => writer.Insert(Posts, "1", "a", "b"));
        Assert.Throws<ProtocolException>(() => stream.Decode());
    }

    [Fact]
    public void Every_truncation_of_every_message_is_refused()
    {
        foreach (byte[] message in AllKinds())
        {
            for (int length = 0; length < message.Length; length++)
            {
                var (decoder, batch) = InTransaction();
                Assert.Throws<ProtocolException>(() => decoder.Decode(message.AsSpan(0, length), batch));
            }
        }
    }

    [Fact]
    public void Damage_is_refused_or_read_as_something_else_but_never_read_past()
    {
        var random = new Random(11);
        foreach (byte[] message in AllKinds())
        {
            for (int round = 0; round < 4000; round++)
            {
                // The message stands at the end of its memory: a read past it would be an exception of the runtime's.
                byte[] damaged = [.. message];
                for (int flips = random.Next(1, 5); flips > 0; flips--)
                {
                    damaged[random.Next(damaged.Length)] = (byte)random.Next(256);
                }

                var (decoder, batch) = InTransaction();
                try
                {
                    decoder.Decode(damaged, batch);
                    _ = Streams.Lines(batch).Count();
                }
                catch (ProtocolException)
                {
                    // What damage is worth.
                }
            }
        }
    }

    [Fact]
    public void Random_bytes_are_refused_or_read_but_nothing_else_happens()
    {
        var random = new Random(12);
        for (int round = 0; round < 20000; round++)
        {
            byte[] message = new byte[random.Next(64)];
            random.NextBytes(message);
            if (message.Length > 0)
            {
                message[0] = "IUDBCRYTMO"u8[random.Next(10)];
            }

            var (decoder, batch) = InTransaction();
            try
            {
                decoder.Decode(message, batch);
            }
            catch (ProtocolException)
            {
                // As above.
            }
        }
    }

    [Fact]
    public void Decoding_allocates_nothing_per_change()
    {
        var encoder = new PgOutputEncoder();
        var (decoder, _) = InTransaction();
        encoder.Update(Posts, OldTupleKind.Full, ["1", "old title", "old body"], ["1", "title", PgOutputEncoder.Unchanged]);
        byte[] message = encoder.Message.ToArray();
        var batch = new ChangeBatch(1 << 20);
        for (int warm = 0; warm < 4096; warm++)
        {
            decoder.Decode(message, batch);
        }

        // Headers and columns have grown to hold 8192 changes by now; the next 4096 fit.
        batch.Clear();
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int change = 0; change < 4096; change++)
        {
            decoder.Decode(message, batch);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.Equal(4096, batch.Count);
    }

    [Fact]
    public async Task A_recording_reads_as_it_was_written_and_again_from_a_later_transaction()
    {
        var recording = new MemoryStream();
        var stream = new MessageStream();
        stream.Begin(0x10, 1);
        stream.Write(encoder => encoder.Relation(Posts));
        stream.Write(encoder => encoder.Insert(Posts, "1", "a", "b"));
        stream.Commit(0x10, 0x11);
        stream.Begin(0x20, 2);
        stream.Write(encoder => encoder.Insert(Posts, "2", "a", "b"));
        stream.Commit(0x20, 0x21);
        foreach (byte[] message in stream.Messages)
        {
            RecordedFeed.Append(recording, message);
        }

        await using var feed = new RecordedFeed(recording.ToArray());
        Assert.Equal(6, await CountAsync(feed, default));
        Assert.Equal(3, await CountAsync(feed, new Lsn(0x11)));
    }

    [Fact]
    public async Task Synthetic_rows_come_in_transactions_and_go_on_where_one_asks()
    {
        await using var feed = new SyntheticFeed(rows: 250, rowsPerTransaction: 100, bodyBytes: 10);
        var token = TestContext.Current.CancellationToken;
        var changes = new List<RowChange>();
        await foreach (var batch in feed.ReadAsync(default, 500, token))
        {
            changes.AddRange(Enumerable.Range(0, batch.Count).Select(index => batch[index]));
        }

        Assert.Equal((250, 3), (changes.Count(change => change.Kind == ChangeKind.Insert), changes.Count(change => change.Kind == ChangeKind.Commit)));
        Assert.Equal(50 + 2, await CountAsync(feed, changes.Last(change => change.Kind == ChangeKind.Begin).Position.Commit));
    }

    private static RowChange Last(ChangeBatch batch) => batch[batch.Count - 1];

    private static async Task<int> CountAsync(IChangeFeed feed, Lsn from)
    {
        int count = 0;
        await foreach (var batch in feed.ReadAsync(from, int.MaxValue, TestContext.Current.CancellationToken))
        {
            count += batch.Count;
        }

        return count;
    }

    private static (PgOutputDecoder Decoder, ChangeBatch Batch) InTransaction()
    {
        var stream = new MessageStream();
        stream.Begin(0x500, 7);
        stream.Write(encoder => encoder.Relation(Posts));
        var decoder = new PgOutputDecoder("puff_sync:");
        return (decoder, stream.Decode(decoder));
    }

    private static IEnumerable<byte[]> AllKinds()
    {
        var stream = new MessageStream();
        stream.Write(encoder => encoder.Insert(Posts, "1", "a", null));
        stream.Write(encoder => encoder.Update(Posts, OldTupleKind.Key, ["1", null, null], ["2", PgOutputEncoder.Unchanged, "text"]));
        stream.Write(encoder => encoder.Delete(Posts, OldTupleKind.Full, "2", "b", "c"));
        stream.Write(encoder => encoder.Truncate(Posts));
        stream.Write(encoder => encoder.LogicalMessage(true, "puff_sync:default", "5"u8));
        stream.Write(encoder => encoder.Relation(Posts));
        stream.Commit(0x500, 0x540);
        return stream.Messages;
    }

    /// <summary>Messages in a row, and what they decode to.</summary>
    private sealed class MessageStream
    {
        private readonly PgOutputEncoder encoder = new();

        public List<byte[]> Messages { get; } = [];

        public void Write(Action<PgOutputEncoder> write)
        {
            write(encoder);
            Messages.Add(encoder.Message.ToArray());
        }

        public void Begin(ulong commit, uint transaction) => Write(writer => writer.Begin(new Lsn(commit), 1000, transaction));

        public void Commit(ulong commit, ulong end) => Write(writer => writer.Commit(new Lsn(commit), new Lsn(end), 1000));

        public ChangeBatch Decode(PgOutputDecoder? decoder = null)
        {
            decoder ??= new PgOutputDecoder("puff_sync:");
            var batch = new ChangeBatch();
            foreach (byte[] message in Messages)
            {
                decoder.Decode(message, batch);
            }

            return batch;
        }
    }
}
