using System.Text.Json.Nodes;
using Npgsql;
using Puff.Sync.Migrations;
using Puff.Sync.State;

namespace Puff.Sync.Verbs;

/// <summary>`puff sync check`: static rules, hashes, generated files.</summary>
public static class CheckVerb
{
    /// <summary>One line for each migration; the exit status is the gravest of what was found.</summary>
    public static SyncExit RunOffline(SyncInvocation invocation)
    {
        SyncProject project = invocation.OpenProject();
        List<CheckLine> lines = Check(project, applied: null);
        Report(invocation.Console, lines);
        return ExitOf(lines);
    }

    /// <summary>
    /// With the database: what was applied, a preflight of what is pending, and the generated files. A database that does not answer is an error only when
    /// it must be asked.
    /// </summary>
    /// <param name="isRequired">`--online`.</param>
    public static async Task<SyncExit> RunAsync(SyncInvocation invocation, bool isRequired, CancellationToken cancellation)
    {
        SyncProject project = invocation.OpenProject();
        if (!isRequired && project.Settings.Source.Url.Find(project.Environment) is null)
        {
            invocation.Console.Say("the database was not asked: source.url is not set");
            return RunOffline(invocation);
        }

        project.RequireVariables(needsSource: true, needsDestination: false);
        var sessions = new ProjectSessions(project);
        List<CheckLine> lines;
        try
        {
            lines = await CheckOnlineAsync(project, sessions, cancellation);
        }
        catch (SyncException error) when (error.Exit == SyncExit.Temporary && !isRequired)
        {
            invocation.Console.Warn($"the database was not asked: {error.Message}");
            return RunOffline(invocation);
        }

        Report(invocation.Console, lines);
        return ExitOf(lines);
    }

    private static async Task<List<CheckLine>> CheckOnlineAsync(SyncProject project, ProjectSessions sessions, CancellationToken cancellation)
    {
        await using NpgsqlConnection session = await sessions.OpenSourceAsync(cancellation);
        await using SqlSyncState? state = await sessions.OpenStateAsync(create: false, cancellation);
        IReadOnlyList<AppliedMigration> applied = state is null ? [] : AppliedMigrations.Of(await state.ListMigrationsAsync(cancellation));
        List<CheckLine> lines = Check(project, applied);
        if (lines.Any(line => line.Errors.Count > 0))
        {
            return lines;
        }

        MigrationHistory history = project.ReadHistory();
        var preflight = new Preflight(sessions.Source, session, allowRowSecurity: project.Settings.Source.AllowRowSecurity);
        foreach (Migration migration in history.Migrations.Where(one => one.Definition != null && applied.All(done => done.Number != one.Number)))
        {
            int place = lines.FindIndex(line => line.Name == migration.Directory);
            try
            {
                await preflight.CheckAsync(migration.Definition!, sample: false, cancellation);
            }
            catch (SyncException error) when (error.Exit != SyncExit.Temporary)
            {
                lines[place] = lines[place] with { Errors = [error] };
            }
        }

        foreach (LiveMapping live in history.Live)
        {
            string path = $"{GenerateVerb.Folder}/{live.Name}.ts";
            bool isWanted = live.Definition.Transform.Kind == TransformKind.TypeScript || File.Exists(Path.Combine(project.Folder!, path));
            int place = lines.FindIndex(line => line.Name == live.Migration.Directory);
            if (isWanted && lines[place].Errors.Count == 0
                && !GenerateVerb.IsCurrent(project, path, await GenerateVerb.WriteAsync(session, live, cancellation)))
            {
                var stale = new SyncException(SyncExit.Different, "generated_stale", $"{path} is not what the table is now.",
                    $"`puff sync generate {live.Name}`");
                lines[place] = lines[place] with { Errors = [stale] };
            }
        }

        return lines;
    }

