using Puff.Engine;
using Puff.Engine.Storage;
using Puff.Sync.Changes;
using Puff.Sync.Destinations;
using Puff.Sync.Documents;
using Puff.Sync.Migrations;
using Puff.Sync.Postgres;
using Puff.Sync.Tests.Postgres;
using Xunit;
using static Puff.Sync.Tests.Documents.RowFixture;

namespace Puff.Sync.Tests.Documents;

/// <summary>
/// Rows of every type of a real server: documents of the stream and of pages are equal, whatever formats the role has, and the engine takes them (lines 30, 31
/// and 33); unchanged columns and keys that change (19, 21, 22).
/// </summary>
public sealed class ConversionServerTests
{
    private const string EveryType = """
        CREATE EXTENSION IF NOT EXISTS hstore; CREATE EXTENSION IF NOT EXISTS citext; CREATE EXTENSION IF NOT EXISTS ltree;
        CREATE TYPE mood AS ENUM ('sad', 'ok'); CREATE TYPE pair AS (n int8, t text, l int[]);
        CREATE DOMAIN posint AS int CHECK (VALUE > 0); CREATE DOMAIN posint2 AS posint;
        CREATE TABLE posts (id int8 PRIMARY KEY, b bool, i2 int2, i4 int4, i8 int8, o oid, f4 float4, f8 float8, n numeric, n2 numeric(30, 10), m money,
            t text, vc varchar(20), bp char(5), ch "char", nm name, ci citext, x xml, u uuid, by bytea, j json, jb jsonb, d date, ts timestamp, tz timestamptz,
            ti time, tt timetz, iv interval, e mood, dm posint2, ai int[], at text[], ab bool[], af float8[], au uuid[], ad date[],
            atz timestamptz[], ae mood[],
            an numeric[], aj jsonb[], aby bytea[], m2 int[][], iv2 int2vector, ov oidvector, c pair, ac pair[], r int4range, tr tstzrange, mr int4multirange,
            ip inet, ci2 cidr, ma macaddr, ma8 macaddr8, bi bit(4), vb varbit, p point, li line, ls lseg, bx box, abx box[], pa path, po polygon, ci3 circle,
            tv tsvector, tq tsquery, h hstore, lt ltree, xi xid8, ls2 pg_lsn)
        """;

    private const string Rows = """
        INSERT INTO posts (id) VALUES (1);
        INSERT INTO posts VALUES (2, true, -32768, -2147483648, -9223372036854775808, 4294967295, 3.4028235e38, 5e-324,
            12345678901234567890.123456789, 0.1, 1.5,
            E'🐡 "x" \\ \x01\x7f', ' x ', 'ab', 'c', 'nm', 'CiTeXt', '<a/>', 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11', '\x00ff10', ' {"b" : [1, 2],  "a": null} ',
            '{"b": {"c": "d e"}, "a": 1e2}', '0001-01-01', '9999-12-31 23:59:59.999999', '2024-01-02 03:04:05.123456+02', '23:59:59.999999', '03:04:05+05:30',
            '1 year 2 mons 3 days 04:05:06.7', 'sad', 7, '{1,NULL,-3}', '{a,"b,c","\"q\\",NULL,"",🐡}', '{t,f}', '{1,2.5,NaN}',
            '{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}', '{2024-02-29,infinity}', '{"2024-01-02 03:04:05+00"}', '{ok,sad}', '{1.50,2}', '{"{\"a\": [1]}",NULL}',
            '{"\\x00ff"}', '{1,2}', '1 2 3', '4 5', ROW(9223372036854775807, E'a "b", \\', '{1,NULL}'), ARRAY[ROW(1, NULL, NULL)::pair], '[1,5)',
            '["2024-01-02 03:04:05+00",)', '{[1,3),[5,7)}', '::1', '10.0.0.0/8', '08:00:2b:01:02:03', '08:00:2b:01:02:03:04:05', B'0101', B'1', '(1,2.5)',
            '{1,2,3}', '[(0,0),(1,1)]', '((0,0),(1,1))', '{(1,1),(0,0);(2,2),(0,0)}', '[(0,0),(1,1)]', '((0,0),(1,1))', '<(0,0),1>', 'fat:2 rat:3', 'fat & rat',
            'a=>1, "b \" "=>NULL', 'Top.Science', '18446744073709551615', '16/B374D848');
        INSERT INTO posts (id, f8, n, d, ts, tz, ai, t) VALUES (3, 'NaN', 'NaN', 'infinity', '-infinity', '0044-03-15 00:00:00+00 BC', '{}', '')
        """;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Documents_of_every_type_are_equal_from_the_stream_and_from_pages_and_the_engine_takes_them()
    {
        await using var database = await SlotAsync(EveryType);
        await database.RunAsync($"""
            ALTER DATABASE {database.Name} SET bytea_output = 'escape'; ALTER DATABASE {database.Name} SET DateStyle = 'German';
            ALTER DATABASE {database.Name} SET TimeZone = 'Asia/Tokyo'; ALTER DATABASE {database.Name} SET IntervalStyle = 'postgres_verbose'
            """);
        await database.RunAsync(Rows);
        var plan = await PlanAsync(database);
        var streamed = (await ReadAsync(database, commits: 1)).Where(c => c.Kind == ChangeKind.Insert).Select(c => Document(plan, c)).ToArray();
        await using var source = new RowSource(new PostgresSessions(database.Address, "test"));
        var query = new RowQuery("public", "posts", [.. plan.Columns.Select(c => c.Name)], ["id"], null);
        var page = await source.ReadPageAsync(query, null, null, 100, 1 << 20, Token);
        var read = Enumerable.Range(0, page.Rows.Count).Select(i => Document(plan, page.Rows[i])).ToArray();
        Assert.Equal(3, streamed.Length);
        Assert.Equal(streamed.Select(Show), read.Select(Show));
        Assert.Equal("Upsert 1u", Show(streamed[0]));
        Assert.Equal("Upsert 3u ai=[] t=''", Sorted(streamed[2]));
        string full = Show(streamed[1]);
        foreach (string part in (string[])
            [
                "i8=-9223372036854775808", "f8=5E-324f", "bp='ab'", "by=0x00FF10", """j='{"b":[1,2],"a":null}'""", """jb='{"a":100,"b":{"c":"d e"}}'""",
                "tz=2024-01-02T01:04:05.123000000Z", "tt='03:04:05+05:30'", "iv='P1Y2M3DT4H5M6.7S'", "dm=7", "ai=[1,-3]", "ad=[2024-02-29T00:00:00.000000000Z]",
                """c='{"n":9223372036854775807,"t":"a \"b\", \\","l":[1,null]}'""", """aj='[{"a": [1]},null]'""", """aby='["AP8="]'""",
                """ac='[{"n":1,"t":null,"l":null}]'""", "abx=['(1,1),(0,0)','(2,2),(0,0)']", "m2='[1,2]'", "iv2=[1,2,3]", "xi='18446744073709551615'",
            ])
        {
            Assert.Contains(part, full, StringComparison.Ordinal);
        }

        await using var store = new MemoryObjectStore();
        await using var engine = await PuffEngine.OpenAsync(new EngineSettings { RunIndexer = false }, new EngineComponents { Store = store });
        var destination = new EngineDestination(engine);
        await destination.WriteAsync(new DestinationBatch("posts") { Schema = plan.Schema() }.With(streamed), Token);
        var stored = await destination.ScanAsync("posts", null, 10, [.. plan.Attributes.Select(a => a.Attribute)], null, Token);
        Assert.Equal(streamed.Select(Sorted), stored.Select(row => Sorted(new DocumentAction(DocumentOperation.Upsert, row.Id, row.Attributes, default))));
    }

