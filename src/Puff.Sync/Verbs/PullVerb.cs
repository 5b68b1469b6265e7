using System.Text.Json.Nodes;
using Puff.Sync.Migrations;
using Puff.Sync.State;

namespace Puff.Sync.Verbs;

/// <summary>`puff sync pull`: the files of applied migrations as the database keeps them.</summary>
public static class PullVerb
{
    /// <param name="to">Another folder than the project; null for the project.</param>
    public static async Task<SyncExit> RunAsync(SyncInvocation invocation, string? to, bool force, CancellationToken cancellation)
    {
        SyncProject project = to is null ? invocation.OpenProject() : SyncProject.OpenOrDefault(invocation.Search);
        project.RequireVariables(needsSource: true, needsDestination: false);
        await using SqlSyncState state = await new ProjectSessions(project).RequireStateAsync(cancellation);
        IReadOnlyList<AppliedMigration> applied = AppliedMigrations.Of(await state.ListMigrationsAsync(cancellation));
        return Restore(invocation.Console, to is null ? project.Folder! : Path.GetFullPath(to, invocation.WorkingDirectory), applied, force);
    }

    /// <summary>Restores what is missing; what differs on disk is shown, and overwritten only when forced. Whole or not at all.</summary>
    /// <param name="folder">The project, or any folder.</param>
    internal static SyncExit Restore(ISyncConsole console, string folder, IReadOnlyList<AppliedMigration> applied, bool force)
    {
        var files = applied.SelectMany(one => (one.Content ?? throw new ArgumentException($"{one.Directory} comes without its files", nameof(applied))).Files)
            .DistinctBy(file => file.Path).OrderBy(file => file.Path, StringComparer.Ordinal).ToList();
        if (files.Find(file => ModuleImports.Normalise(file.Path) != file.Path || Path.IsPathRooted(file.Path)) is { } stray)
        {
            throw new SyncException(SyncExit.Failed, "stored_content_damaged", $"The stored file {stray.Path} lies outside of a project.");
        }

        var states = files.Select(file => (File: file, State: StateOf(Path.Combine(folder, file.Path), file))).ToList();
        string[] changed = [.. states.Where(one => one.State == "changed").Select(one => one.File.Path)];
        if (changed.Length > 0 && !force)
        {
            ShowDifferences(console, folder, states.Where(one => one.State == "changed").Select(one => one.File));
            throw new SyncException(
                SyncExit.Conflict, "local_changes", $"{string.Join(", ", changed)} differ{(changed.Length == 1 ? "s" : "")} from what was applied.",
                "pull --force overwrites");
        }

        foreach (var (file, state) in states.Where(one => one.State != "same"))
        {
            string full = Path.Combine(folder, file.Path);
            Directory.CreateDirectory(Path.GetDirectoryName(full)!);
            File.WriteAllBytes(full, file.Bytes);
        }

        console.WriteRows([.. states.Select(one => new JsonObject
        {
            ["file"] = one.File.Path, ["action"] = one.State switch { "missing" => "restored", "changed" => "overwritten", _ => "kept" },
        })]);
        return SyncExit.Done;
    }

    private static string StateOf(string path, ContentFile stored) => !File.Exists(path) ? "missing"
        : ContentFile.Normalise(stored.Path, File.ReadAllBytes(path)).Bytes.AsSpan().SequenceEqual(stored.Bytes) ? "same" : "changed";

    private static void ShowDifferences(ISyncConsole console, string folder, IEnumerable<ContentFile> files)
    {
        var text = new System.Text.StringBuilder();
        foreach (ContentFile file in files)
        {
            string[] disk = File.ReadAllText(Path.Combine(folder, file.Path)).ReplaceLineEndings("\n").Split('\n');
            TextDifference.Append(text, file.Path, System.Text.Encoding.UTF8.GetString(file.Bytes).Split('\n'), disk);
        }

        console.Warn(text.ToString().TrimEnd('\n'));
    }
}
