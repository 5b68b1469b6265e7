using Npgsql;
using Puff.Sync.Postgres;
using Puff.Sync.State;

namespace Puff.Sync.Verbs;

/// <summary>`puff sync teardown`: leaves nothing of the pipeline in the database.</summary>
public static class TeardownVerb
{
    /// <param name="openEngine">Delete the namespaces too, with this for engines; null when the documents stay.</param>
    public static async Task<SyncExit> RunAsync(SyncInvocation invocation, bool keepState, EngineOpener? openEngine, CancellationToken cancellation)
    {
        var project = invocation.OpenProject();
        project.RequireVariables(needsSource: true, needsDestination: openEngine is not null);
        var sessions = new ProjectSessions(project);
        var settings = project.Settings;
        await using NpgsqlConnection session = await sessions.OpenSourceAsync(cancellation);
        await using var state = await sessions.OpenStateAsync(create: false, cancellation);
        if (state is not null)
        {
            await ProjectSessions.LockAsync(state, invocation.Clock, cancellation);
        }

        var slot = await ReplicationSlots.FindAsync(session, settings.Slot.Name, cancellation);
        if (slot is not null)
        {
            ReplicationSlots.Check(slot, sessions.Source.Address.Database);
        }

        var publication = await Publication.ReadAsync(session, settings.Slot.Publication, cancellation);
        IReadOnlyList<MappingRecord> mappings = state is null || openEngine is null
            ? []
            : [.. (await state.ListMappingsAsync(cancellation)).DistinctBy(one => (one.Destination, one.Namespace))];
        string[] parts =
        [
            .. slot is null ? (string[])[] : [$"slot {settings.Slot.Name}"],
            .. publication is null ? (string[])[] : [$"publication {settings.Slot.Publication}"],
            .. state is null || keepState ? (string[])[] : [$"schema {settings.State.Schema} with positions and history"],
            .. mappings.Select(one => $"namespace {one.Namespace}"),
        ];
        foreach (string part in parts)
        {
            invocation.Console.Print($"drops {part}");
        }

        if (parts.Length == 0)
        {
            invocation.Console.Print("there is nothing to drop");
            return SyncExit.Done;
        }

        if (!invocation.ConfirmByName("This cannot be undone.", sessions.Source.Address.Database))
        {
            return SyncExit.Failed;
        }

        if (openEngine is not null)
        {
            await NamespaceDropper.DropAsync(invocation, project, openEngine, mappings, cancellation);
        }

        await SlotVerb.RunAsync(sessions, "dropping slot and publication", async () =>
        {
            if (slot is not null)
            {
                await ReplicationSlots.DropAsync(session, settings.Slot.Name, cancellation);
            }

            await Catalog.ScalarAsync(session, Publication.DropSql(settings.Slot.Publication), cancellation);
        });
        if (state is not null && !keepState)
        {
            await state.DropSchemaAsync(cancellation);
        }

        invocation.Console.Print($"dropped: {string.Join(", ", parts)}");
        return SyncExit.Done;
    }
}
