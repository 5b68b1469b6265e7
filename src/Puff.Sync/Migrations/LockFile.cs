using System.Globalization;
using System.Text;

namespace Puff.Sync.Migrations;

internal sealed record LockEntry(long Number, string Directory, string Hash);

/// <summary>sync.lock: the hashes of applied migrations, one `number  name  hash` a line; kept in version control.</summary>
internal static class LockFile
{
    public const string FileName = "sync.lock";

    private const string Heading = "# Hashes of applied migrations. Written by `puff sync apply`; commit it, do not edit it.";

    public static IReadOnlyList<LockEntry> Read(string project)
    {
        string path = Path.Combine(project, FileName);
        return File.Exists(path) ? Parse(File.ReadAllText(path)) : [];
    }

    public static IReadOnlyList<LockEntry> Parse(string text)
    {
        var entries = new List<LockEntry>();
        string[] lines = text.ReplaceLineEndings("\n").Split('\n');
        for (int line = 0; line < lines.Length; line++)
        {
            string[] parts = lines[line].Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
            if (parts.Length == 0 || parts[0].StartsWith('#'))
            {
                continue;
            }

            if (parts.Length != 3 || !Migration.TryParseDirectory($"{parts[0]}_{parts[1]}", out long number) || !IsHash(parts[2]))
            {
                throw new SyncException(
                    SyncExit.Usage, "config_invalid",
                    $"{FileName}:{line + 1}: not a line of number, name and hash (after a merge: keep the lines of both sides)");
            }

            entries.Add(new LockEntry(number, $"{parts[0]}_{parts[1]}", parts[2]));
        }

        return entries;
    }

    public static string Format(IEnumerable<LockEntry> entries)
    {
        var text = new StringBuilder(Heading).Append('\n');
        foreach (LockEntry entry in entries.OrderBy(entry => entry.Number))
        {
            int split = entry.Directory.IndexOf('_', StringComparison.Ordinal);
            text.Append(CultureInfo.InvariantCulture, $"{entry.Directory[..split]}  {entry.Directory[(split + 1)..]}  {entry.Hash}\n");
        }

        return text.ToString();
    }

    /// <summary>Writes it whole or not at all.</summary>
    public static void Write(string project, IEnumerable<LockEntry> entries)
    {
        string path = Path.Combine(project, FileName);
        File.WriteAllText(path + ".new", Format(entries));
        File.Move(path + ".new", path, overwrite: true);
    }

    private static bool IsHash(string text) => text.Length == 64 && text.All(char.IsAsciiHexDigitLower);
}
