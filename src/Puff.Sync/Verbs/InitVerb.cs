using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using Puff.Sync.Migrations;

namespace Puff.Sync.Verbs;

/// <param name="Directory">Null for ./puff-sync, or the project one stands in.</param>
/// <param name="Pipeline">Null asks.</param>
/// <param name="Runtime">node, bun, deno or none; null for node.</param>
/// <param name="Docker">Null asks.</param>
/// <param name="Force">Overwrites what is there.</param>
public sealed record InitOptions(string? Directory = null, string? Pipeline = null, string? Runtime = null, bool? Docker = null, bool Force = false);

/// <summary>`puff sync init`: a project's folder. Repeatable: what exists stays, unless forced.</summary>
public static class InitVerb
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    private static readonly (string Name, string Purpose)[] Variables =
    [
        ("DATABASE_URL", "the source: postgres://user:password@host:5432/database"), ("TURBOPUFFER_API_KEY", "the destination's key"),
        ("TURBOPUFFER_BASE_URL", "the destination's address, or TURBOPUFFER_REGION"), ("PUFF_NAMESPACE_PREFIX", "put before every namespace (optional)"),
    ];

    public static SyncExit Run(SyncInvocation invocation, InitOptions options)
    {
        string folder = FolderOf(invocation, options);
        string pipeline = invocation.Ask("Pipeline name", options.Pipeline, "default", "--pipeline");
        bool docker = options.Docker ?? (!invocation.Console.CanAsk || invocation.AssumeYes
            || invocation.Console.Ask("Write a Dockerfile? [Y/n] ")?.Trim().ToLowerInvariant() is not ("n" or "no"));
        if (pipeline.Length is 0 or > 40 || !Migration.IsName(pipeline))
        {
            throw new SyncException(SyncExit.Usage, "config_invalid", $"\"{pipeline}\" is no pipeline name: 1 to 40 of a-z, 0-9 and _.");
        }

        string runtime = options.Runtime ?? "node";
        var rows = new List<JsonObject>();
        foreach (string inner in new[] { MigrationContent.Folder, "lib", "generated" })
        {
            Directory.CreateDirectory(Path.Combine(folder, inner));
        }

        foreach (var (path, text) in FilesOf(pipeline, runtime, docker))
        {
            rows.Add(Row(path, Write(folder, path, text, options.Force)));
        }

        if (runtime != "none")
        {
            rows.Add(Row("package.json", MergePackage(folder, pipeline)));
        }

        rows.Add(Row(".gitignore", MergeIgnore(folder)));
        Report(invocation, folder, rows);
        return SyncExit.Done;
    }

    private static string FolderOf(SyncInvocation invocation, InitOptions options)
    {
        string here = invocation.WorkingDirectory;
        string chosen = options.Directory ?? invocation.Project ?? (File.Exists(Path.Combine(here, ProjectSettingsReader.FileName)) ? "." : "puff-sync");
        string folder = Path.GetFullPath(chosen, here);
        Directory.CreateDirectory(folder);
        return folder;
    }

    private static IEnumerable<(string Path, string Text)> FilesOf(string pipeline, string runtime, bool docker)
    {
        yield return (ProjectSettingsReader.FileName, Template("sync.toml").Replace("{pipeline}", pipeline, StringComparison.Ordinal)
            .Replace("{runtime}", runtime is "none" or "node" ? "auto" : runtime, StringComparison.Ordinal));
        yield return (".env.example", string.Concat(Variables.Select(one => $"# {one.Purpose}\n{one.Name}=\n")));
        if (runtime != "none")
        {
            yield return ("tsconfig.json", Template("tsconfig.json"));
        }

        if (docker)
        {
            yield return ("Dockerfile", Template(runtime == "none" ? "Dockerfile.plain" : "Dockerfile"));
            yield return (".dockerignore", ".env*\n!.env.example\nnode_modules\n.git\n");
        }
    }

    private static string Write(string folder, string path, string text, bool force)
    {
        string full = Path.Combine(folder, path);
        bool exists = File.Exists(full);
        if (exists && (!force || File.ReadAllText(full) == text))
        {
            return "kept";
        }

        File.WriteAllText(full, text);
        return exists ? "overwritten" : "created";
    }

    /// <summary>Adds what is missing and leaves all else, also under `--force`: the file belongs to the user's code.</summary>
    private static string MergePackage(string folder, string pipeline)
    {
        string path = Path.Combine(folder, "package.json");
        bool exists = File.Exists(path);
        JsonObject package;
        try
        {
            package = exists ? JsonNode.Parse(File.ReadAllText(path)) as JsonObject ?? []
                : new JsonObject { ["name"] = $"puff-sync-{pipeline.Replace('_', '-')}", ["private"] = true };
        }
        catch (JsonException error)
        {
            throw new SyncException(SyncExit.Usage, "config_invalid", $"package.json cannot be read: {error.Message}", inner: error);
        }

        string before = package.ToJsonString();
        package.TryAdd("type", "module");
        if (package["devDependencies"] is not JsonObject development)
        {
            package["devDependencies"] = development = [];
        }

        development.TryAdd("puff-sync", "*");
        if (exists && package.ToJsonString() == before)
        {
            return "kept";
        }

        File.WriteAllText(path, package.ToJsonString(Indented) + "\n");
        return exists ? "merged" : "created";
    }

    private static string MergeIgnore(string folder)
    {
        string path = Path.Combine(folder, ".gitignore");
        string[] lines = File.Exists(path) ? File.ReadAllLines(path) : [];
        string[] missing = [.. new[] { ".env*", "!.env.example", "node_modules/" }.Where(line => !lines.Contains(line))];
        if (missing.Length == 0)
        {
            return "kept";
        }

        File.WriteAllText(path, string.Join('\n', lines.Concat(missing)) + "\n");
        return lines.Length > 0 ? "merged" : "created";
    }

    private static void Report(SyncInvocation invocation, string folder, List<JsonObject> rows)
    {
        SyncProject project = SyncProject.Open(invocation.Search with { Project = folder });
        if (invocation.Console.IsForPrograms)
        {
            invocation.Console.WriteObject(new JsonObject
            {
                ["project"] = folder,
                ["files"] = new JsonArray([.. rows]),
                ["variables"] = new JsonArray(
                    [.. Variables.Select(one => (JsonNode)new JsonObject { ["name"] = one.Name, ["set"] = project.Environment.Find(one.Name) != null })]),
            });
            return;
        }

        foreach (JsonObject row in rows)
        {
            invocation.Console.Print($"{row["action"],-11} {row["file"]}");
        }

        foreach (var (name, purpose) in Variables)
        {
            invocation.Console.Print($"{(project.Environment.Find(name) is { Length: > 0 } ? "set" : "missing"),-11} {name}  {purpose}");
        }

        invocation.Console.Say("next: set the variables in .env.local, `puff sync new`, `puff sync check`, `puff sync apply`, `puff sync run`");
    }

    private static JsonObject Row(string file, string action) => new() { ["file"] = file, ["action"] = action };

    internal static string Template(string name)
    {
        using Stream stream = Assembly.GetExecutingAssembly().GetManifestResourceStream($"Puff.Sync.Templates.{name}")
            ?? throw new InvalidOperationException($"the template {name} is not part of the assembly");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd().ReplaceLineEndings("\n");
    }
}
