using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Puff.Sync.Migrations;

namespace Puff.Sync.Verbs;

/// <param name="Name">Null asks.</param>
/// <param name="Table">"posts" or "blog.posts".</param>
/// <param name="Template">none, typescript, openai, ollama, builtin, csharp.</param>
/// <param name="Replace">The mapping that is replaced.</param>
/// <param name="End">The mapping that is ended.</param>
/// <param name="From">The migration that is copied; moved, when it is not applied and another one has its number.</param>
/// <param name="Number">Null for the next one.</param>
public sealed record NewOptions(
    string? Name = null, string? Table = null, string? Namespace = null, IReadOnlyList<string>? Id = null, IReadOnlyList<string>? Columns = null,
    string? Where = null, string? Template = null, string? Replace = null, string? End = null, string? From = null, long? Number = null,
    IReadOnlyList<string>? EmbedColumns = null);

/// <summary>`puff sync new`: the next migration's directory.</summary>
public static partial class NewVerb
{
    public static IReadOnlyList<string> Templates { get; } = ["none", "typescript", "openai", "ollama", "builtin", "csharp"];

    public static SyncExit Run(SyncInvocation invocation, NewOptions options)
    {
        SyncProject project = invocation.OpenProject();
        IReadOnlyList<string> directories = project.Directories(out _);
        MigrationHistory history = ReadLeniently(project, directories);
        string? source = options.From is null ? null : FindDirectory(directories, options.From);
        string name = NormaliseName(options.Name ?? options.Replace ?? (options.End is { } ended ? $"end_{ended}" : null)
            ?? (source is null ? invocation.Ask("Name of the mapping", null, null, "NAME") : NameOf(source)));
        string directory = $"{NumberText(directories, options.Number, invocation.Clock)}_{name}";
        var files = new Dictionary<string, string>(StringComparer.Ordinal);
        bool isMove = false;
        if (source != null)
        {
            isMove = options.Replace is null && IsRival(directories, source) && !project.ReadLock().Any(entry => entry.Directory == source);
            Copy(project, source, files, options, isMove ? null : options.Replace);
        }
        else
        {
            Create(invocation, history, name, options, files);
        }

        Write(project, directory, files);
        if (isMove)
        {
            Directory.Delete(Path.Combine(project.Folder!, MigrationContent.Folder, source!), recursive: true);
        }

        Report(invocation, directory, name, files);
        return SyncExit.Done;
    }

    /// <summary>Lower case, blanks and dashes as '_', everything else dropped.</summary>
    internal static string NormaliseName(string name)
    {
        var result = new StringBuilder();
        foreach (char letter in name.ToLowerInvariant())
        {
            char? kept = letter is ' ' or '-' ? '_' : char.IsAsciiLetterLower(letter) || char.IsAsciiDigit(letter) || letter == '_' ? letter : null;
            result.Append(kept);
        }

        return result.Length is >= 1 and <= 63
            ? result.ToString()
            : throw new SyncException(SyncExit.Usage, "config_invalid", $"\"{name}\" is no name of a mapping: 1 to 63 of a-z, 0-9 and _ must be left.");
    }

    private static void Create(SyncInvocation invocation, MigrationHistory history, string name, NewOptions options, Dictionary<string, string> files)
    {
        if (options.End is { } ended)
        {
            RequireLive(history, ended);
            files[MigrationContent.SettingsFile] =
                $"format = 1\nmapping = {Quote(ended)}\naction = \"end\"\n# drop_namespace = true   # the documents go too\n";
            return;
        }

        string mapping = options.Replace ?? name;
        if (options.Replace != null)
        {
            RequireLive(history, options.Replace);
        }
        else if (history.Find(name) is { } existing)
        {
            throw new SyncException(
                SyncExit.Conflict, "mapping_exists", $"The mapping {name} exists since {existing.Migration.Directory}.",
                $"`puff sync new --replace {name}`, or another name");
        }

        LiveMapping? replaced = options.Replace is null ? null : history.Find(options.Replace);
        string table = invocation.Ask("Table ([schema.]table)", options.Table ?? TableOf(replaced), null, "--table");
        string space = invocation.Ask("Namespace", options.Namespace, replaced?.Definition.Target.Namespace ?? name, "--namespace");
        string template = invocation.Ask($"Template ({string.Join(", ", Templates)})", options.Template, "none", "--template");
        LiveMapping? rival = history.Live.FirstOrDefault(live => live.Definition.Target.Namespace == space && live.Name != mapping
            && !live.Definition.Target.Shared);
        if (rival != null)
        {
            throw new SyncException(SyncExit.Conflict, "namespace_taken", $"Namespace `{space}` is already written by mapping `{rival.Name}`.",
                "give --namespace");
        }

        if (!Templates.Contains(template))
        {
            throw new SyncException(SyncExit.Usage, "config_invalid", $"There is no template `{template}`{Suggestion.Phrase(template, Templates)}",
                "give --template");
        }

        if (options.Where is { } where)
        {
            RowFilter.Parse(where);
        }

        bool isNewSpace = replaced != null && replaced.Definition.Target.Namespace != space;
        files[MigrationContent.SettingsFile] = MigrationText.Write(mapping, table, space, template, replaced != null, isNewSpace, options);
        if (MigrationText.TransformOf(template, mapping) is { } transform)
        {
            files["transform.ts"] = transform;
        }
    }

