using Puff.Sync.Toml;

namespace Puff.Sync.Migrations;

/// <summary>How a project is looked for and with which variables.</summary>
/// <param name="WorkingDirectory">Where the search begins.</param>
/// <param name="Project">`--project`, or null.</param>
/// <param name="Environment">`--env`, or null.</param>
/// <param name="EnvironmentFiles">`--env-file`.</param>
/// <param name="Variables">The process's own.</param>
internal sealed record ProjectSearch(
    string WorkingDirectory, string? Project, string? Environment, IReadOnlyList<string> EnvironmentFiles, IReadOnlyDictionary<string, string> Variables);

/// <summary>A project's files: settings, variables, migrations, lock.</summary>
internal sealed class SyncProject
{
    private SyncProject(string? folder, SyncEnvironment environment, ProjectSettings settings)
    {
        Folder = folder;
        Environment = environment;
        Settings = settings;
    }

    /// <summary>Absolute; null where there is none (`run --use-stored`).</summary>
    public string? Folder { get; }

    public SyncEnvironment Environment { get; }

    public ProjectSettings Settings { get; }

    /// <exception cref="SyncException">project_not_found, config_invalid.</exception>
    public static SyncProject Open(ProjectSearch search) => Open(search, FindFolder(search) ?? throw new SyncException(
        SyncExit.Usage, "project_not_found", search.Project is { } folder ? $"No sync.toml in {folder}." : "No sync.toml here or above.",
        "`puff sync init`, or pass --project"));

    /// <summary>The project when there is one; else defaults and variables.</summary>
    public static SyncProject OpenOrDefault(ProjectSearch search) => Open(search, FindFolder(search));

    /// <summary>The folder with sync.toml: the given one, or here, in ./puff-sync, or above up to the repository's root; null when there is none.</summary>
    public static string? FindFolder(ProjectSearch search)
    {
        if (search.Project is { } chosen)
        {
            string folder = Path.GetFullPath(chosen, search.WorkingDirectory);
            return HasSettings(folder) ? folder : null;
        }

        string inside = Path.Combine(search.WorkingDirectory, "puff-sync");
        return HasSettings(search.WorkingDirectory) ? search.WorkingDirectory : HasSettings(inside) ? inside
            : FoldersUp(search.WorkingDirectory).FirstOrDefault(HasSettings);
    }

    /// <summary>Names of the directories of migrations/, by their numbers; those that are not named like one come in <paramref name="strays"/>.</summary>
    public IReadOnlyList<string> Directories(out IReadOnlyList<string> strays)
    {
        string folder = Path.Combine(Folder!, MigrationContent.Folder);
        var names = Directory.Exists(folder) ? Directory.EnumerateDirectories(folder).Select(one => Path.GetFileName(one)).ToList() : [];
        strays = [.. names.Where(one => !Migration.TryParseDirectory(one, out _) && !one.StartsWith('.')).Order(StringComparer.Ordinal)];
        return [.. names.Where(one => Migration.TryParseDirectory(one, out _)).OrderBy(NumberOf).ThenBy(one => one, StringComparer.Ordinal)];
    }

    /// <summary>What the migrations on disk consist of.</summary>
    /// <exception cref="SyncException">duplicate_migration_number.</exception>
    public IReadOnlyList<MigrationContent> ReadContents()
    {
        IReadOnlyList<string> directories = Directories(out _);
        ThrowIfDuplicate(directories, [.. ReadLock().Select(entry => entry.Directory)]);
        return [.. directories.Select(directory => MigrationContent.Collect(Folder!, directory))];
    }

    public IReadOnlyList<LockEntry> ReadLock() => Folder is null ? [] : LockFile.Read(Folder);

    /// <summary>All migrations on disk, read and checked; throws the first thing that is wrong.</summary>
    public MigrationHistory ReadHistory()
    {
        MigrationHistory history = MigrationHistory.Build(ReadContents().Select(content => MigrationReader.Read(content, Environment)));
        if (history.Problems.Count > 0)
        {
            throw history.Problems[0].Error;
        }

        foreach (Migration migration in history.Migrations)
        {
            if (CheckDestination(migration) is { } error)
            {
                throw error;
            }
        }

        return history;
    }

    /// <summary>A mapping's destination must be one of sync.toml.</summary>
    public SyncException? CheckDestination(Migration migration) =>
        migration.Definition is not { } definition || Settings.Destinations.ContainsKey(definition.Destination)
            ? CheckNamespace(migration)
            : new SyncException(
                SyncExit.Usage, "config_invalid",
                $"{migration.SettingsPath}: the destination `{definition.Destination}` is not in {ProjectSettingsReader.FileName}" +
                Suggestion.Phrase(definition.Destination, [.. Settings.Destinations.Keys]),
                $"add [destinations.{definition.Destination}]");

