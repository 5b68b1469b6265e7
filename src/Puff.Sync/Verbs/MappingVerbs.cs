using System.Globalization;
using Puff.Sync.Migrations;
using Puff.Sync.State;

namespace Puff.Sync.Verbs;

/// <summary>`puff sync end`, `remove` and `reset`.</summary>
public static class MappingVerbs
{
    /// <summary>Writes a migration that ends the mapping, and applies it: documents stay unless the namespace is dropped too.</summary>
    /// <param name="openEngine">Delete the namespace too, with this for engines; null when the documents stay.</param>
    public static async Task<SyncExit> EndAsync(SyncInvocation invocation, string mapping, EngineOpener? openEngine, CancellationToken cancellation)
    {
        var project = invocation.OpenProject();
        var history = project.ReadHistory();
        var live = history.Find(mapping) ?? throw Unknown(mapping, history);
        string space = live.Definition.Target.Namespace;
        if (openEngine is not null && !invocation.ConfirmByName($"Namespace {space} will be deleted.", space))
        {
            return SyncExit.Failed;
        }

        long number = history.Migrations.Max(one => one.Number) + 1;
        string directory = $"{number.ToString("0000", CultureInfo.InvariantCulture)}_end_{mapping}";
        string folder = Path.Combine(project.Folder!, MigrationContent.Folder, directory);
        Directory.CreateDirectory(folder);
        string text = $"format = 1\naction = \"end\"\nmapping = \"{mapping}\"\n" + (openEngine is null ? "" : "drop_namespace = true\n");
        await File.WriteAllTextAsync(Path.Combine(folder, MigrationContent.SettingsFile), text, cancellation);
        SyncExit exit = SyncExit.Failed;
        try
        {
            exit = await ApplyVerb.RunAsync(invocation, new ApplyOptions(From: number, To: number), cancellation);
        }
        finally
        {
            if (exit != SyncExit.Done)
            {
                // Not applied: the next attempt writes it again.
                Directory.Delete(folder, recursive: true);
            }
        }

        if (exit == SyncExit.Done && openEngine is not null)
        {
            var sessions = new ProjectSessions(project);
            await using var state = await sessions.RequireStateAsync(cancellation);
            var ended = (await state.ListMappingsAsync(cancellation)).Where(one => one.Name == mapping && one.Generation == live.Generation);
            await NamespaceDropper.DropAsync(invocation, project, openEngine, ended, cancellation);
        }

        return exit;
    }

    /// <summary>Undoes a mapping that was never released: namespace, state, migrations, in this order; every step may be repeated after a failure.</summary>
    /// <param name="mapping">Null for the one of the last migration.</param>
    public static async Task<SyncExit> RemoveAsync(
        SyncInvocation invocation, string? mapping, bool force, EngineOpener openEngine, CancellationToken cancellation)
    {
        var project = invocation.OpenProject();
        if (project.Environment.IsProduction && !force)
        {
            throw new SyncException(SyncExit.NotAllowed, "production", "A mapping is not removed in production.", "`puff sync end` it, or give --force.");
        }

        project.RequireVariables(needsSource: true, needsDestination: true);
        var sessions = new ProjectSessions(project);
        string[] directories = [.. project.Directories(out _)];
        var migrations = directories.Select(one => MigrationReader.Read(MigrationContent.Collect(project.Folder!, one), project.Environment)).ToList();
        mapping ??= migrations.MaxBy(one => one.Number)?.Mapping;
        await using var state = await sessions.OpenStateAsync(create: false, cancellation);
        IReadOnlyList<MappingRecord> records =
            state is null ? [] : [.. (await state.ListMappingsAsync(cancellation)).Where(one => one.Name == mapping)];
        var own = migrations.Where(one => one.Mapping == mapping).ToList();
        if (mapping is null || (records.Count == 0 && own.Count == 0))
        {
            throw new SyncException(SyncExit.NotFound, "mapping_not_found", $"There is no mapping {mapping ?? "at all"}.");
        }

        if (!invocation.Confirm($"Remove mapping {mapping} with its documents, its state and {own.Count} migration(s)?"))
        {
            return SyncExit.Failed;
        }

        if (state is not null)
        {
            await ProjectSessions.LockAsync(state, invocation.Clock, cancellation);
        }

        await NamespaceDropper.DropAsync(invocation, project, openEngine, records, cancellation);
        await (state?.ForgetMappingAsync(mapping, cancellation) ?? Task.CompletedTask);
        LockEntry[] kept = [.. project.ReadLock().Where(entry => own.All(one => one.Number != entry.Number))];
        if (kept.Length != project.ReadLock().Count)
        {
            LockFile.Write(project.Folder!, kept);
        }

        foreach (var migration in own)
        {
            Directory.Delete(Path.Combine(project.Folder!, MigrationContent.Folder, migration.Directory), recursive: true);
        }

        invocation.Console.Print($"removed {mapping}");
        return SyncExit.Done;
    }

    /// <summary>Forgets position and snapshot progress: the next run starts over. </summary>
    /// <param name="openEngine">Delete the documents too, with this for engines; null when they stay.</param>
    public static async Task<SyncExit> ResetAsync(SyncInvocation invocation, string? mapping, EngineOpener? openEngine, CancellationToken cancellation)
    {
        var project = invocation.OpenProject();
        project.RequireVariables(needsSource: true, needsDestination: openEngine is not null);
        var sessions = new ProjectSessions(project);
        await using var state = await sessions.RequireStateAsync(cancellation);
        MappingRecord[] records =
            [.. (await state.ListMappingsAsync(cancellation)).Where(one => one.Phase != MappingPhase.Ended && (mapping is null || one.Name == mapping))];
        if (mapping is not null && records.Length == 0)
        {
            throw new SyncException(SyncExit.NotFound, "mapping_not_found", $"There is no mapping {mapping}.");
        }

        await ProjectSessions.LockAsync(state, invocation.Clock, cancellation);
        if (!invocation.ConfirmByName($"{records.Length} mapping(s) will start over.", project.Settings.PipelineName))
        {
            return SyncExit.Failed;
        }

        if (openEngine is not null)
        {
            await NamespaceDropper.DropAsync(invocation, project, openEngine, records, cancellation);
        }

        await state.StartOverAsync(mapping, cancellation);
        invocation.Console.Print($"reset {string.Join(", ", records.Select(one => one.Name).Distinct())}");
        return SyncExit.Done;
    }

    private static SyncException Unknown(string mapping, MigrationHistory history) => new(
        SyncExit.NotFound, "mapping_not_found",
        $"There is no live mapping {mapping}{Suggestion.Phrase(mapping, [.. history.Live.Select(one => one.Name)])}.");
}
