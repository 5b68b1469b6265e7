using Puff.Sync.Migrations;
using Puff.Sync.Pipelines;
using Puff.Sync.State;
using Xunit;

namespace Puff.Sync.Tests.Pipelines;

/// <summary>
/// Whole pipelines from a real server into the engine. Section 24: 16 (operations), 17, 18, 19 (ids and keys), 20, 21 (filters and large values), 24
/// (truncate),
/// 25 (partitions), 35 (pages), 42 (large values not read yet), 49, 53, 57 (restart), 58, 63, 64 (letters).
/// </summary>
public sealed class PipelineTests
{
    private const string Posts = "CREATE TABLE posts (id int8 PRIMARY KEY, title text, body text, n int4); ALTER TABLE posts ALTER body SET STORAGE EXTERNAL;";

    [Fact]
    public async Task Existing_rows_and_changes_arrive()
    {
        await using PostgresPipeline pipeline = await PostgresPipeline.CreateAsync(Posts
            + "INSERT INTO posts SELECT i, 't' || i, null, i FROM generate_series(1, 25) i");
        pipeline.Options = pipeline.Options with { PageRows = 10 };
        await pipeline.Map("posts").ApplyAsync();
        await pipeline.CatchUpAsync();
        Assert.Equal(25, (await pipeline.ReadAsync("posts", "title", "n")).Count);
        await pipeline.Database.RunAsync("""
            UPDATE posts SET title = 'changed' WHERE id = 1; DELETE FROM posts WHERE id > 3; INSERT INTO posts VALUES (30, 'new', null, 7);
            UPDATE posts SET id = 31 WHERE id = 2; INSERT INTO posts VALUES (32, 'a', null, 1); DELETE FROM posts WHERE id = 32;
            DELETE FROM posts WHERE id = 3; INSERT INTO posts VALUES (3, 'again', null, 9); INSERT INTO posts VALUES (40, 'forty', null, 4)
            """);
        await pipeline.CatchUpAsync();
        Assert.Equal(
            ["1u: 'changed' 1", "3u: 'again' 9", "30u: 'new' 7", "31u: 't2' 2", "40u: 'forty' 4"], (await pipeline.ReadAsync("posts", "title", "n")));
    }

    [Fact]
    public async Task Large_values_survive_updates_that_leave_them_out()
    {
        await using PostgresPipeline pipeline = await PostgresPipeline.CreateAsync(Posts + "INSERT INTO posts VALUES (1, 'a', repeat('x', 9000), 1)");
        await pipeline.Map("posts").ApplyAsync();
        await pipeline.Database.RunAsync("UPDATE posts SET n = 2 WHERE id = 1");
        await pipeline.CatchUpAsync();
        await pipeline.Database.RunAsync(
            "INSERT INTO posts VALUES (2, 'b', repeat('y', 9000), 1); UPDATE posts SET n = 5; UPDATE posts SET id = 3 WHERE id = 1");
        await pipeline.CatchUpAsync();
        Assert.Equal(["2u: 'b' 'yyyyyyyyyyyyyyyyyyy…9002 5", "3u: 'a' 'xxxxxxxxxxxxxxxxxxx…9002 5"], await pipeline.ReadAsync("posts", "title", "body", "n"));
    }

    [Fact]
    public async Task Rows_enter_and_leave_the_filter()
    {
        await using PostgresPipeline pipeline = await PostgresPipeline.CreateAsync(Posts + "INSERT INTO posts VALUES (1, 'a', null, 1), (2, 'b', null, -1)");
        await pipeline.Map("posts", m => m with { Source = m.Source with { Where = "n > 0" } }).ApplyAsync();
        await pipeline.CatchUpAsync();
        Assert.Equal(["1u: 'a'"], await pipeline.ReadAsync("posts", "title"));
        await pipeline.Database.RunAsync("UPDATE posts SET n = -n; INSERT INTO posts VALUES (3, 'c', null, 0), (4, 'd', null, 4)");
        await pipeline.CatchUpAsync();
        Assert.Equal(["2u: 'b'", "4u: 'd'"], await pipeline.ReadAsync("posts", "title"));
    }

