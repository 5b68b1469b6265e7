namespace Puff.TestKit.House;

/// <summary>The law as written in ARCHITECTURE.md.</summary>
/// <param name="Assemblies">Name → assemblies and packages it may use.</param>
/// <param name="Rooms">Room of the engine → rooms it may use.</param>
/// <param name="Planned">Rooms marked as not built yet.</param>
/// <param name="Exceptions">(file, rule) pairs that are excused.</param>
internal sealed record ArchitectureTables(
    IReadOnlyDictionary<string, AssemblyRule> Assemblies,
    IReadOnlyDictionary<string, IReadOnlySet<string>> Rooms,
    IReadOnlySet<string> Planned,
    IReadOnlySet<(string File, string Rule)> Exceptions)
{
    /// <summary>Room of the sync → rooms it may use.</summary>
    public IReadOnlyDictionary<string, IReadOnlySet<string>> SyncRooms { get; init; } = new Dictionary<string, IReadOnlySet<string>>();

    public static ArchitectureTables Parse(string markdown)
    {
        var rooms = Table(markdown, "| Room |");
        return new ArchitectureTables(
            Table(markdown, "| Assembly |").ToDictionary(row => row[0], row => new AssemblyRule(Names(row[1]), Names(row[2]))),
            rooms.ToDictionary(row => row[0], row => Names(row[1])),
            rooms.Where(row => row[2].Contains("Not built yet", StringComparison.Ordinal)).Select(row => row[0]).ToHashSet(),
            Table(markdown, "| File |").Select(row => (row[0], row[1])).ToHashSet())
        {
            SyncRooms = Table(markdown, "| Sync room |").ToDictionary(row => row[0], row => Names(row[1])),
        };
    }

    private static IReadOnlySet<string> Names(string cell) =>
        cell.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).ToHashSet(StringComparer.Ordinal);

    /// <summary>The rows below the heading row that begins so, without its ruler.</summary>
    private static List<string[]> Table(string markdown, string heading)
    {
        string[] lines = markdown.Split('\n');
        int start = Array.FindIndex(lines, line => line.StartsWith(heading, StringComparison.Ordinal));
        if (start < 0)
        {
            throw new FormatException($"ARCHITECTURE.md has no table that begins with '{heading}'");
        }

        return lines.Skip(start + 2).TakeWhile(line => line.StartsWith('|'))
            .Select(line => line.Trim().Trim('|').Split('|', StringSplitOptions.TrimEntries)).ToList();
    }
}

internal sealed record AssemblyRule(IReadOnlySet<string> Assemblies, IReadOnlySet<string> Packages);
