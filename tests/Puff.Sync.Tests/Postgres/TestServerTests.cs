using Xunit;

namespace Puff.Sync.Tests.Postgres;

/// <summary>The server the other tests rest on.</summary>
public sealed class TestServerTests
{
    [Fact]
    public async Task The_server_decodes_logically_and_a_database_leaves_nothing_behind()
    {
        string name;
        await using (var database = await TestDatabase.CreateAsync("CREATE TABLE t (id int PRIMARY KEY)"))
        {
            name = database.Name;
            Assert.Equal("logical", await database.AskAsync<string>("SHOW wal_level"));
            await database.RunAsync($"SELECT pg_create_logical_replication_slot('{name}', 'pgoutput')");
        }

        await using var other = await TestDatabase.CreateAsync();
        Assert.Equal(0L, await other.AskAsync<long>($"SELECT count(*) FROM pg_replication_slots WHERE slot_name = '{name}'"));
        Assert.Equal(0L, await other.AskAsync<long>($"SELECT count(*) FROM pg_database WHERE datname = '{name}'"));
    }
}
