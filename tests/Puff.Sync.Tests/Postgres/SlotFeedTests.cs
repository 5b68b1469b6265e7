using Puff.Sync.Changes;
using Puff.Sync.Postgres;
using Xunit;

namespace Puff.Sync.Tests.Postgres;

/// <summary>The stream of a real server's slot (section 24: what lines 16, 18, 19, 22, 24, 29, 31 rest on).</summary>
public sealed class SlotFeedTests
{
    private const string Posts = "CREATE TABLE posts (id int PRIMARY KEY, title text, body text); ALTER TABLE posts ALTER body SET STORAGE EXTERNAL;";

    [Fact]
    public async Task Every_change_arrives_in_order_with_its_transaction()
    {
        await using var database = await SlotAsync(Posts);
        await database.RunAsync("INSERT INTO posts VALUES (1, 'a', repeat('x', 5000)), (2, 'b', null)");
        await database.RunAsync("""
            BEGIN;
            UPDATE posts SET title = 'a2' WHERE id = 1;
            SAVEPOINT s; UPDATE posts SET title = 'never' WHERE id = 1; ROLLBACK TO s;
            UPDATE posts SET id = 3 WHERE id = 2;
            DELETE FROM posts WHERE id = 3;
            SELECT pg_logical_emit_message(true, 'puff_sync:test', '42');
            COMMIT
            """);
        await database.RunAsync("TRUNCATE posts");
        await database.RunAsync("ALTER TABLE posts REPLICA IDENTITY FULL; INSERT INTO posts VALUES (4, 'd', null); UPDATE posts SET title = 'e'");
        Assert.Equal(
            [
                "Begin #0",
                "Insert #1 public.posts v1 new('1', 'a', 'xxxxxxxxxxxxxxxxxxxx'…5000)",
                "Insert #2 public.posts v1 new('2', 'b', null)",
                "Commit #2",
                "Begin #0",
                "Update #1 public.posts v1 new('1', 'a2', unchanged)",
                "Update #2 public.posts v1 new('3', 'b', null) Key('2', null, null)",
                "Delete #3 public.posts v1 Key('3', null, null)",
                "Message #3 new('puff_sync:test', '42')",
                "Commit #3",
                "Begin #0",
                "Truncate #1 public.posts v1",
                "Commit #1",
                "Begin #0",
                "Insert #1 public.posts v2 new('4', 'd', null)",
                "Update #2 public.posts v2 new('4', 'e', null) Full('4', 'd', null)",
                "Commit #2",
            ],
            await ReadAsync(database, commits: 4));
    }

    [Fact]
    public async Task A_role_with_other_formats_gets_the_same_text()
    {
        await using var database = await SlotAsync("CREATE TABLE t (id int PRIMARY KEY, b bytea, d date, ts timestamptz, i interval, f float8)");
        await database.RunAsync($"""
            ALTER DATABASE {database.Name} SET bytea_output = 'escape'; ALTER DATABASE {database.Name} SET DateStyle = 'German';
            ALTER DATABASE {database.Name} SET TimeZone = 'Asia/Tokyo'; ALTER DATABASE {database.Name} SET extra_float_digits = 0;
            ALTER DATABASE {database.Name} SET IntervalStyle = 'postgres_verbose'
            """);
        await database.RunAsync("INSERT INTO t VALUES (1, '\\x00ff', '2026-05-01', '2026-05-01 12:00:00.25+02', '1 day 2 hours', 0.1::float4::float8)");
        string[] lines = await ReadAsync(database, commits: 1);
        Assert.Equal("Insert #1 public.t v1 new('1', '\\x00ff', '2026-05-01', '2026-05-01 10:00:00.25+00', 'P1DT2H', '0.10000000149011612')", lines[1]);
        await using var rows = new RowSource(Sessions(database));
        var page = await rows.ReadPageAsync(
            new RowQuery("public", "t", ["id", "b", "d", "ts", "i", "f"], ["id"], null), null, null, 10, 1000, TestContext.Current.CancellationToken);
        Assert.Equal(lines[1].Replace("Insert #1", "Snapshot #0", StringComparison.Ordinal), Streams.Line(page.Rows[0], isStable: true));
    }

    [Fact]
    public async Task What_was_confirmed_is_not_sent_again_and_what_was_not_is()
    {
        await using var database = await SlotAsync(Posts);
        await using var feed = Feed(database);
        await database.RunAsync("INSERT INTO posts VALUES (1)");
        await database.RunAsync("INSERT INTO posts VALUES (2)");
        var (first, changes) = await ReadChangesAsync(feed, default, commits: 2);
        feed.Confirm(changes.First(change => change.Kind == ChangeKind.Commit).EndLsn);
        await first.DisposeAsync();
        Assert.Equal(["2"], await KeysAsync(feed, default, commits: 1));

        // A position beyond the slot's is respected too: the server begins at the larger.
        await database.RunAsync("INSERT INTO posts VALUES (3)");
        Assert.Equal(["3"], await KeysAsync(feed, changes[^1].EndLsn, commits: 1));
    }

