using System.Globalization;
using Npgsql;
using Puff.Sync.Changes;
using Puff.Sync.Migrations;
using Puff.Sync.Pipelines;
using Puff.Sync.Postgres;
using Puff.Sync.State;

namespace Puff.Sync.Verbs;

/// <param name="Apply">Apply pending migrations first.</param>
/// <param name="Only">One mapping; null for all.</param>
/// <param name="UntilCaughtUp">End when everything the server had logged at the start is done and no snapshot is open.</param>
/// <param name="Until">End when everything up to this position is done ("0/16B3748").</param>
/// <param name="Wait">Wait for the lock while another runner has it.</param>
/// <param name="UseStored">Run without project files, from what was applied.</param>
/// <param name="NoSnapshot">Read no snapshots.</param>
/// <param name="AcceptSource">Go on with another database than the state belongs to: every mapping starts over.</param>
public sealed record RunOptions(
    bool Apply = false, string? Only = null, bool UntilCaughtUp = false, string? Until = null, bool Wait = false, bool UseStored = false,
        bool NoSnapshot = false,
    bool AcceptSource = false, string? Http = null);

/// <summary>`puff sync run`: feeds the mappings until it is stopped.</summary>
public static class RunVerb
{
    /// <param name="openEngine">For destinations of kind "engine".</param>
    public static async Task<SyncExit> RunAsync(SyncInvocation invocation, RunOptions options, EngineOpener openEngine, CancellationToken stop)
    {
        SyncProject project = options.UseStored ? SyncProject.OpenOrDefault(invocation.Search) : invocation.OpenProject();
        project.RequireVariables(needsSource: true, needsDestination: true);
        if (options.Apply && await ApplyVerb.RunAsync(invocation with { AssumeYes = true }, new ApplyOptions(), stop) is not SyncExit.Done and var refused)
        {
            return refused;
        }

        Lsn? until = options.Until is null ? null : Lsn.TryParse(options.Until, out Lsn parsed) ? parsed
            : throw new SyncException(SyncExit.Usage, "bad_argument", $"--until: `{options.Until}` is no position",
                "give it as the server writes it: 0/16B3748");
        var sessions = new ProjectSessions(project);
        await using SqlSyncState state = (await sessions.OpenStateAsync(create: true, stop))!;
        await LockAsync(state, invocation, options.Wait, stop);
        CheckPending(invocation, project, options, AppliedMigrations.Of(await state.ListMigrationsAsync(stop)));
        var events = new PipelineEvents(invocation.Clock);
        events.Happened += e => Tell(invocation, e);
        await using var setup = new PipelineSetup(project, openEngine, events, invocation.Clock);
        await using var server = new SourceServer(sessions.Source);
        (Lsn confirmed, IReadOnlyList<PipelineMapping> mappings) = await PrepareAsync(invocation, options, sessions, state, server, setup, stop);
        await using var feed = new SlotFeed(
            sessions.Replication, new SlotFeedOptions(project.Settings.Slot.Name, project.Settings.Slot.Publication, "puff_sync:"),
            (await state.ListRelationVersionsAsync(stop)).Select(v => v.Shape));
        await using var rows = new RowSource(sessions.Snapshot, connections: 1 + project.Settings.Snapshot.Parallel);
        PipelineOptions settings = PipelineSetup.OptionsOf(project.Settings);
        var pipeline = new Pipeline(
            settings, new PipelineParts(state, feed, rows, server, invocation.Clock, new Random(), events), project.Settings.Slot.Name,
            Guid.NewGuid().ToString("N")[..12], confirmed);
        Banner(invocation, sessions, project, confirmed, mappings);
        await using PipelineHttp? http = PipelineHttp.Start(options.Http ?? project.Settings.HttpListen, pipeline, invocation.Clock, events);
        await pipeline.RunAsync(mappings, new RunGoal(options.UntilCaughtUp, until, options.NoSnapshot), stop);
        return pipeline.Hosts.Any(h => h.Phase == MappingPhase.Errored) && (options.UntilCaughtUp || until is not null) ? SyncExit.Failed : SyncExit.Done;
    }

    private static async Task LockAsync(SqlSyncState state, SyncInvocation invocation, bool wait, CancellationToken stop)
    {
        while (true)
        {
            try
            {
                await ProjectSessions.LockAsync(state, invocation.Clock, stop);
                return;
            }
            catch (SyncException held) when (wait && held.Code == "runner_locked")
            {
                await Task.Delay(TimeSpan.FromSeconds(1), invocation.Clock, stop);
            }
        }
    }

    /// <summary>Changed files stop the start; pending migrations are an error in production and a warning elsewhere.</summary>
    private static void CheckPending(SyncInvocation invocation, SyncProject project, RunOptions options, IReadOnlyList<AppliedMigration> applied)
    {
        if (options.UseStored || project.Folder is null)
        {
            return;
        }

        var standings = MigrationComparison.Compare(project.ReadContents(), project.ReadLock(), applied);
        if (standings.Select(one => one.Error).FirstOrDefault(error => error is not null) is { } changed)
        {
            throw changed;
        }

        int pending = project.ReadContents().Count(content => applied.All(done => done.Directory != content.Directory));
        if (pending == 0)
        {
            return;
        }

        string text = $"{pending} migration{(pending == 1 ? " is" : "s are")} not applied to this database.";
        if (project.Environment.IsProduction)
        {
            throw new SyncException(SyncExit.Usage, "migrations_pending", text, "`puff sync apply`, or run with --apply");
        }

        invocation.Console.Warn($"warning: {text}");
    }

