using System.Text.Json.Nodes;
using Npgsql;
using Puff.Sync.Changes;
using Puff.Sync.Postgres;
using Puff.Sync.State;

namespace Puff.Sync.Verbs;

/// <summary>`puff sync slot show|create|drop|advance`.</summary>
public static class SlotVerb
{
    public static async Task<SyncExit> ShowAsync(SyncInvocation invocation, CancellationToken cancellation)
    {
        var sessions = Open(invocation);
        await using NpgsqlConnection session = await sessions.OpenSourceAsync(cancellation);
        var slot = await RequireAsync(session, sessions, cancellation);
        var console = invocation.Console;
        if (console.IsForPrograms)
        {
            console.WriteObject(new JsonObject
            {
                ["slot"] = slot.Name, ["plugin"] = slot.Plugin, ["database"] = slot.Database, ["active_pid"] = slot.ActiveProcess,
                ["restart_lsn"] = slot.Restart.ToString(), ["confirmed_flush_lsn"] = slot.Confirmed.ToString(),
                ["wal_status"] = slot.Status.ToString().ToLowerInvariant(), ["retained_bytes"] = slot.RetainedBytes, ["safe_wal_size"] = slot.SafeBytes,
            });
            return SyncExit.Done;
        }

        console.Print($"slot        {slot.Name} ({slot.Plugin}, database {slot.Database})");
        console.Print($"read by     {(slot.ActiveProcess is { } pid ? $"pid {pid}" : "nobody")}");
        console.Print($"confirmed   {slot.Confirmed}");
        console.Print($"keeps       {slot.RetainedBytes:N0} bytes since {slot.Restart} ({slot.Status.ToString().ToLowerInvariant()})");
        console.Print($"may grow    {(slot.SafeBytes is { } safe ? $"{safe:N0} bytes more" : "without limit")}");
        return SyncExit.Done;
    }

    public static async Task<SyncExit> CreateAsync(SyncInvocation invocation, CancellationToken cancellation)
    {
        var sessions = Open(invocation);
        var settings = sessions.Project.Settings.Slot;
        await using (NpgsqlConnection session = await sessions.OpenSourceAsync(cancellation))
        {
            if (await ReplicationSlots.FindAsync(session, settings.Name, cancellation) is { } there)
            {
                ReplicationSlots.Check(there, sessions.Source.Address.Database);
                invocation.Console.Print($"slot {settings.Name} exists");
                return SyncExit.Done;
            }
        }

        bool failover = settings.Failover != Migrations.FailoverSlot.Off;
        var start = await ReplicationSlots.CreateAsync(
            sessions.Source, settings.Name, failover, invocation.Clock, invocation.Console.Warn, cancellation);
        invocation.Console.Print($"slot {settings.Name} created, its stream begins at {start}");
        return SyncExit.Done;
    }

    public static async Task<SyncExit> DropAsync(SyncInvocation invocation, CancellationToken cancellation)
    {
        var sessions = Open(invocation);
        await using NpgsqlConnection session = await sessions.OpenSourceAsync(cancellation);
        var slot = await RequireAsync(session, sessions, cancellation);
        ReplicationSlots.Check(slot, sessions.Source.Address.Database);
        if (!invocation.Confirm($"Drop slot {slot.Name}? Changes since {slot.Confirmed} are then missing, and every mapping needs a snapshot."))
        {
            return SyncExit.Failed;
        }

        await RunAsync(sessions, "dropping the slot", () => ReplicationSlots.DropAsync(session, slot.Name, cancellation));
        invocation.Console.Print($"slot {slot.Name} dropped");
        return SyncExit.Done;
    }

    /// <summary>Skips everything up to a position. Mappings that have not come so far are stale afterwards.</summary>
    public static async Task<SyncExit> AdvanceAsync(SyncInvocation invocation, string to, CancellationToken cancellation)
    {
        if (!Lsn.TryParse(to, out var lsn))
        {
            throw new SyncException(SyncExit.Usage, "usage", $"`{to}` is no position.", "Write it as the server does: 0/16B3748.");
        }

        var sessions = Open(invocation);
        await using NpgsqlConnection session = await sessions.OpenSourceAsync(cancellation);
        var slot = await RequireAsync(session, sessions, cancellation);
        await using var state = await sessions.OpenStateAsync(create: false, cancellation);
        if (state is not null)
        {
            await ProjectSessions.LockAsync(state, invocation.Clock, cancellation);
        }

        if (!invocation.ConfirmByName($"Changes between {slot.Confirmed} and {lsn} will never be seen.", sessions.Project.Settings.PipelineName))
        {
            return SyncExit.Failed;
        }

        // Marked first: should the second step fail, a snapshot too many is read, and nothing is missed.
        foreach (var mapping in state is null ? [] : await state.ListMappingsAsync(cancellation))
        {
            if (mapping.Phase != MappingPhase.Ended && mapping.Position.Commit < lsn)
            {
                await state!.SetPhaseAsync(
                    mapping.Name, mapping.Generation, MappingPhase.Stale, "slot_advanced", $"the slot was advanced to {lsn}", cancellation);
            }
        }

        await RunAsync(sessions, "advancing the slot", () => ReplicationSlots.AdvanceAsync(session, slot.Name, lsn, cancellation));
        invocation.Console.Print($"slot {slot.Name} advanced to {lsn}");
        return SyncExit.Done;
    }

    internal static async Task RunAsync(ProjectSessions sessions, string doing, Func<Task> action)
    {
        try
        {
            await action();
        }
        catch (PostgresException inUse) when (inUse.SqlState == PostgresErrorCodes.ObjectInUse)
        {
            throw new SyncException(SyncExit.Conflict, "slot_in_use", $"{inUse.MessageText}.", "Stop the runner that uses it.", inUse);
        }
        catch (Exception exception) when (PostgresErrors.Translate(exception, sessions.Source.Address, doing) is { } translated)
        {
            throw translated;
        }
    }

    private static ProjectSessions Open(SyncInvocation invocation)
    {
        var project = invocation.OpenProject();
        project.RequireVariables(needsSource: true, needsDestination: false);
        return new ProjectSessions(project);
    }

    private static async Task<SlotFacts> RequireAsync(NpgsqlConnection session, ProjectSessions sessions, CancellationToken cancellation) =>
        await ReplicationSlots.FindAsync(session, sessions.Project.Settings.Slot.Name, cancellation) ?? throw new SyncException(
            SyncExit.NotFound, "slot_not_found", $"There is no slot {sessions.Project.Settings.Slot.Name} on {sessions.Source.Address.Display}.",
            "`puff sync slot create`, or `puff sync run`.");
}