    [Theory]
    [InlineData("clear", "5u: 'e'")]
    [InlineData("ignore", "1u: 'a'|5u: 'e'")]
    public async Task A_truncate_clears_or_is_ignored(string policy, string expected)
    {
        await using PostgresPipeline pipeline = await PostgresPipeline.CreateAsync(Posts + "INSERT INTO posts VALUES (1, 'a', null, 1)");
        await pipeline.Map("posts", m => m with { OnTruncate = Enum.Parse<TruncateEvent>(policy, true) }).ApplyAsync();
        await pipeline.CatchUpAsync();
        await pipeline.Database.RunAsync("BEGIN; TRUNCATE posts; INSERT INTO posts VALUES (5, 'e', null, 1); COMMIT");
        await pipeline.CatchUpAsync();
        Assert.Equal(expected.Split('|'), await pipeline.ReadAsync("posts", "title"));
    }

    [Fact]
    public async Task A_truncate_stops_where_that_is_wanted()
    {
        await using PostgresPipeline pipeline = await PostgresPipeline.CreateAsync(Posts + "INSERT INTO posts VALUES (1, 'a', null, 1)");
        await pipeline.Map("posts", m => m with { OnTruncate = TruncateEvent.Stop }).ApplyAsync();
        await pipeline.CatchUpAsync();
        await pipeline.Database.RunAsync("TRUNCATE posts");
        using var limit = new CancellationTokenSource();
        Task running = pipeline.RunAsync(new RunGoal(), limit.Token);
        await WaitForAsync(() => pipeline.Running?.Hosts.Any(h => h.Phase == MappingPhase.Errored) == true);
        limit.Cancel();
        await running;
        Assert.Equal(["1u: 'a'"], await pipeline.ReadAsync("posts", "title"));
        await using SqlSyncState state = await pipeline.OpenStateAsync();
        MappingRecord record = Assert.Single(await state.ListMappingsAsync(CancellationToken.None));
        Assert.Equal(("truncate_stop", MappingPhase.Errored), (record.ReasonCode, record.Phase));
    }

    [Fact]
    public async Task Partitions_arrive_through_their_root()
    {
        await using PostgresPipeline pipeline = await PostgresPipeline.CreateAsync("""
            CREATE TABLE parts (p int8, k int4, v text, PRIMARY KEY (p, k)) PARTITION BY LIST (k);
            CREATE TABLE parts_1 PARTITION OF parts FOR VALUES IN (1); CREATE TABLE parts_2 PARTITION OF parts FOR VALUES IN (2);
            INSERT INTO parts VALUES (1, 1, 'a'), (2, 2, 'b')
            """);
        await pipeline.Map("parts").ApplyAsync();
        await pipeline.CatchUpAsync();
        await pipeline.Database.RunAsync("UPDATE parts SET k = 2 WHERE p = 1; INSERT INTO parts VALUES (3, 1, 'c')");
        await pipeline.CatchUpAsync();
        Assert.Equal(["'1:2': 'a'", "'2:2': 'b'", "'3:1': 'c'"], await pipeline.ReadAsync("parts", "v"));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(10)]
    [InlineData(37)]
    public async Task Snapshots_of_any_size_end(int rows)
    {
        await using PostgresPipeline pipeline = await PostgresPipeline.CreateAsync(Posts
            + $"INSERT INTO posts SELECT i, 't' || i, null, i FROM generate_series(1, {rows}) i");
        pipeline.Options = pipeline.Options with { PageRows = 10 };
        await pipeline.Map("posts").ApplyAsync();
        await pipeline.CatchUpAsync();
        Assert.Equal(rows, (await pipeline.ReadAsync("posts", "title")).Count);
        await using SqlSyncState state = await pipeline.OpenStateAsync();
        Assert.All(await state.ListSnapshotsAsync(openOnly: false, CancellationToken.None), s => Assert.Equal(SnapshotState.Done, s.State));
        Assert.Equal(MappingPhase.Streaming, Assert.Single(await state.ListMappingsAsync(CancellationToken.None)).Phase);
    }

