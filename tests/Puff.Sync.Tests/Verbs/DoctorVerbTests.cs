using Npgsql;
using Puff.Sync.Tests.Migrations;
using Puff.Sync.Verbs;
using Xunit;

namespace Puff.Sync.Tests.Verbs;

/// <summary>Section 24, line 78: `doctor` finds a pooler, missing privileges, other slots that keep log, tables that cannot be mirrored.</summary>
public sealed class DoctorVerbTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_good_setup_has_no_errors()
    {
        await using var fixture = await DatabaseFixture.CreateAsync();
        fixture.Project.WriteMigration("0001_posts", ProjectFolderFixture.Posts);
        var (exit, results) = await RunAsync(fixture);
        Assert.Equal(SyncExit.Done, exit);
        Assert.Equal("ok", results["wal_level"]);
        Assert.Equal("ok", results["privilege_replication"]);
        Assert.Equal("ok", results["slot"]);
    }

    [Fact]
    public async Task Missing_privileges_and_other_slots_are_found()
    {
        await using var fixture = await DatabaseFixture.CreateAsync();
        fixture.Project.WriteMigration("0001_posts", ProjectFolderFixture.Posts);
        await fixture.Database.RunAsync($"SELECT pg_create_logical_replication_slot('{fixture.Database.Name}_other', 'pgoutput')");
        await fixture.Database.RunAsync($"SELECT pg_create_logical_replication_slot('puff_sync_{fixture.Database.Name}', 'test_decoding')");
        await fixture.BecomeRoleAsync();
        var (exit, results) = await RunAsync(fixture);
        Assert.Equal(SyncExit.Failed, exit);
        Assert.Equal("error", results["privilege_replication"]);
        Assert.Equal("error", results["privilege_select"]);
        Assert.Equal("error", results["slot"]);
        Assert.Equal("warning", results["other_slot"]);
    }

    [Fact]
    public async Task Poolers_and_unreachable_servers_are_found()
    {
        await using var fixture = await DatabaseFixture.CreateAsync();
        fixture.Project.Write("sync.toml", fixture.Project.Read("sync.toml") + "\n[source]\nreplication_url = \"postgres://a:b@ep-pooler.example/x\"\n");
        var (exit, results) = await RunAsync(fixture);
        Assert.Equal((SyncExit.Failed, "error"), (exit, results["pooler"]));
        fixture.Project.Variables["DATABASE_URL"] = "postgres://a:b@127.0.0.1:1/x";
        (exit, results) = await RunAsync(fixture);
        Assert.Equal((SyncExit.Temporary, "error"), (exit, results["connection"]));
    }

    [Fact]
    public async Task What_a_slot_waits_for_is_named()
    {
        await using var fixture = await DatabaseFixture.CreateAsync();
        await using var open = await fixture.Database.OpenAsync();
        await using var begin = new NpgsqlCommand("BEGIN; INSERT INTO posts VALUES (1, 'x')", open);
        await begin.ExecuteNonQueryAsync(Token);
        await using var session = await fixture.Database.OpenAsync();
        string? oldest = await Puff.Sync.Postgres.ReplicationSlots.OldestTransactionAsync(session, TimeSpan.Zero, 0, Token);
        Assert.Contains("pid ", oldest, StringComparison.Ordinal);
    }

    private static async Task<(SyncExit Exit, Dictionary<string, string?> Results)> RunAsync(DatabaseFixture fixture)
    {
        var console = new TestConsole { IsForPrograms = true };
        var exit = await DoctorVerb.RunAsync(fixture.Invoke(console), Token);
        var results = new Dictionary<string, string?>();
        foreach (var row in console.Results)
        {
            results[(string)row["check"]!] = (string?)row["result"];
        }

        return (exit, results);
    }
}
