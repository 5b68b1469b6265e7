using System.Globalization;
using System.Text.Json.Nodes;
using Puff.Sync.Postgres;
using Puff.Sync.State;

namespace Puff.Sync.Verbs;

/// <summary>`puff sync status`: what the state and the slot say; no runner is needed.</summary>
public static class StatusVerb
{
    /// <summary>Failed when a mapping is errored or the slot is lost, for scripts.</summary>
    public static async Task<SyncExit> RunAsync(SyncInvocation invocation, string? mapping, CancellationToken cancellation)
    {
        var project = invocation.OpenProject();
        project.RequireVariables(needsSource: true, needsDestination: false);
        var sessions = new ProjectSessions(project);
        await using SqlSyncState state = await sessions.RequireStateAsync(cancellation);
        MappingRecord[] mappings = [.. (await state.ListMappingsAsync(cancellation)).Where(m => m.Phase != MappingPhase.Ended && (mapping is null
            || m.Name == mapping))];
        if (mapping is not null && mappings.Length == 0)
        {
            throw new SyncException(SyncExit.NotFound, "mapping_not_found", $"There is no mapping {mapping}.");
        }

        await using var server = new SourceServer(sessions.Source);
        SlotState? slot = await server.ReadSlotAsync(project.Settings.Slot.Name, cancellation);
        PipelineRecord? pipeline = await state.ReadPipelineAsync(cancellation);
        RunnerRecord? runner = await state.ReadRunnerAsync(cancellation);
        IReadOnlyList<SnapshotRecord> snapshots = await state.ListSnapshotsAsync(openOnly: true, cancellation);
        IReadOnlyList<DeadLetter> letters = await state.ListLettersAsync(mapping, null, 10_000, cancellation);
        var rows = mappings.Select(m => Describe(m, snapshots, letters)).ToList();
        ulong end = (await server.ReadInsertLsnAsync(cancellation)).Value;
        ulong behind = slot is null ? 0 : (end - Math.Min(end, slot.Confirmed.Value)) / 1024;
        long kept = (slot?.RetainedBytes ?? 0) >> 20;
        if (invocation.Console.IsForPrograms)
        {
            invocation.Console.WriteObject(new JsonObject
            {
                ["pipeline"] = project.Settings.PipelineName,
                ["runner"] = runner is null ? null : new JsonObject
                {
                    ["host"] = runner.Host, ["pid"] = runner.ProcessId, ["since"] = runner.Since.UtcDateTime.ToString("O", CultureInfo.InvariantCulture),
                },
                ["slot"] = slot is null ? null : new JsonObject
                {
                    ["wal_status"] = slot.Status.ToString().ToLowerInvariant(), ["retained_bytes"] = slot.RetainedBytes, ["safe_bytes"] = slot.SafeBytes,
                    ["active"] = slot.IsActive,
                },
                ["confirmed"] = (slot?.Confirmed ?? pipeline?.Confirmed ?? default).ToString(),
                ["lag_bytes"] = slot is null ? null : (long)(end - Math.Min(end, slot.Confirmed.Value)),
                ["heartbeat_at"] = pipeline?.HeartbeatAt?.UtcDateTime.ToString("O", CultureInfo.InvariantCulture),
                ["mappings"] = new JsonArray([.. rows]),
            });
        }
        else
        {
            invocation.Console.Print(runner is null ? "runner   not running"
                : $"runner   {runner.Host} pid {runner.ProcessId} since {runner.Since.UtcDateTime:u}");
            invocation.Console.Print(slot is null ? "slot     none" : (
                $"slot     {project.Settings.Slot.Name} {slot.Status.ToString().ToLowerInvariant()}, confirmed {slot.Confirmed}, "
                + $"{behind} KiB behind, keeps {kept} MiB"));
            invocation.Console.WriteRows(rows);
        }

        return mappings.Any(m => m.Phase == MappingPhase.Errored) || slot?.Status == WalStatus.Lost ? SyncExit.Failed : SyncExit.Done;
    }

    private static JsonObject Describe(MappingRecord mapping, IReadOnlyList<SnapshotRecord> snapshots, IReadOnlyList<DeadLetter> letters)
    {
        SnapshotRecord? snapshot = snapshots.FirstOrDefault(s => s.Mapping == mapping.Name && s.Generation == mapping.Generation);
        string state = mapping.Phase.ToString().ToLowerInvariant();
        if (mapping.Phase == MappingPhase.Snapshot && snapshot is { RowsEstimate: > 0 })
        {
            state = string.Create(CultureInfo.InvariantCulture, $"snapshot {Math.Min(100, 100 * snapshot.RowsRead / snapshot.RowsEstimate)} %");
        }

        return new JsonObject
        {
            ["mapping"] = mapping.Name,
            ["state"] = state,
            ["namespace"] = mapping.Namespace,
            ["position"] = mapping.Position.ToString(),
            ["upserted"] = mapping.Counts.Upserted,
            ["patched"] = mapping.Counts.Patched,
            ["deleted"] = mapping.Counts.Deleted,
            ["skipped"] = mapping.Counts.Skipped,
            ["letters"] = letters.Count(l => l.Mapping == mapping.Name && l.State is LetterState.Open or LetterState.Permanent),
            ["reason"] = mapping.ReasonText,
        };
    }
}
