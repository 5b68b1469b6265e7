using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Puff.Sync.Migrations;

namespace Puff.Sync.Verbs;

/// <summary>
/// `puff sync import`: a project of an earlier system becomes migrations of this one. The code of its transforms is copied unchanged, with the modules it
/// imports, and keeps its call style (`transform.style`).
/// </summary>
public static class ImportVerb
{
    private const string CodeFolder = "lib/imported";

    /// <summary>Writes into the project that is open, which must have no migrations yet: nothing or everything is imported.</summary>
    public static SyncExit Run(SyncInvocation invocation, string directory)
    {
        SyncProject project = invocation.OpenProject();
        if (project.Directories(out _).Count > 0)
        {
            throw new SyncException(SyncExit.Conflict, "project_not_empty", "This project has migrations already.",
                "import into a new one: `puff sync init DIR`");
        }

        string folder = Path.TrimEndingDirectorySeparator(Path.GetFullPath(directory, invocation.WorkingDirectory));
        if (!Directory.Exists(folder))
        {
            throw new SyncException(SyncExit.NotFound, "project_not_found", $"{directory} does not exist.");
        }

        IReadOnlyList<EarlierMigration> earlier = EarlierMigration.ReadAll(folder);
        var files = new SortedDictionary<string, byte[]>(StringComparer.Ordinal);
        var notes = new List<string>();
        AddMigrations(earlier, folder, files, notes);
        foreach (var (path, bytes) in files)
        {
            string full = Path.Combine(project.Folder!, path);
            Directory.CreateDirectory(Path.GetDirectoryName(full)!);
            File.WriteAllBytes(full, bytes);
        }

        SetStyle(project, earlier, notes);
        Report(invocation.Console, files.Keys, notes);
        return SyncExit.Done;
    }

    private static void AddMigrations(IReadOnlyList<EarlierMigration> earlier, string folder, SortedDictionary<string, byte[]> files, List<string> notes)
    {
        var live = new Dictionary<string, EarlierMigration>(StringComparer.Ordinal);
        long last = 0;
        foreach (EarlierMigration one in earlier)
        {
            last = Math.Max(one.Number, last + 1);
            string home = $"{MigrationContent.Folder}/{NumberText(last)}_{one.Name}";
            files[$"{home}/{MigrationContent.SettingsFile}"] = Encoding.UTF8.GetBytes(Settings(one, live.GetValueOrDefault(one.Name)));
            if (one.Transform is { } transform)
            {
                CopyCode(folder, transform, files, notes);
                string code = Encoding.UTF8.GetString(files[$"{CodeFolder}/{transform}"]);
                string target = $"../../{CodeFolder}/{transform}";
                string both = code.Contains("export default", StringComparison.Ordinal) ? $"export {{ default }} from \"{target}\";\n" : "";
                files[$"{home}/transform.ts"] = Encoding.UTF8.GetBytes($"export * from \"{target}\";\n{both}");
                if (!code.Contains("export", StringComparison.Ordinal))
                {
                    notes.Add($"{one.File}: {transform} exports nothing: it must export a function `transform` that takes the changes and returns the actions");
                }
            }

            notes.AddRange(one.Ignored.Select(key => $"{one.File}: `{key}` has no meaning here and was left out"));
            live[one.Name] = one;
        }

        foreach (EarlierMigration ended in earlier.Where(one => one.IsEnded))
        {
            files[$"{MigrationContent.Folder}/{NumberText(++last)}_end_{ended.Name}/{MigrationContent.SettingsFile}"] =
                Encoding.UTF8.GetBytes($"# From a tombstone of {ended.File}.\nformat = 1\nmapping = {MigrationText.Quote(ended.Name)}\naction = \"end\"\n");
        }
    }