    private static async Task<(Lsn Confirmed, IReadOnlyList<PipelineMapping> Mappings)> PrepareAsync(
        SyncInvocation invocation, RunOptions options, ProjectSessions sessions, SqlSyncState state, SourceServer server, PipelineSetup setup,
        CancellationToken stop)
    {
        ProjectSettings settings = sessions.Project.Settings;
        await using NpgsqlConnection session = await sessions.OpenSourceAsync(stop);
        IReadOnlyList<PipelineMapping> mappings = await setup.OpenAsync(state, session, options.Only, stop);
        if (mappings.Count == 0)
        {
            throw new SyncException(
                SyncExit.NotFound, "nothing_to_run", options.Only is { } name ? $"There is no mapping \"{name}\" that was applied." : "No mapping was applied.",
                "`puff sync new`, then `puff sync apply`");
        }

        PipelineRecord? known = await state.ReadPipelineAsync(stop);
        SourceIdentity identity = await server.IdentifyAsync(stop);
        SlotFacts? slot = await ReplicationSlots.FindAsync(session, settings.Slot.Name, stop);
        if (slot is not null)
        {
            ReplicationSlots.Check(slot, sessions.Source.Address.Database);
            await ReplicationSlots.WaitUntilFreeAsync(session, sessions.Source, settings.Slot.Name, hasLock: true, invocation.Clock, stop);
        }

        var findings = mappings.Select(m => new MappingFinding(m.Definition.Name, m.Record.Phase, m.Record.Position, m.Record.Counts.Upserted, null)).ToList();
        SlotState? slotState = slot is null ? null : await server.ReadSlotAsync(settings.Slot.Name, stop);
        var checks = new StartChecks(options.AcceptSource, settings.Slot.OnLost == LostSlotPolicy.Resnapshot);
        IReadOnlyList<StaleMapping> stale = checks.Judge(known, identity, slotState, findings);
        bool isNewSlot = slot is null || slotState!.Status == WalStatus.Lost;
        if (slot is not null && isNewSlot)
        {
            await ReplicationSlots.DropAsync(session, settings.Slot.Name, stop);
        }

        Lsn confirmed = isNewSlot
            ? await ReplicationSlots.CreateAsync(
                sessions.Source, settings.Slot.Name, settings.Slot.Failover != FailoverSlot.Off, invocation.Clock, invocation.Console.Warn, stop)
            : slotState!.Confirmed;
        await state.SavePipelineAsync(
            new PipelineRecord(
                settings.PipelineName, identity.SystemIdentifier, identity.DatabaseOid, identity.Timeline, settings.Slot.Name, settings.Slot.Publication),
            stop);
        await state.SaveProgressAsync([], confirmed, stop);
        if (!isNewSlot && mappings.Any(m => m.Record.Phase == MappingPhase.Pending))
        {
            // A transaction that changed a table before it was published is in neither the stream nor an early page. A new slot has waited for it already.
            await Publication.WaitForEarlierTransactionsAsync(
                session, invocation.Clock, oldest => invocation.Console.Warn($"waiting for transaction {oldest}, which is older than the publication"), stop);
        }

        var result = new List<PipelineMapping>();
        foreach (PipelineMapping mapping in mappings)
        {
            result.Add(stale.FirstOrDefault(s => s.Mapping == mapping.Definition.Name) is { } found
                ? await MarkAsync(mapping, found, state, isResnapshot: checks.Resnapshot || checks.AcceptSource, confirmed, stop)
                : mapping);
        }

        return (confirmed, result);
    }

    /// <summary>Stale mappings wait for a snapshot, or begin one at once where the project says so.</summary>
    private static async Task<PipelineMapping> MarkAsync(
        PipelineMapping mapping, StaleMapping found, SqlSyncState state, bool isResnapshot, Lsn confirmed, CancellationToken stop)
    {
        MappingRecord record = mapping.Record;
        MappingPhase phase = isResnapshot ? MappingPhase.Pending : MappingPhase.Stale;
        await state.SetPhaseAsync(record.Name, record.Generation, phase, found.Code, found.Text, stop);
        if (isResnapshot)
        {
            await state.ResetPositionAsync(record.Name, record.Generation, new SyncPosition(confirmed, 0), stop);
        }

        return mapping with { Record = record with { Phase = phase, ReasonCode = found.Code, ReasonText = found.Text } };
    }

    private static void Banner(
        SyncInvocation invocation, ProjectSessions sessions, SyncProject project, Lsn confirmed, IReadOnlyList<PipelineMapping> mappings)
    {
        string version = typeof(RunVerb).Assembly.GetName().Version?.ToString(3) ?? "0.0.0";
        invocation.Console.Say(
            $"puff sync {version}: {sessions.Source.Address.Display}, slot {project.Settings.Slot.Name} at {confirmed}");
        foreach (PipelineMapping mapping in mappings)
        {
            invocation.Console.Say(
                $"  {mapping.Definition.Name}: {mapping.Definition.Source.Schema}.{mapping.Definition.Source.Table} -> "
                + $"{mapping.Definition.Destination}/{mapping.Namespace} "
                + $"({mapping.Record.Phase.ToString().ToLowerInvariant()})");
        }
    }

    private static void Tell(SyncInvocation invocation, PipelineEvent told)
    {
        string mapping = told.Mapping is null ? "" : $" {told.Mapping}";
        string line = string.Create(
            CultureInfo.InvariantCulture, $"{told.At.UtcDateTime:HH:mm:ss.fff} {told.Level} {told.Name}{mapping}: {told.Text}");
        if (told.Level == "info")
        {
            invocation.Console.Say(line);
        }
        else
        {
            invocation.Console.Warn(line);
        }
    }
}