    private SyncException? CheckNamespace(Migration migration)
    {
        if (migration.Definition is not { } definition)
        {
            return null;
        }

        DestinationSettings destination = Settings.Destinations[definition.Destination];
        if (destination.DisableBackpressure && definition.VersionCondition == true)
        {
            return new SyncException(
                SyncExit.Usage, "config_invalid",
                $"{migration.SettingsPath}: conditional writes and disable_backpressure of destination `{destination.Name}` exclude each other");
        }

        string stored = destination.StoredName(definition.Target.Namespace, Environment);
        return MigrationReader.NamespaceName().IsMatch(stored) ? null : new SyncException(
            SyncExit.Usage, "config_invalid",
            $"{migration.SettingsPath}: with its prefix the namespace is \"{stored}\"; legal are 1 to 128 of A-Z, a-z, 0-9, -, _ and .");
    }

    /// <summary>The needed variables that are not set, together (section 4).</summary>
    /// <exception cref="SyncException">missing_environment.</exception>
    public void RequireVariables(bool needsSource, bool needsDestination)
    {
        var missing = new List<string>();
        if (needsSource)
        {
            missing.AddRange(Settings.Source.Url.Missing(Environment));
            missing.AddRange(Settings.Source.ReplicationUrl?.Missing(Environment) ?? []);
            missing.AddRange(Settings.State.Url?.Missing(Environment) ?? []);
        }

        foreach (DestinationSettings destination in needsDestination ? Settings.Destinations.Values : [])
        {
            if (destination.Kind == DestinationKind.Turbopuffer)
            {
                missing.AddRange(destination.ApiKey?.Missing(Environment) ?? []);
                bool hasPlace = destination.Url?.Find(Environment) != null || destination.Region?.Find(Environment) != null;
                missing.AddRange(hasPlace ? [] : destination.Url?.Missing(Environment) ?? []);
            }
            else
            {
                missing.AddRange(destination.Path?.Missing(Environment) ?? []);
            }
        }

        if (missing.Count > 0)
        {
            throw new SyncException(
                SyncExit.Usage, "missing_environment",
                $"Needed but not set: {string.Join(", ", missing.Distinct())} (looked in: {string.Join(", ", Environment.Files)}).",
                "set them or pass --env-file");
        }
    }

    internal static void ThrowIfDuplicate(IReadOnlyList<string> directories, IReadOnlyCollection<string> applied)
    {
        foreach (var group in directories.GroupBy(NumberOf).Where(group => group.Count() > 1))
        {
            string[] names = [.. group];
            string movable = names.FirstOrDefault(name => !applied.Contains(name)) ?? names[^1];
            throw new SyncException(
                SyncExit.Usage, "duplicate_migration_number", $"{string.Join(" and ", names)} have the same number.",
                $"renumber the one that is not applied: `puff sync new --from {movable}`");
        }
    }

    private static SyncProject Open(ProjectSearch search, string? folder)
    {
        TomlTable? file = folder is null
            ? null
            : ProjectSettingsReader.ReadToml(File.ReadAllBytes(Path.Combine(folder, ProjectSettingsReader.FileName)), ProjectSettingsReader.FileName);
        SyncEnvironment environment = SyncEnvironment.Load(
            search.Variables, search.Environment, [.. FoldersUp(folder ?? search.WorkingDirectory)], ProjectSettingsReader.EnvironmentFiles(file),
            [.. search.EnvironmentFiles.Select(path => Path.GetFullPath(path, search.WorkingDirectory))]);
        return new SyncProject(folder, environment, ProjectSettingsReader.Read(file, environment));
    }

    private static long NumberOf(string directory) => Migration.TryParseDirectory(directory, out long number) ? number : -1;

    private static bool HasSettings(string folder) => File.Exists(Path.Combine(folder, ProjectSettingsReader.FileName));

    /// <summary>A folder and those above it, up to the one with a repository; without one, only the folder itself.</summary>
    private static List<string> FoldersUp(string folder)
    {
        var folders = new List<string>();
        for (DirectoryInfo? one = new(folder); one != null; one = one.Parent)
        {
            folders.Add(one.FullName);
            if (Path.Exists(Path.Combine(one.FullName, ".git")))
            {
                return folders;
            }
        }

        return [folder];
    }
}
