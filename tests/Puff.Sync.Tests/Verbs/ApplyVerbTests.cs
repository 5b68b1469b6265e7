using Puff.Sync.Migrations;
using Puff.Sync.Tests.Migrations;
using Puff.Sync.Verbs;
using Xunit;

namespace Puff.Sync.Tests.Verbs;

/// <summary>`apply` against a real server: section 24, lines 6, 7 and 9 to 15; `slot`, `end`, `reset`, and line 77.</summary>
public sealed class ApplyVerbTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>Line 6.</summary>
    [Fact]
    public async Task The_second_apply_finds_nothing_to_do()
    {
        await using var fixture = await DatabaseFixture.CreateAsync();
        fixture.Project.WriteMigration("0001_posts", ProjectFolderFixture.Posts);
        var console = new TestConsole();
        Assert.Equal(SyncExit.Done, await ApplyVerb.RunAsync(fixture.Invoke(console), new ApplyOptions(), Token));
        Assert.Equal(["→ 0001_posts", "applied 0001_posts", "1 applied, 0 unchanged"], console.Printed);
        Assert.Equal("posts", await fixture.Database.AskAsync<string>("SELECT tablename::text FROM pg_publication_tables"));
        Assert.Contains("0001  posts  ", fixture.Project.Read(LockFile.FileName), StringComparison.Ordinal);
        console = new TestConsole();
        Assert.Equal(SyncExit.Done, await ApplyVerb.RunAsync(fixture.Invoke(console), new ApplyOptions(), Token));
        Assert.Equal(["✓ 0001_posts", "0 applied, 1 unchanged"], console.Printed);

        // Files that changed afterwards are refused.
        fixture.Project.WriteMigration("0001_posts", ProjectFolderFixture.Posts + "# changed\n");
        Assert.Equal("migration_changed", await CodeAsync(fixture));
    }

    /// <summary>Line 7.</summary>
    [Fact]
    public async Task A_failing_second_migration_leaves_nothing_applied()
    {
        await using var fixture = await DatabaseFixture.CreateAsync();
        fixture.Project.WriteMigration("0001_posts", ProjectFolderFixture.Posts).WriteMigration("0002_users", "[source]\ntable = \"users\"\n");
        Assert.Equal("table_not_found", await CodeAsync(fixture));
        Assert.Equal(0L, await fixture.Database.AskAsync<long>("SELECT count(*) FROM pg_publication"));
        Assert.Equal(0L, await fixture.Database.AskAsync<long>("SELECT count(*) FROM pg_namespace WHERE nspname = 'puff_sync'"));
        Assert.False(File.Exists(Path.Combine(fixture.Project.Folder, LockFile.FileName)));
    }

    /// <summary>Lines 9 to 14: what preflight refuses, with its code and a word of its text.</summary>
    [Theory]
    [InlineData("[source]\ntable = \"post\"\n", "table_not_found", "public.posts")]
    [InlineData("[source]\ntable = \"posts\"\ncolumns = [\"titel\"]\n", "column_not_found", "title")]
    [InlineData("[source]\ntable = \"posts\"\nwhere = \"titel = 'x'\"\n", "column_not_found", "titel")]
    [InlineData("[source]\ntable = \"posts\"\n[id]\ncolumns = [\"score\"]\n", "id_type", "score")]
    [InlineData("[source]\ntable = \"posts\"\n[id]\ncolumns = [\"slug\"]\n", "id_not_unique", "slug")]
    [InlineData("[source]\ntable = \"posts\"\n[id]\ncolumns = [\"code\"]\n", "id_not_in_identity", "(id)")]
    [InlineData("[source]\ntable = \"events\"\n[id]\ncolumns = [\"x\"]\n", "no_replica_identity", "UPDATE and DELETE")]
    [InlineData("[source]\ntable = \"posts\"\ncolumns = [\"twice\"]\n", "generated_column", "twice")]
    [InlineData("[source]\ntable = \"v_posts\"\n", "table_not_supported", "view")]
    [InlineData("[source]\ntable = \"un\"\n", "table_not_supported", "unlogged")]
    [InlineData("[source]\ntable = \"far\"\n", "table_not_supported", "foreign")]
    public async Task What_cannot_be_mirrored_is_refused(string migration, string code, string word)
    {
        await using var fixture = await DatabaseFixture.CreateAsync("""
            CREATE TABLE posts (id int PRIMARY KEY, title text, slug text NOT NULL, code text NOT NULL UNIQUE, score float8 NOT NULL UNIQUE,
                twice int GENERATED ALWAYS AS (id * 2) STORED);
            CREATE UNIQUE INDEX ON posts (slug) WHERE id > 0; CREATE VIEW v_posts AS SELECT * FROM posts; CREATE UNLOGGED TABLE un (id int PRIMARY KEY);
            CREATE TABLE events (x int NOT NULL UNIQUE); CREATE FOREIGN DATA WRAPPER w; CREATE SERVER s FOREIGN DATA WRAPPER w;
            CREATE FOREIGN TABLE far (id int) SERVER s; ALTER TABLE posts REPLICA IDENTITY DEFAULT
            """);
        fixture.Project.WriteMigration("0001_posts", migration);
        if (code == "id_type")
        {
            await fixture.Database.RunAsync("ALTER TABLE posts REPLICA IDENTITY FULL");
        }

        var refused = await Assert.ThrowsAsync<SyncException>(() => ApplyVerb.RunAsync(fixture.Invoke(new TestConsole()), new ApplyOptions(), Token));
        Assert.Equal(code, refused.Code);
        Assert.Contains(word, refused.Message, StringComparison.Ordinal);
        Assert.Equal(0L, await fixture.Database.AskAsync<long>("SELECT count(*) FROM pg_publication"));
    }

    /// <summary>Line 10, the way out.</summary>
    [Fact]
    public async Task A_table_without_key_is_given_an_identity_when_asked()
    {
        await using var fixture = await DatabaseFixture.CreateAsync("CREATE TABLE events (x int NOT NULL UNIQUE)");
        fixture.Project.WriteMigration("0001_events", "[source]\ntable = \"events\"\n[id]\ncolumns = [\"x\"]\n");
        Assert.Equal(SyncExit.Done, await ApplyVerb.RunAsync(fixture.Invoke(new TestConsole()), new ApplyOptions(SetIdentity: true), Token));
        Assert.Equal("f", await fixture.Database.AskAsync<string>("SELECT relreplident::text FROM pg_class WHERE relname = 'events'"));
    }

    /// <summary>Line 11.</summary>
    [Fact]
    public async Task A_vector_needs_a_metric()
    {
        await using var fixture = await DatabaseFixture.CreateAsync("CREATE TABLE posts (id int PRIMARY KEY, v float4[])");
        fixture.Project.WriteMigration("0001_posts", ProjectFolderFixture.Posts + "[attributes]\ntypes = { v = \"[3]f32\" }\n");
        Assert.Contains(await CodeAsync(fixture), new[] { "vector_metric_missing", "config_invalid" });
    }

    /// <summary>Line 12: an empty table has no sample; one with a bad row is refused, unless no rows are read.</summary>
    [Fact]
    public async Task The_first_row_is_tried()
    {
        await using var fixture = await DatabaseFixture.CreateAsync();
        fixture.Project.WriteMigration("0001_posts", ProjectFolderFixture.Posts);
        var dry = new ApplyOptions(DryRun: true);
        Assert.Equal(SyncExit.Done, await ApplyVerb.RunAsync(fixture.Invoke(new TestConsole()), dry, Token));
        await fixture.Database.RunAsync("INSERT INTO posts VALUES (-5, 'negative')");
        Assert.Equal("negative_id", await CodeAsync(fixture, dry));
        Assert.Equal(SyncExit.Done, await ApplyVerb.RunAsync(fixture.Invoke(new TestConsole()), dry with { NoSample = true }, Token));
    }

    /// <summary>Line 15.</summary>
    [Fact]
    public async Task A_role_that_does_not_own_the_table_gets_the_statements()
    {
        await using var fixture = await DatabaseFixture.CreateAsync();
        fixture.Project.WriteMigration("0001_posts", ProjectFolderFixture.Posts);
        string role = await fixture.BecomeRoleAsync();
        Assert.Equal("privilege_select", await CodeAsync(fixture));
        await fixture.Database.RunAsync($"GRANT SELECT ON posts TO {role}; GRANT CREATE ON DATABASE {fixture.Database.Name} TO {role}");
        var refused = await Assert.ThrowsAsync<SyncException>(() => ApplyVerb.RunAsync(fixture.Invoke(new TestConsole()), new ApplyOptions(), Token));
        Assert.Equal(("privilege_publication", SyncExit.NotAllowed), (refused.Code, refused.Exit));
        Assert.Contains("CREATE PUBLICATION", refused.Remedy, StringComparison.Ordinal);
        Assert.Equal(0L, await fixture.Database.AskAsync<long>("SELECT count(*) FROM puff_sync.migration"));
        var console = new TestConsole();
        Assert.Equal(SyncExit.Done, await ApplyVerb.RunAsync(fixture.Invoke(console), new ApplyOptions(PrintSql: true), Token));
        Assert.Contains(console.Printed, line => line.StartsWith("CREATE PUBLICATION", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Ending_a_mapping_takes_its_table_out_of_the_publication()
    {
        await using var fixture = await DatabaseFixture.CreateAsync();
        fixture.Project.WriteMigration("0001_posts", ProjectFolderFixture.Posts);
        await ApplyVerb.RunAsync(fixture.Invoke(new TestConsole()), new ApplyOptions(), Token);
        Assert.Equal(SyncExit.Done, await MappingVerbs.EndAsync(fixture.Invoke(new TestConsole()), "posts", openEngine: null, Token));
        Assert.Equal(0L, await fixture.Database.AskAsync<long>("SELECT count(*) FROM pg_publication_tables"));
        Assert.Equal("ended", await fixture.Database.AskAsync<string>("SELECT state FROM puff_sync.mapping"));
        var unknown = await Assert.ThrowsAsync<SyncException>(
            () => MappingVerbs.EndAsync(fixture.Invoke(new TestConsole()), "post", openEngine: null, Token));
        Assert.Equal("mapping_not_found", unknown.Code);
    }

    /// <summary>Line 77, and the slot's verbs.</summary>
    [Fact]
    public async Task Teardown_leaves_no_slot_publication_or_schema()
    {
        await using var fixture = await DatabaseFixture.CreateAsync();
        fixture.Project.WriteMigration("0001_posts", ProjectFolderFixture.Posts);
        await ApplyVerb.RunAsync(fixture.Invoke(new TestConsole()), new ApplyOptions(), Token);
        Assert.Equal(SyncExit.Done, await SlotVerb.CreateAsync(fixture.Invoke(new TestConsole()), Token));
        Assert.Equal(SyncExit.Done, await SlotVerb.CreateAsync(fixture.Invoke(new TestConsole()), Token));
        var console = new TestConsole { IsForPrograms = true };
        Assert.Equal(SyncExit.Done, await SlotVerb.ShowAsync(fixture.Invoke(console), Token));
        Assert.Equal("pgoutput", (string?)Assert.Single(console.Results)["plugin"]);
        string end = (await fixture.Database.AskAsync<string>("SELECT pg_current_wal_insert_lsn()::text"))!;
        Assert.Equal(SyncExit.Done, await SlotVerb.AdvanceAsync(fixture.Invoke(new TestConsole()), end, Token));
        Assert.Equal("stale", await fixture.Database.AskAsync<string>("SELECT state FROM puff_sync.mapping"));
        Assert.Equal(SyncExit.Done, await MappingVerbs.ResetAsync(fixture.Invoke(new TestConsole()), null, null, Token));
        Assert.Equal("pending", await fixture.Database.AskAsync<string>("SELECT state FROM puff_sync.mapping"));

        // The wrong name changes nothing; without a terminal a flag is asked for.
        Assert.Equal(SyncExit.Failed, await TeardownVerb.RunAsync(fixture.Invoke(new TestConsole("wrong"), yes: false), keepState: false, null, Token));
        var needed = await Assert.ThrowsAsync<SyncException>(
            () => TeardownVerb.RunAsync(fixture.Invoke(new TestConsole(), yes: false), keepState: false, null, Token));
        Assert.Equal(SyncExit.Usage, needed.Exit);
        Assert.Equal(SyncExit.Done, await TeardownVerb.RunAsync(fixture.Invoke(new TestConsole()), keepState: false, null, Token));
        Assert.Equal(0L, await fixture.Database.AskAsync<long>(
            $"""
            SELECT (SELECT count(*) FROM pg_replication_slots WHERE database = '{fixture.Database.Name}') + (SELECT count(*) FROM pg_publication)
                + (SELECT count(*) FROM pg_namespace WHERE nspname = 'puff_sync')
            """));
        Assert.Equal(SyncExit.Done, await TeardownVerb.RunAsync(fixture.Invoke(new TestConsole()), keepState: false, null, Token));
    }

    /// <summary>Line 76, as far as it goes without failures in between: a second time there is nothing left to remove.</summary>
    [Fact]
    public async Task A_removed_mapping_is_gone_from_files_lock_and_state()
    {
        await using var fixture = await DatabaseFixture.CreateAsync();
        fixture.Project.WriteMigration("0001_posts", ProjectFolderFixture.Posts);
        await ApplyVerb.RunAsync(fixture.Invoke(new TestConsole()), new ApplyOptions(), Token);
        Assert.Equal(SyncExit.Done, await RemoveAsync(fixture, "posts"));
        Assert.Equal(0L, await fixture.Database.AskAsync<long>("SELECT count(*) FROM puff_sync.mapping"));
        Assert.False(Directory.Exists(Path.Combine(fixture.Project.Folder, "migrations/0001_posts")));
        Assert.Equal("mapping_not_found", (await Assert.ThrowsAsync<SyncException>(() => RemoveAsync(fixture, "posts"))).Code);
        fixture.Project.Variables["PUFF_ENV"] = "production";
        Assert.Equal("production", (await Assert.ThrowsAsync<SyncException>(() => RemoveAsync(fixture, "posts"))).Code);
    }

    private static Task<SyncExit> RemoveAsync(DatabaseFixture fixture, string mapping) => MappingVerbs.RemoveAsync(
        fixture.Invoke(new TestConsole()), mapping, force: false, (location, _) => throw new InvalidOperationException(location), Token);

    private static async Task<string> CodeAsync(DatabaseFixture fixture, ApplyOptions? options = null) => (await Assert.ThrowsAsync<SyncException>(
        () => ApplyVerb.RunAsync(fixture.Invoke(new TestConsole()), options ?? new ApplyOptions(), Token))).Code;
}