    private static void Copy(SyncProject project, string source, Dictionary<string, string> files, NewOptions options, string? replace)
    {
        string folder = Path.Combine(project.Folder!, MigrationContent.Folder, source);
        foreach (string file in Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories))
        {
            files[Path.GetRelativePath(folder, file).Replace('\\', '/')] = File.ReadAllText(file);
        }

        if (!files.TryGetValue(MigrationContent.SettingsFile, out string? settings))
        {
            throw new SyncException(SyncExit.NotFound, "migration_not_found", $"{source} has no {MigrationContent.SettingsFile}.");
        }

        // A copy keeps the mapping's name, which its own directory's name no longer says.
        Match named = MappingLine().Match(settings);
        string mapping = replace ?? (named.Success ? named.Groups[1].Value : NameOf(source));
        settings = SetTopLevel(settings, "mapping", options.Replace is null && options.Name != null ? NormaliseName(options.Name) : mapping);
        files[MigrationContent.SettingsFile] = replace is null ? settings : SetTopLevel(settings, "action", "replace");
    }

    /// <summary>Sets a text above the first table, in place of the one that is there.</summary>
    private static string SetTopLevel(string settings, string key, string value)
    {
        string[] lines = settings.ReplaceLineEndings("\n").Split('\n');
        int firstTable = Array.FindIndex(lines, line => line.TrimStart().StartsWith('['));
        int end = firstTable < 0 ? lines.Length : firstTable;
        int existing = Array.FindIndex(lines, 0, end, line => Regex.IsMatch(line, $@"^\s*{key}\s*="));
        string line = $"{key} = {Quote(value)}";
        return string.Join('\n', existing >= 0 ? [.. lines[..existing], line, .. lines[(existing + 1)..]] : [line, .. lines]);
    }

    private static void Write(SyncProject project, string directory, Dictionary<string, string> files)
    {
        string folder = Path.Combine(project.Folder!, MigrationContent.Folder, directory);
        if (Directory.Exists(folder))
        {
            throw new SyncException(SyncExit.Conflict, "migration_exists", $"{MigrationContent.Folder}/{directory} exists already.",
                "give another name or --number");
        }

        foreach (var (path, text) in files)
        {
            string full = Path.Combine(folder, path);
            Directory.CreateDirectory(Path.GetDirectoryName(full)!);
            File.WriteAllText(full, text);
        }
    }

    private static void Report(SyncInvocation invocation, string directory, string name, Dictionary<string, string> files)
    {
        string path = $"{MigrationContent.Folder}/{directory}";
        if (invocation.Console.IsForPrograms)
        {
            invocation.Console.WriteObject(new JsonObject
            {
                ["migration"] = directory, ["files"] = new JsonArray([.. files.Keys.Order(StringComparer.Ordinal).Select(file => (JsonNode)$"{path}/{file}")]),
            });
            return;
        }

        invocation.Console.Print(path);
        invocation.Console.Say($"edit, then `puff sync dry-run {name}`");
    }

    private static MigrationHistory ReadLeniently(SyncProject project, IReadOnlyList<string> directories)
    {
        var readable = new List<Migration>();
        foreach (string directory in directories)
        {
            try
            {
                readable.Add(MigrationReader.Read(MigrationContent.Collect(project.Folder!, directory), project.Environment));
            }
            catch (SyncException)
            {
                // `check` says what is wrong with it.
            }
        }

        return MigrationHistory.Build(readable);
    }

    private static void RequireLive(MigrationHistory history, string mapping)
    {
        if (history.Find(mapping) is null)
        {
            throw new SyncException(
                SyncExit.NotFound, "mapping_not_found",
                $"There is no mapping `{mapping}`{Suggestion.Phrase(mapping, [.. history.Live.Select(live => live.Name)])}");
        }
    }

    private static string FindDirectory(IReadOnlyList<string> directories, string from) =>
        directories.FirstOrDefault(one => one == from) ?? directories.LastOrDefault(one => NameOf(one) == from)
        ?? throw new SyncException(SyncExit.NotFound, "migration_not_found", $"There is no migration `{from}`{Suggestion.Phrase(from, [.. directories])}");

    private static string NumberText(IReadOnlyList<string> directories, long? chosen, TimeProvider clock)
    {
        long last = directories.Select(NumberOf).DefaultIfEmpty(0).Max();
        if (chosen is { } number && (number <= last || directories.Any(one => NumberOf(one) == number)))
        {
            throw new SyncException(SyncExit.Conflict, "duplicate_migration_number", $"Numbers only grow; the last one is {last}.", "leave --number out");
        }

        long next = chosen ?? last + 1;
        next = next > 9999 && chosen is null ? Math.Max(next, clock.GetUtcNow().ToUnixTimeMilliseconds()) : next;
        return next <= 9999 ? next.ToString("0000", CultureInfo.InvariantCulture) : next.ToString("0000000000000", CultureInfo.InvariantCulture);
    }

    private static bool IsRival(IReadOnlyList<string> directories, string source) => directories.Any(one => one != source && NumberOf(one) == NumberOf(source));

    private static long NumberOf(string directory) => Migration.TryParseDirectory(directory, out long number) ? number : -1;

    private static string NameOf(string directory) => directory[(directory.IndexOf('_', StringComparison.Ordinal) + 1)..];

    private static string? TableOf(LiveMapping? mapping) => mapping?.Definition.Source is { } source ? $"{source.Schema}.{source.Table}" : null;

    private static string Quote(string text) => MigrationText.Quote(text);

    [GeneratedRegex(@"^\s*mapping\s*=\s*[""']([^""']*)[""']", RegexOptions.Multiline)]
    private static partial Regex MappingLine();
}
