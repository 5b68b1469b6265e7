using Puff.Sync.Migrations;
using Puff.Sync.Toml;

namespace Puff.Sync.Verbs;

/// <summary>One migration or config of an earlier system, as far as it has a meaning here.</summary>
/// <param name="File">Where it was read, for messages.</param>
/// <param name="Number">Of the file or directory.</param>
/// <param name="Transform">Relative to the earlier project, with '/'; null when there is none.</param>
/// <param name="IsEnded">It has a tombstone.</param>
/// <param name="Ignored">Keys that have no meaning here.</param>
internal sealed record EarlierMigration(
    string File, long Number, string Name, string Namespace, string Schema, string Table, IReadOnlyList<string>? Columns, string? IdColumn, string? IdType,
    string? Where, string? Transform, bool IsEnded, IReadOnlyList<string> Ignored)
{
    private static readonly HashSet<string> Known =
    [
        "version", "mapping_name", "name", "namespace", "columns", "source.schema", "source.table", "id.column", "id.type", "membership.mode",
        "membership.predicate", "filter.predicate", "versioning.mode", "transform.type", "transform.path",
    ];

    /// <summary>All of a project: numbered files in migrations/, or directories with config.toml; in the order of their numbers.</summary>
    public static IReadOnlyList<EarlierMigration> ReadAll(string folder)
    {
        var found = new List<EarlierMigration>();
        string migrations = Path.Combine(folder, "migrations");
        foreach (string file in Directory.Exists(migrations) ? Directory.GetFiles(migrations, "*.toml") : [])
        {
            found.Add(Read(folder, file, Path.GetFileNameWithoutExtension(file), usualTransform: null, isEnded: false));
        }

        foreach (string file in Directory.EnumerateFiles(folder, "config.toml", SearchOption.AllDirectories).Where(IsOurs))
        {
            string directory = Path.GetDirectoryName(file)!;
            found.Add(Read(
                folder, file, Path.GetFileName(directory), Path.Combine(directory, "transform.ts"),
                    System.IO.File.Exists(Path.Combine(directory, "tombstone.toml"))));
        }

        return found.Count > 0
            ? [.. found.OrderBy(one => one.Number).ThenBy(one => one.File, StringComparer.Ordinal)]
            : throw new SyncException(
                SyncExit.NotFound, "project_not_found", $"{folder} holds neither migrations/NUMBER_NAME.toml nor directories with config.toml.",
                    "give the earlier project's folder");
    }

    private static EarlierMigration Read(string folder, string file, string title, string? usualTransform, bool isEnded)
    {
        string shown = Relative(folder, file);
        TomlTable root = ProjectSettingsReader.ReadToml(System.IO.File.ReadAllBytes(file), shown);
        int split = title.IndexOf('_', StringComparison.Ordinal);
        if (split < 0 || !long.TryParse(title.AsSpan(0, split), out long number))
        {
            throw Wrong(shown, "its name does not begin with a number and _");
        }

        string name = Text(root, "name") ?? Text(root, "mapping_name") ?? title[(split + 1)..];
        string? path = Text(root, "transform.path");
        string? transform = path is null ? (System.IO.File.Exists(usualTransform) ? usualTransform : null) : FindTransform(folder, file, path)
            ?? throw Wrong(shown, $"the transform {path} does not exist");
        string? where = Text(root, "membership.predicate") ?? Text(root, "filter.predicate");
        if (where != null)
        {
            RowFilter.Parse(where);
        }

        IReadOnlyList<string>? columns = root.Find("columns") is TomlArray list ? [.. list.Items.OfType<TomlScalar>().Select(item => item.Text)] : null;
        return new EarlierMigration(
            shown, number, NewVerb.NormaliseName(name), Text(root, "namespace") ?? name, Text(root, "source.schema") ?? "public",
            Text(root, "source.table") ?? throw Wrong(shown, "source.table is missing"), columns, Text(root, "id.column"), Text(root, "id.type"), where,
            transform is null ? null : Relative(folder, transform), isEnded, [.. Keys("", root).Where(key => !Known.Contains(key))]);
    }

    /// <summary>Paths were written relative to the file, to the project or to the folder above it.</summary>
    private static string? FindTransform(string folder, string file, string path) =>
        new[] { Path.GetDirectoryName(file)!, folder, Path.GetDirectoryName(folder) ?? folder }
            .Select(one => Path.GetFullPath(path, one))
            .FirstOrDefault(one => System.IO.File.Exists(one) && one.StartsWith(folder + Path.DirectorySeparatorChar, StringComparison.Ordinal));

    private static string? Text(TomlTable root, string path)
    {
        TomlValue? value = root;
        foreach (string part in path.Split('.'))
        {
            value = (value as TomlTable)?.Find(part);
        }

        return (value as TomlScalar)?.Text;
    }

    private static IEnumerable<string> Keys(string prefix, TomlTable table) =>
        table.Entries.SelectMany(entry => entry.Value is TomlTable inner ? Keys($"{prefix}{entry.Key}.", inner) : [prefix + entry.Key]);

    private static bool IsOurs(string file) => !file.Contains("/node_modules/", StringComparison.Ordinal);

    private static string Relative(string folder, string file) => Path.GetRelativePath(folder, file).Replace('\\', '/');

    private static SyncException Wrong(string file, string what) => new(SyncExit.Usage, "config_invalid", $"{file}: {what}");
}