    /// <param name="applied">What the database holds; null when it was not asked.</param>
    internal static List<CheckLine> Check(SyncProject project, IReadOnlyList<AppliedMigration>? applied)
    {
        IReadOnlyList<string> directories = project.Directories(out IReadOnlyList<string> strays);
        var lines = new List<CheckLine>();
        try
        {
            SyncProject.ThrowIfDuplicate(directories, [.. project.ReadLock().Select(entry => entry.Directory)]);
        }
        catch (SyncException error)
        {
            return [new CheckLine(MigrationContent.Folder, [error], [])];
        }

        IReadOnlyList<MigrationContent> contents = project.ReadContents();
        var errors = new Dictionary<string, List<SyncException>>(StringComparer.Ordinal);
        MigrationHistory history = ReadHistory(project, contents, errors);
        foreach (MigrationProblem problem in history.Problems)
        {
            Add(errors, problem.Directory, problem.Error);
        }

        foreach (MigrationStatus status in MigrationComparison.Compare(contents, project.ReadLock(), applied))
        {
            if (status.Error is { } error)
            {
                Add(errors, status.Directory, error);
            }

            IReadOnlyList<string> notes = status.Standing == MigrationStanding.NotLocked
                ? [$"{LockFile.FileName} does not list it; `puff sync apply` adds it"] : [];
            lines.Add(new CheckLine(status.Directory, errors.GetValueOrDefault(status.Directory) ?? [], notes));
        }

        string[] unused = [.. FilesWithoutMigration(project, contents), .. strays.Select(stray => $"{MigrationContent.Folder}/{stray}/")];
        return unused.Length == 0 ? lines : [.. lines, new CheckLine("files", [], [.. unused.Select(path => $"{path} belongs to no migration")])];
    }

    internal static void Report(ISyncConsole console, IReadOnlyList<CheckLine> lines)
    {
        if (console.IsForPrograms)
        {
            console.WriteRows([.. lines.Select(ToJson)]);
            return;
        }

        foreach (CheckLine line in lines)
        {
            string mark = line.Errors.Count > 0 ? "✗" : line.Notes.Count > 0 ? "!" : "✓";
            if (line.Errors.Count + line.Notes.Count == 0)
            {
                console.Print($"{mark} {line.Name}");
            }

            foreach (SyncException error in line.Errors)
            {
                console.Print($"{mark} {line.Name}: {error.Code}: {error.Message}{(error.Remedy is { } remedy ? $"\n    → {remedy}" : "")}");
            }

            foreach (string note in line.Notes)
            {
                console.Print($"! {line.Name}: {note}");
            }
        }

        if (lines.Count == 0)
        {
            console.Say("no migrations yet: `puff sync new`");
        }
    }

    internal static SyncExit ExitOf(IEnumerable<CheckLine> lines)
    {
        var exits = lines.SelectMany(line => line.Errors).Select(error => error.Exit).ToList();
        return exits.Contains(SyncExit.Usage) ? SyncExit.Usage : exits.Count == 0 ? SyncExit.Done : exits.Max();
    }

    private static MigrationHistory ReadHistory(
        SyncProject project, IReadOnlyList<MigrationContent> contents, Dictionary<string, List<SyncException>> errors)
    {
        var readable = new List<Migration>();
        foreach (MigrationContent content in contents)
        {
            try
            {
                Migration migration = MigrationReader.Read(content, project.Environment);
                readable.Add(migration);
                if (project.CheckDestination(migration) is { } error)
                {
                    Add(errors, content.Directory, error);
                }
            }
            catch (SyncException error)
            {
                Add(errors, content.Directory, error);
            }
        }

        return MigrationHistory.Build(readable);
    }

    private static IEnumerable<string> FilesWithoutMigration(SyncProject project, IReadOnlyList<MigrationContent> contents)
    {
        var used = contents.SelectMany(content => content.Files).Select(file => file.Path).ToHashSet(StringComparer.Ordinal);
        foreach (string folder in new[] { MigrationContent.Folder, "lib" })
        {
            string full = Path.Combine(project.Folder!, folder);
            IEnumerable<string> files = Directory.Exists(full) ? Directory.EnumerateFiles(full, "*", SearchOption.AllDirectories) : [];
            foreach (string file in files.Order(StringComparer.Ordinal))
            {
                string path = Path.GetRelativePath(project.Folder!, file).Replace('\\', '/');
                bool isHidden = path.Split('/').Any(part => part.StartsWith('.') || part == "node_modules");
                if (!isHidden && !used.Contains(path) && (folder == "lib" || Migration.TryParseDirectory(path.Split('/')[1], out _)))
                {
                    yield return path;
                }
            }
        }
    }

    private static void Add(Dictionary<string, List<SyncException>> errors, string directory, SyncException error)
    {
        if (!errors.TryGetValue(directory, out List<SyncException>? list))
        {
            errors.Add(directory, list = []);
        }

        list.Add(error);
    }

    private static JsonObject ToJson(CheckLine line) => new()
    {
        ["migration"] = line.Name,
        ["ok"] = line.Errors.Count == 0,
        ["errors"] = new JsonArray([.. line.Errors.Select(error => (JsonNode)SyncErrors.ToJson(error))]),
        ["notes"] = new JsonArray([.. line.Notes.Select(note => (JsonNode)note)]),
    };
}

/// <param name="Name">A migration's directory, or what else was looked at.</param>
internal sealed record CheckLine(string Name, IReadOnlyList<SyncException> Errors, IReadOnlyList<string> Notes);