    [Fact]
    public async Task A_lost_connection_is_an_interruption_and_reading_goes_on()
    {
        await using var database = await SlotAsync(Posts);
        await using var feed = Feed(database);
        await database.RunAsync("INSERT INTO posts VALUES (1)");
        var (reader, _) = await ReadChangesAsync(feed, default, commits: 1);
        await database.RunAsync($"SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = '{database.Name}'");
        await Assert.ThrowsAsync<FeedInterruptedException>(async () => await reader.MoveNextAsync());
        await reader.DisposeAsync();
        await database.RunAsync("INSERT INTO posts VALUES (2)");
        Assert.Equal(["1", "2"], await KeysAsync(feed, default, commits: 2));
    }

    [Fact]
    public async Task A_slot_in_use_or_missing_is_said_so()
    {
        await using var database = await SlotAsync(Posts);
        await using var feed = Feed(database);
        await database.RunAsync("INSERT INTO posts VALUES (1)");
        var (reader, _) = await ReadChangesAsync(feed, default, commits: 1);
        await using var second = Feed(database);
        var inUse = await Assert.ThrowsAsync<SyncException>(() => ReadChangesAsync(second, default, commits: 1));
        Assert.Equal(("slot_in_use", SyncExit.Conflict), (inUse.Code, inUse.Exit));
        await reader.DisposeAsync();
        await using var other = new SlotFeed(Sessions(database), new SlotFeedOptions("no_such_slot", "p", "puff_sync:"), []);
        var lost = await Assert.ThrowsAsync<SyncException>(() => ReadChangesAsync(other, default, commits: 1));
        Assert.Equal("slot_lost", lost.Code);
    }

    [Fact]
    public async Task Reading_stops_while_nobody_takes_and_nothing_is_lost()
    {
        await using var database = await SlotAsync(Posts);
        await database.RunAsync("INSERT INTO posts SELECT n, 'title', repeat('x', 1000) FROM generate_series(1, 20000) n");
        await using var feed = Feed(database);
        var token = TestContext.Current.CancellationToken;
        await using var reader = feed.ReadAsync(default, 100_000, token).GetAsyncEnumerator(token);
        int rows = 0;
        long largest = 0;
        while (rows < 20000 && await reader.MoveNextAsync())
        {
            largest = Math.Max(largest, reader.Current.ByteCount);
            rows += Streams.Lines(reader.Current, isStable: true).Count(line => line.StartsWith("Insert", StringComparison.Ordinal));
        }

        Assert.Equal(20000, rows);
        Assert.InRange(largest, 1, 110_000);
        Assert.True(feed.BytesReceived > 20_000_000);
    }

    /// <summary>A database with a publication of all tables and a slot, both named as it.</summary>
    private static async Task<TestDatabase> SlotAsync(string sql)
    {
        var database = await TestDatabase.CreateAsync(sql);
        await database.RunAsync($"CREATE PUBLICATION p FOR ALL TABLES WITH (publish_via_partition_root = true)");
        await database.RunAsync($"SELECT pg_create_logical_replication_slot('{database.Name}', 'pgoutput')");
        return database;
    }

    private static PostgresSessions Sessions(TestDatabase database) => new(database.Address, "test");

    private static SlotFeed Feed(TestDatabase database) => new(Sessions(database), new SlotFeedOptions(database.Name, "p", "puff_sync:"), []);

    private static async Task<string[]> ReadAsync(TestDatabase database, int commits)
    {
        await using var feed = Feed(database);
        var (reader, changes) = await ReadChangesAsync(feed, default, commits);
        await reader.DisposeAsync();
        return [.. changes.Select(change => Streams.Line(change, isStable: true))];
    }

    private static async Task<string[]> KeysAsync(SlotFeed feed, Lsn from, int commits)
    {
        var (reader, changes) = await ReadChangesAsync(feed, from, commits);
        await reader.DisposeAsync();
        return [.. changes.Where(change => change.Kind == ChangeKind.Insert).Select(change => System.Text.Encoding.UTF8.GetString(change.New.Bytes(0)))];
    }

    /// <summary>Reads until so many transactions have ended; the reader is still open.</summary>
    private static async Task<(IAsyncEnumerator<ChangeBatch> Reader, List<RowChange> Changes)> ReadChangesAsync(SlotFeed feed, Lsn from, int commits)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        patience.CancelAfter(TimeSpan.FromSeconds(60));
        var reader = feed.ReadAsync(from, 1 << 20, TestContext.Current.CancellationToken).GetAsyncEnumerator(TestContext.Current.CancellationToken);
        var changes = new List<RowChange>();
        while (changes.Count(change => change.Kind == ChangeKind.Commit) < commits)
        {
            Assert.True(await reader.MoveNextAsync().AsTask().WaitAsync(patience.Token));
            changes.AddRange(Enumerable.Range(0, reader.Current.Count).Select(index => reader.Current[index]));
        }

        return (reader, changes);
    }
}
