using Npgsql;
using Puff.Sync.Changes;
using Puff.Sync.Postgres;
using Xunit;

namespace Puff.Sync.Tests.Postgres;

/// <summary>What the catalog, publications and slots of a real server say (section 24: facts of lines 9 to 15, 45, 51, 55, 70 to 72).</summary>
public sealed class CatalogTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_table_is_described_with_its_types_indexes_and_identity()
    {
        await using var database = await TestDatabase.CreateAsync("""
            CREATE TYPE mood AS ENUM ('sad', 'ok'); ALTER TYPE mood ADD VALUE 'happy' AFTER 'ok';
            CREATE DOMAIN short AS varchar(20); CREATE DOMAIN shorter AS short; CREATE TYPE pair AS (a int, b shorter[]);
            CREATE TABLE t (id int, m mood NOT NULL, d shorter, p pair, r int4range, n numeric(10,2)[], g int GENERATED ALWAYS AS (id + 1) STORED,
                c text COLLATE "C", i text COLLATE "en-x-icu", PRIMARY KEY (m, id));
            ALTER TABLE t DROP COLUMN r; CREATE UNIQUE INDEX u ON t (c) WHERE c IS NOT NULL; CREATE INDEX e ON t (lower(c))
            """);
        await using var session = await database.OpenAsync();
        var facts = await Catalog.FindTableAsync(session, "public", "t", Token);
        Assert.NotNull(facts);
        Assert.Equal(["id", "m", "d", "p", "n", "g", "c", "i"], facts.Shape.Columns.Select(column => column.Name));
        Assert.Equal(["m", "id"], facts.Shape.PrimaryKey);
        Assert.Equal(["m", "id"], facts.IdentityColumns);
        var mood = facts.Shape.Find("m")!;
        Assert.Equal((TypeCategory.Enum, false), (mood.Type.Category, mood.IsNullable));
        Assert.Equal(["sad", "ok", "happy"], mood.Type.Labels);
        var domain = facts.Shape.Find("d")!.Type;
        Assert.Equal((TypeCategory.Domain, TypeCategory.Domain), (domain.Category, domain.Inner!.Category));
        Assert.Equal(("varchar", 24), (domain.Inner.Inner!.Name, domain.Inner.InnerModifier));
        var pair = facts.Shape.Find("p")!.Type;
        Assert.Equal(["a", "b"], pair.Fields.Select(field => field.Name));
        Assert.Equal((TypeCategory.Array, TypeCategory.Domain), (pair.Fields[1].Type.Category, pair.Fields[1].Type.Inner!.Category));
        Assert.Equal((TypeCategory.Array, "numeric"), (facts.Shape.Find("n")!.Type.Category, facts.Shape.Find("n")!.Type.Inner!.Name));
        Assert.True(facts.Shape.Find("g")!.IsGenerated);
        ColumnFacts Column(string name) => facts.Columns.First(column => column.Name == name);
        Assert.Equal((false, true), (Column("id").IsToastable, Column("c").IsToastable));
        Assert.Equal((true, false), (facts.Shape.Find("c")!.IsCollationC, facts.Shape.Find("i")!.IsCollationC));
        Assert.True(facts.Indexes.First(index => index.Name == "u") is { IsUnique: true, IsPartial: true });
        Assert.Equal([""], facts.Indexes.First(index => index.Name == "e").Columns);
        Assert.Null(await Catalog.FindTableAsync(session, "public", "T", Token));
        Assert.Equal(["public.t"], await Catalog.ListTablesAsync(session, Token));

        // Renamed and moved it is found by its number; dropped it is not.
        await database.RunAsync("CREATE SCHEMA s; ALTER TABLE t RENAME TO t2; ALTER TABLE t2 SET SCHEMA s");
        Assert.Equal("s.t2", (await Catalog.ReadTableAsync(session, facts.Oid, Token))!.Name);
        await database.RunAsync("DROP TABLE s.t2");
        Assert.Null(await Catalog.ReadTableAsync(session, facts.Oid, Token));
    }

    [Fact]
    public async Task Kinds_identities_and_partitions_are_told_apart()
    {
        await using var database = await TestDatabase.CreateAsync("""
            CREATE TABLE a (id int PRIMARY KEY, k int NOT NULL); CREATE UNIQUE INDEX ak ON a (k);
            CREATE VIEW v AS SELECT * FROM a; CREATE MATERIALIZED VIEW m AS SELECT * FROM a; CREATE UNLOGGED TABLE un (id int PRIMARY KEY);
            CREATE TABLE nokey (x int); CREATE TABLE child () INHERITS (a);
            CREATE TABLE root (id int PRIMARY KEY, v text) PARTITION BY RANGE (id); CREATE TABLE leaf PARTITION OF root FOR VALUES FROM (0) TO (9);
            CREATE TABLE odd (v text, id int NOT NULL PRIMARY KEY); ALTER TABLE root ATTACH PARTITION odd FOR VALUES FROM (9) TO (19);
            ALTER TABLE a ENABLE ROW LEVEL SECURITY
            """);
        await using var session = await database.OpenAsync();
        async Task<TableFacts> Facts(string table) => (await Catalog.FindTableAsync(session, "public", table, Token))!;
        Assert.Equal((TableKind.View, TableKind.MaterializedView), ((await Facts("v")).Kind, (await Facts("m")).Kind));
        Assert.True((await Facts("un")).IsUnlogged);
        Assert.True((await Facts("a")).HasChildren);
        Assert.Equal((false, ReplicaIdentity.Default), ((await Facts("nokey")).HasIdentity, (await Facts("nokey")).Shape.Identity));
        await database.RunAsync("ALTER TABLE nokey REPLICA IDENTITY FULL; ALTER TABLE a REPLICA IDENTITY USING INDEX ak");
        Assert.True((await Facts("nokey")).HasIdentity);
        Assert.Equal(["k"], (await Facts("a")).IdentityColumns);
        await database.RunAsync("ALTER TABLE a REPLICA IDENTITY NOTHING");
        Assert.False((await Facts("a")).HasIdentity);
        var root = await Facts("root");
        Assert.Equal(TableKind.Partitioned, root.Kind);
        Assert.Equal([("leaf", false), ("odd", true)], root.Leaves.Select(leaf => (leaf.Table, leaf.HasOtherOrder)));
        Assert.True((await Facts("leaf")).IsPartition);
    }

    [Fact]
    public async Task A_publication_is_made_equal_to_what_is_wanted()
    {
        await using var database = await TestDatabase.CreateAsync(
            "CREATE TABLE a (id int PRIMARY KEY, v int); CREATE TABLE b (id int PRIMARY KEY); CREATE TABLE \"C c\" (id int PRIMARY KEY)");
        await using var session = await database.OpenAsync();
        async Task<string[]> ApplyAsync(params PublishedTable[] wanted)
        {
            var statements = Publication.ChangeSql("p", await Publication.ReadAsync(session, "p", Token), wanted);
            foreach (string statement in statements)
            {
                await database.RunAsync(statement);
            }

            Assert.Empty(Publication.ChangeSql("p", await Publication.ReadAsync(session, "p", Token), wanted));
            return [.. statements];
        }

        Assert.Single(await ApplyAsync());
        Assert.Equal(2, (await ApplyAsync(new("public", "a"), new("public", "C c"))).Length);
        Assert.Equal(
            ["ALTER PUBLICATION \"p\" DROP TABLE \"public\".\"C c\"", "ALTER PUBLICATION \"p\" DROP TABLE \"public\".\"a\"",
                "ALTER PUBLICATION \"p\" ADD TABLE \"public\".\"a\" (\"id\") WHERE (id > 5)", "ALTER PUBLICATION \"p\" ADD TABLE \"public\".\"b\""],
            await ApplyAsync(new("public", "a", ["id"], "id > 5"), new("public", "b")));
        await database.RunAsync("ALTER PUBLICATION p SET (publish = 'insert')");
        Assert.Single(await ApplyAsync(new("public", "a", ["id"], "id > 5"), new("public", "b")));
    }

    /// <summary>Line 45.</summary>
    [Fact]
    public async Task After_publishing_one_waits_for_transactions_that_were_open()
    {
        await using var database = await TestDatabase.CreateAsync("CREATE TABLE a (id int PRIMARY KEY)");
        await using var open = await database.OpenAsync();
        await RunAsync(open, "BEGIN; INSERT INTO a VALUES (1)");
        await database.RunAsync("CREATE PUBLICATION p FOR TABLE a");
        await using var session = await database.OpenAsync();
        var reports = new List<ulong>();
        var reported = new TaskCompletionSource();
        var waiting = Publication.WaitForEarlierTransactionsAsync(
            session, TimeProvider.System, oldest => { reports.Add(oldest); reported.TrySetResult(); }, Token);
        await reported.Task.WaitAsync(TimeSpan.FromSeconds(30), Token);
        Assert.False(waiting.IsCompleted);
        await RunAsync(open, "COMMIT");
        await waiting.WaitAsync(TimeSpan.FromSeconds(30), Token);
    }

    [Fact]
    public async Task Slots_are_created_found_moved_and_dropped()
    {
        await using var database = await TestDatabase.CreateAsync("CREATE TABLE a (id int PRIMARY KEY)");
        var sessions = new PostgresSessions(database.Address, "test");
        var start = await ReplicationSlots.CreateAsync(sessions, database.Name, failover: true, TimeProvider.System, null, Token);
        await using var session = await database.OpenAsync();
        var slot = (await ReplicationSlots.FindAsync(session, database.Name, Token))!;
        Assert.Equal((start, WalStatus.Reserved, null), (slot.Confirmed, slot.Status, slot.ActiveProcess));
        ReplicationSlots.Check(slot, database.Name);
        Assert.Equal("slot_mismatch", Assert.Throws<SyncException>(() => ReplicationSlots.Check(slot, "other")).Code);
        Assert.Equal("slot_mismatch", Assert.Throws<SyncException>(() => ReplicationSlots.Check(slot with { Plugin = "wal2json" }, database.Name)).Code);
        await database.RunAsync("INSERT INTO a VALUES (1)");
        await using var server = new SourceServer(sessions);
        var end = await server.ReadInsertLsnAsync(Token);
        await ReplicationSlots.AdvanceAsync(session, database.Name, end, Token);
        Assert.True((await server.ReadSlotAsync(database.Name, Token))!.Confirmed > start);
        await ReplicationSlots.WaitUntilFreeAsync(session, sessions, database.Name, hasLock: true, TimeProvider.System, Token);
        await ReplicationSlots.DropAsync(session, database.Name, Token);
        Assert.Null(await server.ReadSlotAsync(database.Name, Token));
    }

    [Fact]
    public async Task A_reader_of_our_pipeline_is_ended_by_the_holder_of_the_lock()
    {
        await using var database = await TestDatabase.CreateAsync("CREATE TABLE a (id int PRIMARY KEY); CREATE PUBLICATION p FOR ALL TABLES");
        var sessions = new PostgresSessions(database.Address, "test");
        await ReplicationSlots.CreateAsync(sessions, database.Name, failover: false, TimeProvider.System, null, Token);
        await using var feed = new SlotFeed(sessions, new SlotFeedOptions(database.Name, "p", "puff_sync:"), []);
        await using var reader = feed.ReadAsync(default, 1000, Token).GetAsyncEnumerator(Token);
        await database.RunAsync("INSERT INTO a VALUES (1)");
        Assert.True(await reader.MoveNextAsync());
        await using var session = await database.OpenAsync();
        await ReplicationSlots.WaitUntilFreeAsync(session, sessions, database.Name, hasLock: true, TimeProvider.System, Token);
        await Assert.ThrowsAsync<FeedInterruptedException>(async () =>
        {
            while (await reader.MoveNextAsync())
            {
                // What was under way.
            }
        });
    }

    [Fact]
    public async Task The_server_identifies_itself_and_its_messages_come_back()
    {
        await using var database = await TestDatabase.CreateAsync("CREATE PUBLICATION p");
        var sessions = new PostgresSessions(database.Address, "test");
        await ReplicationSlots.CreateAsync(sessions, database.Name, failover: false, TimeProvider.System, null, Token);
        await using var server = new SourceServer(sessions);
        var identity = await server.IdentifyAsync(Token);
        Assert.Equal(await database.AskAsync<string>("SELECT system_identifier::text FROM pg_control_system()"), identity.SystemIdentifier.ToString());
        Assert.Equal(1, identity.Timeline);
        await server.EmitMessageAsync("puff_sync:test", "7", Token);
        await using var feed = new SlotFeed(sessions, new SlotFeedOptions(database.Name, "p", "puff_sync:"), []);
        await using var reader = feed.ReadAsync(default, 1000, Token).GetAsyncEnumerator(Token);
        var lines = new List<string>();
        // A batch holds what was at hand: the transaction's parts may come one by one.
        while (!lines.Exists(line => line.StartsWith("Commit", StringComparison.Ordinal)))
        {
            Assert.True(await reader.MoveNextAsync());
            lines.AddRange(Streams.Lines(reader.Current, isStable: true));
        }

        Assert.Contains("Message #0 new('puff_sync:test', '7')", lines);
    }

    private static async Task RunAsync(NpgsqlConnection session, string sql)
    {
        await using var command = new NpgsqlCommand(sql, session);
        await command.ExecuteNonQueryAsync(Token);
    }
}