    private static string Settings(EarlierMigration one, EarlierMigration? replaced)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"# Imported from {one.File}.\nformat = 1\nmapping = {MigrationText.Quote(one.Name)}\n");
        text.Append(replaced is null ? "" : "action = \"replace\"\n");
        text.Append(CultureInfo.InvariantCulture, $"\n[source]\nschema = {MigrationText.Quote(one.Schema)}\ntable = {MigrationText.Quote(one.Table)}\n");
        if (one.Columns is { Count: > 0 } columns)
        {
            text.Append(CultureInfo.InvariantCulture, $"columns = [{string.Join(", ", columns.Select(MigrationText.Quote))}]\n");
        }

        if (one.Where is { } where)
        {
            text.Append(CultureInfo.InvariantCulture, $"where = {MigrationText.Quote(where)}\n");
        }

        if (one.IdColumn is { } column)
        {
            // Signed integers and the unsigned ids of a namespace are the same numbers where neither is negative.
            string type = one.IdType switch { "int" or "uint" => "uint", "uuid" => "uuid", "string" => "string", _ => "auto" };
            text.Append(CultureInfo.InvariantCulture, $"\n[id]\ncolumns = [{MigrationText.Quote(column)}]\ntype = \"{type}\"\n");
        }

        text.Append(CultureInfo.InvariantCulture, $"\n[target]\nnamespace = {MigrationText.Quote(one.Namespace)}\n");
        text.Append(one.Transform is null
            ? "\n[transform]\nkind = \"none\"\n"
            : "# distance_metric = \"cosine_distance\"   # where the transform returns vectors\n\n[transform]\nkind = \"typescript\"\nids = \"custom\"\n");
        string space = replaced?.Namespace == one.Namespace ? "same" : "new";
        text.Append(replaced is null ? "" : $"\n[replace]\nrows = \"new_changes\"\nnamespace = \"{space}\"\n");
        return text.ToString();
    }

    private static void CopyCode(string folder, string path, SortedDictionary<string, byte[]> files, List<string> notes)
    {
        if (!files.TryAdd($"{CodeFolder}/{path}", File.ReadAllBytes(Path.Combine(folder, path))) || !ModuleImports.IsModule(path))
        {
            return;
        }

        try
        {
            foreach (ModuleImport import in ModuleImports.Find(Encoding.UTF8.GetString(files[$"{CodeFolder}/{path}"]), path))
            {
                CopyCode(folder, ModuleImports.Resolve(path, import, candidate => File.Exists(Path.Combine(folder, candidate))), files, notes);
            }
        }
        catch (SyncException error)
        {
            notes.Add(error.Message);
        }
    }

    /// <summary>The earlier call style, unless the settings name one.</summary>
    private static void SetStyle(SyncProject project, IReadOnlyList<EarlierMigration> earlier, List<string> notes)
    {
        if (earlier.All(one => one.Transform is null))
        {
            return;
        }

        string style = earlier.Any(one => one.File.EndsWith("config.toml", StringComparison.Ordinal)) ? "columns" : "rows";
        string path = Path.Combine(project.Folder!, ProjectSettingsReader.FileName);
        var lines = File.ReadAllText(path).ReplaceLineEndings("\n").Split('\n').ToList();
        int table = lines.FindIndex(line => line.Trim() == "[transform]");
        if (lines.Exists(line => line.TrimStart().StartsWith("style", StringComparison.Ordinal)))
        {
            notes.Add($"{ProjectSettingsReader.FileName} has a transform.style already; the imported code wants \"{style}\"");
            return;
        }

        if (table < 0)
        {
            lines.AddRange(["[transform]", $"style = \"{style}\""]);
        }
        else
        {
            lines.Insert(table + 1, $"style = \"{style}\"             # the imported transforms' own");
        }

        File.WriteAllText(path, string.Join('\n', lines));
    }

    private static void Report(ISyncConsole console, IEnumerable<string> files, List<string> notes)
    {
        if (console.IsForPrograms)
        {
            console.WriteObject(new JsonObject
            {
                ["files"] = new JsonArray([.. files.Select(file => (JsonNode)file)]), ["notes"] = new JsonArray([.. notes.Select(note => (JsonNode)note)]),
            });
            return;
        }

        foreach (string file in files)
        {
            console.Print($"created     {file}");
        }

        foreach (string note in notes)
        {
            console.Warn($"! {note}");
        }

        console.Say("next: look through the migrations, `puff sync check`");
    }

    private static string NumberText(long number) => number.ToString(number <= 9999 ? "0000" : "0000000000000", CultureInfo.InvariantCulture);
}