    [Theory]
    [InlineData("DEFAULT", "Write Patch 1u title='b'|Reread Delete 1u|Write Delete 2u")]
    [InlineData("FULL", "Write Upsert 1u body=20000 title='b'|Write Delete 1u Upsert 2u body=20000 title='b'|Write Delete 2u")]
    public async Task What_the_server_does_not_send_is_patched_or_completed(string identity, string expected)
    {
        await using var database = await SlotAsync($"""
            CREATE TABLE posts (id int PRIMARY KEY, title text, body text); ALTER TABLE posts ALTER body SET STORAGE EXTERNAL;
            ALTER TABLE posts REPLICA IDENTITY {identity}; INSERT INTO posts VALUES (1, 'a', repeat('x', 20000))
            """);
        await database.RunAsync("UPDATE posts SET title = 'b'; UPDATE posts SET id = 2; DELETE FROM posts");
        var plan = await PlanAsync(database);
        var changes = (await ReadAsync(database, commits: 1)).Where(c => c.Kind is ChangeKind.Update or ChangeKind.Delete);
        Assert.Equal(expected, string.Join('|', changes.Select(change =>
        {
            var outcome = new ChangeCases(plan.Bind(change.Relation)).Decide(change);
            string text = $"{outcome.Kind} {Show(outcome.Gone)} {Show(outcome.Action)}".Replace("  ", " ", StringComparison.Ordinal).TrimEnd();
            return text.Replace($"'{new string('x', 20000)}'", "20000", StringComparison.Ordinal);
        })));
    }

    private static DocumentAction Document(DocumentPlan plan, RowChange change) => new ChangeCases(plan.Bind(change.Relation)).Decide(change).Action!;

    private static string Sorted(DocumentAction action) =>
        Show(action with { Attributes = [.. action.Attributes.Where(a => !a.Value.IsNull).OrderBy(a => a.Key, StringComparer.Ordinal)] });

    private static async Task<DocumentPlan> PlanAsync(TestDatabase database)
    {
        await using var session = await database.OpenAsync();
        var facts = await Catalog.FindTableAsync(session, "public", "posts", Token);
        return new DocumentPlan(Mapping(m => m with { Attributes = new AttributeOptions() }), facts!.Shape);
    }

    private static async Task<TestDatabase> SlotAsync(string sql)
    {
        var database = await TestDatabase.CreateAsync(sql);
        await database.RunAsync("CREATE PUBLICATION p FOR ALL TABLES");
        await database.RunAsync($"SELECT pg_create_logical_replication_slot('{database.Name}', 'pgoutput')");
        return database;
    }

    private static async Task<List<RowChange>> ReadAsync(TestDatabase database, int commits)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(Token);
        patience.CancelAfter(TimeSpan.FromSeconds(60));
        await using var feed = new SlotFeed(new PostgresSessions(database.Address, "test"), new SlotFeedOptions(database.Name, "p", "puff_sync:"), []);
        var changes = new List<RowChange>();
        await foreach (var batch in feed.ReadAsync(default, 1 << 20, patience.Token))
        {
            changes.AddRange(Enumerable.Range(0, batch.Count).Select(i => batch[i]));
            if (changes.Count(c => c.Kind == ChangeKind.Commit) >= commits)
            {
                break;
            }
        }

        return changes;
    }
}
