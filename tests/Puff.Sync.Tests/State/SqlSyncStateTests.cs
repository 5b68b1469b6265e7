using Puff.Sync.Changes;
using Puff.Sync.Migrations;
using Puff.Sync.Postgres;
using Puff.Sync.State;
using Puff.Sync.Tests.Postgres;
using Xunit;

namespace Puff.Sync.Tests.State;

/// <summary>The state in a real server's tables (section 24: what lines 48, 53, 63 and 75 rest on; state_too_new).</summary>
public sealed class SqlSyncStateTests
{
    private static readonly DateTimeOffset Noon = new(2026, 5, 1, 12, 0, 0, TimeSpan.Zero);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_pipeline_is_unknown_until_it_is_saved_and_the_lock_alone_does_not_make_it()
    {
        await using var database = await TestDatabase.CreateAsync();
        Assert.Null(await SqlSyncState.OpenAsync(Sessions(database), "puff_sync", "p", create: false, Token));
        await using var state = await OpenAsync(database);
        Assert.True(await state.TryLockAsync(new RunnerRecord(Guid.NewGuid(), "here", 1, Noon), Token));
        Assert.Null(await state.ReadPipelineAsync(Token));
        var record = new PipelineRecord("p", ulong.MaxValue, uint.MaxValue, 3, "slot", "publication");
        await state.SavePipelineAsync(record, Token);
        await state.SaveHeartbeatAsync(Noon, Token);
        var read = await state.ReadPipelineAsync(Token);
        Assert.Equal(record with { Runner = read!.Runner, HeartbeatAt = Noon, CreatedAt = read.CreatedAt }, read);
        Assert.Equal("here", read.Runner!.Host);
    }

