using System.Text.Json.Nodes;
using Puff.Sync.Migrations;
using Puff.Sync.State;

namespace Puff.Sync.Verbs;

/// <summary>Verbs that ask a running pipeline for something, or leave it in the state for the next run.</summary>
public static class RequestVerbs
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    public static Task<SyncExit> PauseAsync(SyncInvocation invocation, string? mapping, bool all, CancellationToken cancellation) =>
        ChangeAsync(invocation, "pause", mapping, all, new JsonObject(), MappingPhase.Paused, cancellation);

    public static Task<SyncExit> ResumeAsync(SyncInvocation invocation, string? mapping, bool all, bool snapshot, CancellationToken cancellation) =>
        ChangeAsync(invocation, "resume", mapping, all, new JsonObject { ["snapshot"] = snapshot }, snapshot ? MappingPhase.Pending : MappingPhase.Streaming,
            cancellation);

    public static async Task<SyncExit> SnapshotAsync(SyncInvocation invocation, string mapping, string? where, CancellationToken cancellation)
    {
        await using SqlSyncState state = await OpenAsync(invocation, cancellation);
        MappingRecord record = (await FindAsync(state, mapping, cancellation))[0];
        if (await state.ReadRunnerAsync(cancellation) is not null)
        {
            var arguments = new JsonObject { ["mapping"] = mapping, ["where"] = where };
            return await AskAsync(invocation, state, "snapshot", arguments, cancellation);
        }

        PipelineRecord? pipeline = await state.ReadPipelineAsync(cancellation);
        long id = await state.AddSnapshotAsync(
            new SnapshotRecord(
                0, mapping, record.Generation, SnapshotKind.Replay, SnapshotMode.Concurrent, SnapshotState.Requested, pipeline?.Confirmed ?? default,
                    Where: where),
            cancellation);
        invocation.Console.Print($"snapshot {id} of {mapping} is recorded; the next run reads it");
        return SyncExit.Done;
    }

    public static async Task<SyncExit> ListSnapshotsAsync(SyncInvocation invocation, CancellationToken cancellation)
    {
        await using SqlSyncState state = await OpenAsync(invocation, cancellation);
        invocation.Console.WriteRows([.. (await state.ListSnapshotsAsync(openOnly: false, cancellation)).Select(s => new JsonObject
        {
            ["id"] = s.Id, ["mapping"] = s.Mapping, ["kind"] = s.Kind.ToString().ToLowerInvariant(), ["state"] = s.State.ToString().ToLowerInvariant(),
            ["rows_read"] = s.RowsRead, ["rows_estimate"] = s.RowsEstimate, ["rows_written"] = s.RowsWritten, ["rows_stale"] = s.RowsStale, ["error"] = s.Error,
        })]);
        return SyncExit.Done;
    }

    internal static async Task<SqlSyncState> OpenAsync(SyncInvocation invocation, CancellationToken cancellation)
    {
        SyncProject project = invocation.OpenProject();
        project.RequireVariables(needsSource: true, needsDestination: false);
        return await new ProjectSessions(project).RequireStateAsync(cancellation);
    }

    /// <summary>Sends a request and waits for its answer.</summary>
    internal static async Task<SyncExit> AskAsync(
        SyncInvocation invocation, SqlSyncState state, string verb, JsonObject arguments, CancellationToken cancellation)
    {
        long id = await state.AddRequestAsync(verb, arguments.ToJsonString(), cancellation);
        DateTimeOffset end = invocation.Clock.GetUtcNow() + Patience;
        while (invocation.Clock.GetUtcNow() < end)
        {
            if (await state.ReadRequestAsync(id, cancellation) is { ResultJson: { } text })
            {
                var result = (JsonObject)JsonNode.Parse(text)!;
                invocation.Console.WriteObject(result);
                return result["ok"]?.GetValue<bool>() == true ? SyncExit.Done : SyncExit.Failed;
            }

            await Task.Delay(TimeSpan.FromMilliseconds(200), invocation.Clock, cancellation);
        }

        throw new SyncException(SyncExit.Temporary, "runner_silent", "The runner did not answer.", "look at `puff sync status` and at its log");
    }

    internal static async Task<IReadOnlyList<MappingRecord>> FindAsync(SqlSyncState state, string? mapping, CancellationToken cancellation)
    {
        MappingRecord[] found = [.. (await state.ListMappingsAsync(cancellation)).Where(m => m.Phase != MappingPhase.Ended && (mapping is null
            || m.Name == mapping))];
        return found.Length > 0 ? found : throw new SyncException(SyncExit.NotFound, "mapping_not_found", $"There is no mapping {mapping}.");
    }

    private static async Task<SyncExit> ChangeAsync(
        SyncInvocation invocation, string verb, string? mapping, bool all, JsonObject arguments, MappingPhase phase, CancellationToken cancellation)
    {
        if (mapping is null && !all)
        {
            throw new SyncException(SyncExit.Usage, "bad_argument", "Which mapping?", "name one, or give --all");
        }

        await using SqlSyncState state = await OpenAsync(invocation, cancellation);
        IReadOnlyList<MappingRecord> records = await FindAsync(state, mapping, cancellation);
        if (await state.ReadRunnerAsync(cancellation) is not null)
        {
            if (mapping is not null)
            {
                arguments["mapping"] = mapping;
            }

            return await AskAsync(invocation, state, verb, arguments, cancellation);
        }

        foreach (MappingRecord record in records)
        {
            await state.SetPhaseAsync(record.Name, record.Generation, phase, null, null, cancellation);
            invocation.Console.Print($"{record.Name}: {phase.ToString().ToLowerInvariant()}");
        }

        return SyncExit.Done;
    }
}
