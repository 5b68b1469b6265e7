namespace Puff.Sync.Migrations;

/// <summary>Variables: the process's own win, then those of files in their order.</summary>
internal sealed class SyncEnvironment
{
    public const string NameVariable = "PUFF_ENV";

    private readonly Dictionary<string, string> values;

    private SyncEnvironment(string name, Dictionary<string, string> values, IReadOnlyList<string> files)
    {
        Name = name;
        this.values = values;
        Files = files;
    }

    /// <summary>"development", "test", "production" …</summary>
    public string Name { get; }

    /// <summary>Files that were looked for, as named in messages.</summary>
    public IReadOnlyList<string> Files { get; }

    public IReadOnlyDictionary<string, string> All => values;

    public bool IsProduction => Name == "production";

    public string? Find(string variable) => values.GetValueOrDefault(variable);

    /// <summary>Only what is given: for tests and for processes that have no project.</summary>
    public static SyncEnvironment Of(IReadOnlyDictionary<string, string> values, string name = "development") =>
        new(name, new(values, StringComparer.Ordinal), []);

    /// <param name="process">The process's own variables.</param>
    /// <param name="chosen">`--env`, or null.</param>
    /// <param name="folders">The project's folder, then those above it up to the repository's root.</param>
    /// <param name="listed">`environment_files` of sync.toml, relative to the project: in place of the usual files; later ones win.</param>
    /// <param name="added">`--env-file`: win over all other files, later ones over earlier.</param>
    public static SyncEnvironment Load(
        IReadOnlyDictionary<string, string> process, string? chosen, IReadOnlyList<string> folders, IReadOnlyList<string> listed, IReadOnlyList<string> added)
    {
        string name = chosen ?? process.GetValueOrDefault(NameVariable) ?? "development";
        var values = new Dictionary<string, string>(process, StringComparer.Ordinal);
        foreach (string file in added.Reverse())
        {
            Add(values, file, file, isRequired: true);
        }

        if (listed.Count > 0)
        {
            foreach (string file in listed.Reverse())
            {
                Add(values, Path.Combine(folders[0], file), file, isRequired: true);
            }

            return new SyncEnvironment(name, values, [.. added, .. listed]);
        }

        string[] usual = name == "test" ? [".env.test.local", ".env.test", ".env"] : [$".env.{name}.local", ".env.local", $".env.{name}", ".env"];
        foreach (string file in usual)
        {
            string? folder = folders.FirstOrDefault(one => File.Exists(Path.Combine(one, file)));
            if (folder != null)
            {
                Add(values, Path.Combine(folder, file), file, isRequired: false);
            }
        }

        return new SyncEnvironment(name, values, [.. added, .. usual]);
    }

    private static void Add(Dictionary<string, string> values, string path, string name, bool isRequired)
    {
        if (!File.Exists(path))
        {
            throw isRequired
                ? new SyncException(SyncExit.Usage, "config_invalid", $"The environment file {name} does not exist.")
                : new FileNotFoundException("The file went away", path);
        }

        foreach (var (key, value) in EnvironmentFile.Read(File.ReadAllText(path), name, key => values.GetValueOrDefault(key)))
        {
            values.TryAdd(key, value);
        }
    }
}