    [Fact]
    public async Task One_runner_holds_the_lock_until_it_ends_or_loses_its_connection()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var first = await OpenAsync(database);
        await using var second = await OpenAsync(database);
        await using var other = await OpenAsync(database, "other");
        Assert.True(await first.TryLockAsync(new RunnerRecord(Guid.NewGuid(), "one", 1, Noon), Token));
        Assert.False(await second.TryLockAsync(new RunnerRecord(Guid.NewGuid(), "two", 2, Noon), Token));
        Assert.True(await other.TryLockAsync(new RunnerRecord(Guid.NewGuid(), "other pipeline", 2, Noon), Token));
        Assert.False(first.LockLost.IsCancellationRequested);
        var lost = new TaskCompletionSource();
        await using var registration = first.LockLost.Register(() => lost.SetResult());
        await database.RunAsync(
            $"SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND classid = {0x50554646} AND database = "
            + $"(SELECT oid FROM pg_database WHERE datname = current_database()) AND objid::bigint::bit(32)::int = {SqlSyncState.LockKey("puff_sync", "p")}");
        await lost.Task.WaitAsync(TimeSpan.FromSeconds(30), Token);
        Assert.True(await second.TryLockAsync(new RunnerRecord(Guid.NewGuid(), "two", 2, Noon), Token));
    }

    [Fact]
    public async Task Progress_goes_forward_only_and_counts_add_up()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var state = await OpenAsync(database);
        await state.SavePipelineAsync(new PipelineRecord("p", 1, 2, 3, "s", "p"), Token);
        var mapping = new MappingRecord("posts", 1, 7, "default", "posts", 16400, PlanJson: "{\"a\": 1}");
        await state.SaveMappingAsync(mapping, Token);
        await state.SaveMappingAsync(mapping with { Name = "users" }, Token);
        await state.SaveProgressAsync(
            [
                new MappingProgress("posts", 1, new(new(100), 5), Noon, new(1, 2, 3, 4)),
                new MappingProgress("users", 1, new(new(0xFFFF_FFFF_0000), uint.MaxValue), null, new(1, 0, 0, 0)),
            ],
            new Lsn(90), Token);
        await state.SaveProgressAsync([new MappingProgress("posts", 1, new(new(100), 4), null, new(10, 0, 0, 0))], new Lsn(80), Token);
        var posts = (await state.ListMappingsAsync(Token))[0];
        Assert.Equal(mapping with { Position = new(new(100), 5), PositionTime = Noon, Counts = new(11, 2, 3, 4), PhaseSince = posts.PhaseSince }, posts);
        Assert.Equal(new SyncPosition(new(0xFFFF_FFFF_0000), uint.MaxValue), (await state.ListMappingsAsync(Token))[1].Position);
        Assert.Equal(new Lsn(90), (await state.ReadPipelineAsync(Token))!.Confirmed);

        // Saving a mapping leaves position and counts; a reset does not.
        await state.SaveMappingAsync(mapping with { Namespace = "posts2" }, Token);
        await state.SetPhaseAsync("posts", 1, MappingPhase.Errored, "code", "text", Token);
        posts = (await state.ListMappingsAsync(Token))[0];
        Assert.Equal(("posts2", 11, MappingPhase.Errored, "code"), (posts.Namespace, posts.Counts.Upserted, posts.Phase, posts.ReasonCode));
        await state.ResetPositionAsync("posts", 1, default, Token);
        Assert.Equal(default, (await state.ListMappingsAsync(Token))[0].Position);
    }

    [Fact]
    public async Task Snapshots_and_requests_are_kept_as_they_are()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var state = await OpenAsync(database);
        var snapshot = new SnapshotRecord(
            0, "posts", 1, SnapshotKind.Keys, SnapshotMode.Concurrent, SnapshotState.Requested, new Lsn(5), Upper: ["9", "a\"\\"], Where: "x > 1",
            Keys: [["1", "ü"], ["2", ""]], PageRows: 100, RowsEstimate: 7);
        long id = await state.AddSnapshotAsync(snapshot, Token);
        snapshot = snapshot with { Id = id, State = SnapshotState.Running, Cursor = ["3"], RowsRead = 3, StartedAt = Noon };
        await state.SaveSnapshotAsync(snapshot, Token);
        var read = Assert.Single(await state.ListSnapshotsAsync(openOnly: true, Token));
        Assert.Equal(snapshot.Keys, read.Keys);
        Assert.Equal(snapshot with { Keys = read.Keys, Upper = read.Upper, Cursor = read.Cursor, UpdatedAt = read.UpdatedAt }, read);
        Assert.Equal(["9", "a\"\\"], read.Upper);
        await state.SaveSnapshotAsync(snapshot with { State = SnapshotState.Done, FinishedAt = Noon }, Token);
        Assert.Empty(await state.ListSnapshotsAsync(openOnly: true, Token));
        Assert.Single(await state.ListSnapshotsAsync(openOnly: false, Token));

        long request = await state.AddRequestAsync("pause", "{\"mapping\": \"posts\"}", Token);
        Assert.Equal(request, Assert.Single(await state.TakeRequestsAsync(Token)).Id);
        Assert.Empty(await state.TakeRequestsAsync(Token));
        await state.FinishRequestAsync(request, "{\"ok\": true}", Token);
        Assert.Equal("{\"ok\": true}", (await state.ReadRequestAsync(request, Token))!.ResultJson);
        Assert.Null(await state.ReadRequestAsync(request + 1, Token));
    }

    [Fact]
    public async Task A_second_failure_of_a_document_updates_its_letter()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var state = await OpenAsync(database);
        var letter = new DeadLetter(
            0, "posts", 1, "42", ["42"], "update", new(new(10), 1), LetterStage.Convert, "value_too_long", "too long", null, 1, Noon, Noon, Noon.AddMinutes(1),
            LetterState.Open, "{\"a\": 1}");
        await state.SaveLettersAsync([letter, letter with { DocumentId = "43" }], Token);
        var again = letter with { Code = "not_finite", LastAt = Noon.AddHours(1), FirstAt = Noon.AddHours(1), NextAt = null, State = LetterState.Permanent };
        await state.SaveLettersAsync([again], Token);
        var found = Assert.Single(await state.ListLettersAsync("posts", LetterState.Permanent, 10, Token));
        Assert.Equal(("not_finite", 2, Noon, Noon.AddHours(1)), (found.Code, found.Attempts, found.FirstAt, found.LastAt));
        Assert.Equal(2, (await state.ListLettersAsync(null, null, 10, Token)).Count);
        await state.CloseLettersAsync("posts", 1, ["42"], LetterState.Superseded, Token);
        Assert.Equal(1, await state.CloseLettersAsync([found.Id, found.Id + 1, found.Id - 1], LetterState.Dropped, Token));

        // A closed letter does not stand in the way of a new one.
        await state.SaveLettersAsync([letter, letter], Token);
        Assert.Equal(2, Assert.Single(await state.ListLettersAsync(null, LetterState.Open, 10, Token)).Attempts);
        await state.TrimAsync(Noon.AddDays(1), Token);
        Assert.Single(await state.ListLettersAsync(null, null, 10, Token));
    }

    [Fact]
    public async Task Versions_of_tables_read_back()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var state = await OpenAsync(database);
        ColumnShape[] columns = [new("id", 23, -1, true), new("v\"x", 1043, 24, false)];
        var shape = new RelationShape(uint.MaxValue, "public", "posts", ReplicaIdentity.Full, columns) { Version = 2 };
        await state.SaveRelationVersionAsync(new RelationVersion(shape with { Version = 1 }, new Lsn(1)), Token);
        await state.SaveRelationVersionAsync(new RelationVersion(shape, new Lsn(9)), Token);
        var read = await state.ListRelationVersionsAsync(Token);
        Assert.Equal([1, 2], read.Select(version => version.Shape.Version));
        Assert.True(shape.HasShapeOf(read[1].Shape));
        Assert.Equal(new Lsn(9), read[1].ValidFrom);
    }

    [Fact]
    public async Task A_newer_state_is_refused_and_a_role_that_may_not_create_it_gets_told()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using (var state = await OpenAsync(database))
        {
            await state.SavePipelineAsync(new PipelineRecord("p", 1, 2, 3, "s", "p"), Token);
        }

        await database.RunAsync("UPDATE puff_sync.pipeline SET state_version = 99");
        Assert.Equal("state_too_new", (await Assert.ThrowsAsync<SyncException>(() => OpenAsync(database))).Code);
        string role = $"r_{database.Name}";
        await database.RunAsync($"CREATE ROLE {role} LOGIN PASSWORD 'x'");
        try
        {
            var sessions = new PostgresSessions(database.Address with { User = role, Password = "x" }, "p");
            var refused = await Assert.ThrowsAsync<SyncException>(() => SqlSyncState.OpenAsync(sessions, "other", "p", create: true, Token));
            Assert.Equal(("privilege_state", SyncExit.NotAllowed), (refused.Code, refused.Exit));
        }
        finally
        {
            await database.RunAsync($"DROP ROLE {role}");
        }
    }

    [Fact]
    public async Task A_lost_connection_is_temporary_and_the_next_call_connects_again()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var state = await OpenAsync(database);
        await state.SavePipelineAsync(new PipelineRecord("p", 1, 2, 3, "s", "p"), Token);
        await database.RunAsync(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'puff_sync/p/state' AND datname = current_database()");
        await Assert.ThrowsAsync<StateUnavailableException>(() => state.ReadPipelineAsync(Token));
        Assert.NotNull(await state.ReadPipelineAsync(Token));
        Assert.Empty(await state.ListMigrationsAsync(Token));
    }

    private static PostgresSessions Sessions(TestDatabase database, string pipeline = "p") => new(database.Address, pipeline);

    private static async Task<SqlSyncState> OpenAsync(TestDatabase database, string pipeline = "p") =>
        (await SqlSyncState.OpenAsync(Sessions(database, pipeline), "puff_sync", pipeline, create: true, Token))!;
}
