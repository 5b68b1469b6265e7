using System.Text;
using Puff.Sync.Changes;
using Puff.Sync.Postgres;
using Xunit;

namespace Puff.Sync.Tests.Postgres;

/// <summary>Pages and rows by key of a real server (section 24: what lines 35, 37, 41, 46 and 47 rest on).</summary>
public sealed class RowSourceTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(0)]
    [InlineData(7)]
    [InlineData(10)]
    [InlineData(35)]
    public async Task Pages_together_are_the_table(int rows)
    {
        await using var database = await TestDatabase.CreateAsync("CREATE TABLE t (id int PRIMARY KEY, v text)");
        await database.RunAsync($"INSERT INTO t SELECT n, 'v' || n FROM generate_series(1, {rows}) n");
        await using var source = new RowSource(new PostgresSessions(database.Address, "test"));
        var query = new RowQuery("public", "t", ["v", "id"], ["id"], null);
        Assert.Equal(Enumerable.Range(1, rows).Select(n => $"v{n}"), await AllAsync(source, query, maxRows: 10));
        var end = await source.FindEndAsync(query, Token);
        Assert.Equal(rows == 0 ? null : [$"{rows}"], end.Key);
    }

    [Theory]
    [InlineData("text COLLATE \"C\"", "md5(n::text)")]
    [InlineData("text COLLATE \"en-x-icu\"", "CASE n % 3 WHEN 0 THEN 'Ä' WHEN 1 THEN 'a' ELSE 'A''\\' END || n")]
    [InlineData("uuid", "md5(n::text)::uuid")]
    [InlineData("numeric(20,4)", "n * 1.0001 - 50")]
    [InlineData("timestamptz", "'2026-01-01'::timestamptz + n * interval '1.000001 second'")]
    [InlineData("char(9)", "'k' || n")]
    public async Task Keys_of_every_type_are_walked_once(string type, string value)
    {
        await using var database = await TestDatabase.CreateAsync(
            $"CREATE TABLE t (k {type} PRIMARY KEY); INSERT INTO t SELECT {value} FROM generate_series(1, 100) n");
        await using var source = new RowSource(new PostgresSessions(database.Address, "test"));
        var query = new RowQuery("public", "t", ["k"], ["k"], null);
        string[] keys = await AllAsync(source, query, maxRows: 9);
        Assert.Equal((100, 100), (keys.Length, keys.Distinct().Count()));

        // And by key.
        var page = await source.ReadKeysAsync(query, [[keys[3]], [keys[90]]], Token);
        Assert.Equal(new[] { keys[3], keys[90] }.Order(StringComparer.Ordinal), Values(page.Rows).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Composite_keys_filters_and_bounds()
    {
        await using var database = await TestDatabase.CreateAsync("""
            CREATE SCHEMA "My shop"; CREATE TABLE "My shop"."Order items" ("order" int, line text, v int, PRIMARY KEY ("order", line));
            INSERT INTO "My shop"."Order items" SELECT n / 3, 'l''"' || n, n FROM generate_series(0, 29) n
            """);
        await using var source = new RowSource(new PostgresSessions(database.Address, "test"));
        var query = new RowQuery("My shop", "Order items", ["v", "order", "line"], ["order", "line"], "v % 2 = 0");
        Assert.Equal(Enumerable.Range(0, 30).Where(n => n % 2 == 0).Select(n => $"{n}").Order(), (await AllAsync(source, query, maxRows: 4)).Order());
        var part = await source.ReadPageAsync(query, ["1", "l'\"4"], ["3", "l'\"10"], 100, 10000, Token);
        Assert.Equal(["6", "8", "10"], Values(part.Rows));
        Assert.True(part.IsLast);
        Assert.Equal(["3", "l'\"10"], part.Cursor);
        var byKey = await source.ReadKeysAsync(query with { Where = null }, [["1", "l'\"4"], ["9", "l'\"29"], ["9", "none"]], Token);
        Assert.Equal(["29", "4"], Values(byKey.Rows).Order());
    }

    [Fact]
    public async Task A_page_knows_which_transactions_it_saw()
    {
        await using var database = await TestDatabase.CreateAsync("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)");
        await using var open = await database.OpenAsync();
        await using var begin = new Npgsql.NpgsqlCommand("BEGIN; INSERT INTO t VALUES (2); SELECT pg_current_xact_id()::text", open);
        ulong running = ulong.Parse((string)(await begin.ExecuteScalarAsync(Token))!);
        await database.RunAsync("INSERT INTO t VALUES (3)");
        ulong ended = ulong.Parse((await database.AskAsync<string>("SELECT xmin::text FROM t WHERE id = 3"))!);
        await using var source = new RowSource(new PostgresSessions(database.Address, "test"));
        var page = await source.ReadPageAsync(new RowQuery("public", "t", ["id"], ["id"], null), null, null, 10, 1000, Token);
        Assert.Equal(["1", "3"], Values(page.Rows));
        Assert.Equal((false, true), (page.Snapshot.Saw(running), page.Snapshot.Saw(ended)));
        Assert.Equal(running, page.Snapshot.Widen((uint)running));
        string? now = await database.AskAsync<string>("SELECT pg_current_wal_insert_lsn()::text");
        Assert.True(Lsn.TryParse(now, out var later) && page.High <= later && page.High.Value > 0);
    }

    [Fact]
    public async Task A_page_ends_at_its_bytes_and_the_next_goes_on()
    {
        await using var database = await TestDatabase.CreateAsync("""
            CREATE TABLE t (id int PRIMARY KEY, v text); ALTER TABLE t ALTER v SET STORAGE EXTERNAL;
            INSERT INTO t SELECT n, repeat('x', 20000) FROM generate_series(1, 300) n
            """);
        await using var source = new RowSource(new PostgresSessions(database.Address, "test"));
        var query = new RowQuery("public", "t", ["id", "v"], ["id"], null);
        IReadOnlyList<string>? after = null;
        var ids = new List<string>();
        bool isLast = false;
        for (int pages = 0; !isLast; pages++)
        {
            var page = await source.ReadPageAsync(query, after, null, 1000, 200_000, Token);
            Assert.InRange(page.Rows.ByteCount, 0, 230_000);
            Assert.InRange(pages, 0, 40);
            ids.AddRange(Values(page.Rows));
            (after, isLast) = (page.Cursor, page.IsLast);
        }

        Assert.Equal(Enumerable.Range(1, 300).Select(n => $"{n}"), ids);
    }

    [Fact]
    public async Task Partitions_are_read_through_their_root_and_children_by_inheritance_are_not()
    {
        await using var database = await TestDatabase.CreateAsync("""
            CREATE TABLE root (id int PRIMARY KEY) PARTITION BY RANGE (id);
            CREATE TABLE leaf1 PARTITION OF root FOR VALUES FROM (0) TO (10); CREATE TABLE leaf2 PARTITION OF root FOR VALUES FROM (10) TO (20);
            INSERT INTO root VALUES (1), (11);
            CREATE TABLE parent (id int PRIMARY KEY); CREATE TABLE child () INHERITS (parent); INSERT INTO parent VALUES (1); INSERT INTO child VALUES (2)
            """);
        await using var source = new RowSource(new PostgresSessions(database.Address, "test"));
        Assert.Equal(["1", "11"], await AllAsync(source, new RowQuery("public", "root", ["id"], ["id"], null), 10));
        Assert.Equal(["1"], await AllAsync(source, new RowQuery("public", "parent", ["id"], ["id"], null), 10));
    }

    [Fact]
    public async Task Failures_have_names_and_leave_the_source_usable()
    {
        await using var database = await TestDatabase.CreateAsync("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)");
        string role = $"r_{database.Name}";
        await database.RunAsync($"CREATE ROLE {role} LOGIN PASSWORD 'x'");
        try
        {
            await using var source = new RowSource(new PostgresSessions(database.Address, "test"), connections: 1);
            Assert.Equal("table_not_found", await CodeAsync(source, new RowQuery("public", "nothing", ["id"], ["id"], null)));
            Assert.Equal("column_not_found", await CodeAsync(source, new RowQuery("public", "t", ["id", "titel"], ["id"], null)));
            Assert.Equal(["1"], await AllAsync(source, new RowQuery("public", "t", ["id"], ["id"], null), 10));
            await using var poor = new RowSource(new PostgresSessions(database.Address with { User = role, Password = "x" }, "test"));
            Assert.Equal("privilege_select", await CodeAsync(poor, new RowQuery("public", "t", ["id"], ["id"], null)));
            await using var wrong = new RowSource(new PostgresSessions(database.Address with { Password = "wrong" }, "test"));
            Assert.Equal("source_unauthorized", await CodeAsync(wrong, new RowQuery("public", "t", ["id"], ["id"], null)));
            await using var nobody = new RowSource(new PostgresSessions(database.Address with { Port = 1 }, "test"));
            await Assert.ThrowsAsync<FeedInterruptedException>(() => AllAsync(nobody, new RowQuery("public", "t", ["id"], ["id"], null), 10));
        }
        finally
        {
            await database.RunAsync($"DROP OWNED BY {role}; DROP ROLE {role}");
        }
    }

    private static async Task<string> CodeAsync(RowSource source, RowQuery query) =>
        (await Assert.ThrowsAsync<SyncException>(() => source.ReadPageAsync(query, null, null, 10, 1000, Token))).Code;

    /// <summary>The first column of all rows, page by page.</summary>
    private static async Task<string[]> AllAsync(RowSource source, RowQuery query, int maxRows)
    {
        var values = new List<string>();
        RowPage page;
        IReadOnlyList<string>? after = null;
        do
        {
            page = await source.ReadPageAsync(query, after, null, maxRows, 1 << 20, Token);
            values.AddRange(Values(page.Rows));
            after = page.Cursor ?? after;
        }
        while (!page.IsLast);
        return [.. values];
    }

    private static string[] Values(ChangeBatch rows) =>
        [.. Enumerable.Range(0, rows.Count).Select(row => Encoding.UTF8.GetString(rows[row].New.Bytes(0)))];
}