    [Fact]
    public async Task A_snapshot_goes_on_while_the_table_changes()
    {
        await using PostgresPipeline pipeline = await PostgresPipeline.CreateAsync(Posts
            + "INSERT INTO posts SELECT i, 't' || i, null, 0 FROM generate_series(1, 400) i");
        pipeline.Options = pipeline.Options with { PageRows = 20 };
        await pipeline.Map("posts").ApplyAsync();
        Task catchingUp = pipeline.CatchUpAsync();
        var random = new Random(7);
        for (int i = 0; !catchingUp.IsCompleted && i < 200; i++)
        {
            int id = random.Next(1, 420);
            await pipeline.Database.RunAsync(random.Next(4) switch
            {
                0 => $"DELETE FROM posts WHERE id = {id}",
                1 => $"INSERT INTO posts VALUES ({id}, 'i{i}', null, {i}) ON CONFLICT (id) DO UPDATE SET n = {i}",
                2 => $"UPDATE posts SET id = {1000 + i} WHERE id = {id}",
                _ => $"UPDATE posts SET title = 'u{i}', n = {i} WHERE id = {id}",
            });
        }

        await catchingUp;
        await pipeline.CatchUpAsync();
        string? table = await pipeline.Database.AskAsync<string>("SELECT string_agg(id || ':' || title || ':' || n, ',' ORDER BY id) FROM posts");
        IReadOnlyList<string> documents = await pipeline.ReadAsync("posts", "title", "n");
        Assert.Equal(table, string.Join(',', documents.Select(d => d.Replace("u: '", ":", StringComparison.Ordinal).Replace("' ", ":",
            StringComparison.Ordinal))));
    }

    [Fact]
    public async Task One_bad_row_becomes_a_letter_and_its_later_change_settles_it()
    {
        await using PostgresPipeline pipeline = await PostgresPipeline.CreateAsync(Posts
            + "INSERT INTO posts SELECT i, 't' || i, null, i FROM generate_series(-1, 30) i WHERE i <> 0");
        await pipeline.Map("posts").ApplyAsync();
        await pipeline.CatchUpAsync();
        Assert.Equal(30, (await pipeline.ReadAsync("posts", "title")).Count);
        await using SqlSyncState state = await pipeline.OpenStateAsync();
        DeadLetter letter = Assert.Single(await state.ListLettersAsync("posts", null, 10, CancellationToken.None));
        Assert.Equal(("negative_id", LetterState.Permanent, "-1"), (letter.Code, letter.State, letter.DocumentId));
        await pipeline.Database.RunAsync("DELETE FROM posts WHERE id = -1; INSERT INTO posts VALUES (50, 'x', null, 1)");
        await pipeline.CatchUpAsync();
        Assert.Equal(31, (await pipeline.ReadAsync("posts", "title")).Count);
        Assert.NotEqual(LetterState.Permanent, Assert.Single(await state.ListLettersAsync("posts", null, 10, CancellationToken.None)).State);
    }

    [Fact]
    public async Task A_second_runner_is_refused_and_a_graceful_stop_loses_nothing()
    {
        await using PostgresPipeline pipeline = await PostgresPipeline.CreateAsync(Posts);
        await pipeline.Map("posts").ApplyAsync();
        using var stop = new CancellationTokenSource();
        Task running = pipeline.RunAsync(new RunGoal(), stop.Token);
        await WaitForAsync(() => pipeline.Running?.IsConnected == true || pipeline.Running?.Started.Task.IsCompleted == true);
        SyncException refused = await Assert.ThrowsAsync<SyncException>(pipeline.CatchUpAsync);
        Assert.Equal("runner_locked", refused.Code);
        await pipeline.Database.RunAsync("INSERT INTO posts SELECT i, 't', null, i FROM generate_series(1, 500) i");
        stop.Cancel();
        await running;
        await pipeline.CatchUpAsync();
        Assert.Equal(500, (await pipeline.ReadAsync("posts", "n")).Count);
    }

    private static async Task WaitForAsync(Func<bool> condition)
    {
        for (int i = 0; !condition(); i++)
        {
            Assert.True(i < 1_000, "it did not happen");
            await Task.Delay(20, TestContext.Current.CancellationToken);
        }
    }
}
