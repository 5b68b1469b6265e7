using System.Text.RegularExpressions;

namespace Puff.TestKit.House;

/// <summary>
/// The house rules as functions from sources to complaints ("file:line: what is wrong"). They judge text, not symbols: quick, and enough to catch
/// an arrow that points up. A rule that nobody can break proves nothing, so each has a failing sample in its tests.
/// </summary>
internal static partial class HouseRules
{
    public const int MaxLineLength = 160;

    public const int MaxFileLines = 600;

    private const string EngineFolder = "src/Puff.Engine/";

    /// <summary>An assembly with rooms.</summary>
    /// <param name="Folder">Of its sources, with '/' at the end.</param>
    /// <param name="Name">Its namespace.</param>
    /// <param name="Free">The room that every room may use; empty for none.</param>
    private sealed record House(string Folder, string Name, IReadOnlyDictionary<string, IReadOnlySet<string>> Rooms, string Free);

    /// <summary>A room uses only the rooms its row names, by `using` or by qualified name.</summary>
    public static IEnumerable<string> Arrows(ArchitectureTables law, IReadOnlyCollection<SourceFile> sources) =>
        HousesOf(law).SelectMany(house => Arrows(house, sources));

    /// <summary>Every folder of an assembly with rooms is a room of its table and the other way round; a file's namespace is its folder.</summary>
    public static IEnumerable<string> Rooms(ArchitectureTables law, IReadOnlyCollection<SourceFile> sources) =>
        HousesOf(law).SelectMany(house => Rooms(house, law.Planned, sources));

    private static IEnumerable<House> HousesOf(ArchitectureTables law) =>
        new House[] { new(EngineFolder, "Puff.Engine", law.Rooms, "Diagnostics"), new("src/Puff.Sync/", "Puff.Sync", law.SyncRooms, "") }
            .Where(house => house.Rooms.Count > 0);

    private static IEnumerable<string> Arrows(House house, IReadOnlyCollection<SourceFile> sources)
    {
        var types = house.Rooms.Keys.ToDictionary(room => room, room => DeclaredTypes(sources.Where(file => RoomOf(file.Path, house.Folder) == room)));
        foreach (SourceFile file in sources)
        {
            string? room = RoomOf(file.Path, house.Folder);
            if (string.IsNullOrEmpty(room) || !house.Rooms.TryGetValue(room, out var allowed))
            {
                continue;
            }

            for (int line = 0; line < file.Code.Length; line++)
            {
                foreach (string used in RoomsUsed(file.Code[line], house.Name, types).Distinct())
                {
                    if (used != room && used != house.Free && !allowed.Contains(used))
                    {
                        yield return $"{file.Path}:{line + 1}: {room} may not use {used} (ARCHITECTURE.md)";
                    }
                }
            }
        }
    }

    private static IEnumerable<string> Rooms(House house, IReadOnlySet<string> planned, IReadOnlyCollection<SourceFile> sources)
    {
        var found = sources.Select(file => RoomOf(file.Path, house.Folder)).Where(room => !string.IsNullOrEmpty(room)).Select(room => room!).ToHashSet();
        foreach (string room in found.Where(room => !house.Rooms.ContainsKey(room)))
        {
            yield return $"{house.Folder}{room}: the room table of ARCHITECTURE.md has no row for this folder";
        }

        foreach (string room in house.Rooms.Keys.Where(room => found.Contains(room) == planned.Contains(room)))
        {
            yield return found.Contains(room)
                ? $"ARCHITECTURE.md: room {room} is marked as not built yet, but has sources"
                : $"ARCHITECTURE.md: room {room} has no folder in {house.Folder}";
        }

        foreach (SourceFile file in sources.Where(file => RoomOf(file.Path, house.Folder) != null))
        {
            string expected = $"{house.Name}.{RoomOf(file.Path, house.Folder)}".TrimEnd('.');
            int line = Array.FindIndex(file.Code, code => code.StartsWith("namespace ", StringComparison.Ordinal));
            if (line >= 0 && file.Code[line].Trim() != $"namespace {expected};")
            {
                yield return $"{file.Path}:{line + 1}: the namespace of this folder is {expected}";
            }
        }
    }

    /// <summary>Only Encoding and Formats take stored bytes apart.</summary>
    public static IEnumerable<string> Bytes(ArchitectureTables law, IEnumerable<SourceFile> sources) =>
        Forbidden(
            law,
            "bytes",
            sources.Where(file => RoomOf(file.Path) is not (null or "Encoding" or "Formats")),
            StoredBytes(),
            "only Encoding and Formats know the bytes of stored objects");

    /// <summary>Only Storage touches files and the network.</summary>
    public static IEnumerable<string> InputOutput(ArchitectureTables law, IEnumerable<SourceFile> sources) =>
        Forbidden(
            law,
            "io",
            sources.Where(file => RoomOf(file.Path) is not (null or "Storage")),
            FilesAndSockets(),
            "only Storage does file or network I/O");

    /// <summary>No unfinished work in the product, no tests that do not run.</summary>
    public static IEnumerable<string> Unfinished(ArchitectureTables law, IReadOnlyCollection<SourceFile> sources)
    {
        foreach (SourceFile file in sources.Where(file => file.Path.StartsWith("src/", StringComparison.Ordinal)))
        {
            for (int line = 0; line < file.Lines.Length; line++)
            {
                if (UnfinishedMark().IsMatch(file.Lines[line]))
                {
                    yield return $"{file.Path}:{line + 1}: unfinished work; finish it or leave it out";
                }
            }
        }

        var tests = sources.Where(file => file.Path.StartsWith("tests/", StringComparison.Ordinal));
        foreach (string complaint in Forbidden(law, "skip", tests, SkippedTest(), "a test that does not run proves nothing"))
        {
            yield return complaint;
        }
    }

    /// <summary>Lines and files fit a reader.</summary>
    public static IEnumerable<string> Sizes(ArchitectureTables law, IEnumerable<SourceFile> sources)
    {
        foreach (SourceFile file in sources)
        {
            if (file.Lines.Length > MaxFileLines && !law.Exceptions.Contains((file.Path, "size")))
            {
                yield return $"{file.Path}: {file.Lines.Length} lines; a file has at most {MaxFileLines}";
            }

            bool isTest = file.Path.StartsWith("tests/", StringComparison.Ordinal);
            for (int line = 0; line < file.Lines.Length; line++)
            {
                // Requests and answers in a test are easier to compare when they stand on one line: there, literals do not count.
                int length = isTest ? Literal().Replace(file.Code[line], " ").TrimEnd().Length : file.Lines[line].Length;
                if (length > MaxLineLength)
                {
                    yield return $"{file.Path}:{line + 1}: {length} characters; a line has at most {MaxLineLength}";
                }
            }
        }
    }

    /// <summary>Assemblies refer to what their row names, and the engine shows its insides to tests and benchmarks only.</summary>
    public static IEnumerable<string> References(ArchitectureTables law, IEnumerable<SourceFile> projects)
    {
        foreach (SourceFile project in projects)
        {
            string name = Path.GetFileNameWithoutExtension(project.Path);
            if (!law.Assemblies.TryGetValue(name, out AssemblyRule? rule))
            {
                yield return $"{project.Path}: the assembly table of ARCHITECTURE.md has no row for {name}";
                continue;
            }

            for (int line = 0; line < project.Lines.Length; line++)
            {
                Match match = Reference().Match(project.Lines[line]);
                bool isProject = match.Groups["kind"].Value == "Project";
                string target = isProject ? Path.GetFileNameWithoutExtension(match.Groups["what"].Value) : match.Groups["what"].Value;
                bool allowed = !match.Success || (isProject ? rule.Assemblies : rule.Packages).Contains(target);
                if (!allowed)
                {
                    yield return $"{project.Path}:{line + 1}: {name} may not use {target} (ARCHITECTURE.md)";
                }

                if (law.Assemblies.Keys.Any(other => project.Lines[line].Contains($"InternalsVisibleTo Include=\"{other}\"", StringComparison.Ordinal)))
                {
                    yield return $"{project.Path}:{line + 1}: assemblies of the product see only what is public";
                }
            }
        }
    }

    /// <summary>The room of a file of the engine: its folder, "" for the front door, null outside the engine.</summary>
    private static string? RoomOf(string path) => RoomOf(path, EngineFolder);

    private static string? RoomOf(string path, string folder)
    {
        if (!path.StartsWith(folder, StringComparison.Ordinal))
        {
            return null;
        }

        int slash = path.IndexOf('/', folder.Length);
        return slash < 0 ? string.Empty : path[folder.Length..slash];
    }

    private static IEnumerable<string> RoomsUsed(string code, string name, Dictionary<string, HashSet<string>> types)
    {
        foreach (Match match in UsingRoom().Matches(code).Where(match => match.Groups[1].Value == name))
        {
            yield return match.Groups[2].Value;
        }

        // "Queries.VectorRank" inside namespace Puff.Engine.Namespaces: a name relative to Puff.Engine. A member that happens to be called like a room
        // is no arrow, so the next word must be a type of that room.
        foreach (Match match in QualifiedName().Matches(code))
        {
            if (types.TryGetValue(match.Groups[1].Value, out var names) && names.Contains(match.Groups[2].Value))
            {
                yield return match.Groups[1].Value;
            }
        }
    }

    private static HashSet<string> DeclaredTypes(IEnumerable<SourceFile> files) =>
        files.SelectMany(file => file.Code).SelectMany(code => Declaration().Matches(code)).Select(match => match.Groups[1].Value).ToHashSet();

    private static IEnumerable<string> Forbidden(ArchitectureTables law, string rule, IEnumerable<SourceFile> files, Regex pattern, string message)
    {
        foreach (SourceFile file in files.Where(file => !law.Exceptions.Contains((file.Path, rule))))
        {
            for (int line = 0; line < file.Code.Length; line++)
            {
                Match match = pattern.Match(file.Code[line]);
                if (match.Success)
                {
                    yield return $"{file.Path}:{line + 1}: {match.Value.Trim()}: {message}";
                }
            }
        }
    }

    [GeneratedRegex(@"\b(Puff\.[A-Z]\w*)\.([A-Z]\w*)")]
    private static partial Regex UsingRoom();

    [GeneratedRegex(@"(?<![\w.])([A-Z]\w*)\.([A-Z]\w*)")]
    private static partial Regex QualifiedName();

    [GeneratedRegex(@"\b(?:class|struct|interface|enum|record)\s+([A-Z]\w*)")]
    private static partial Regex Declaration();

    [GeneratedRegex(@"\b(ByteReader|BinaryPrimitives|BinaryReader|BinaryWriter|MemoryMarshal\.(Read|Write|AsRef))\b")]
    private static partial Regex StoredBytes();

    [GeneratedRegex(
        @"\bSystem\.(IO\.(File|Directory)|Net)\b|(?<![\w.])(File|Directory|FileInfo|DirectoryInfo|Dns)\.\w|" +
        @"\b(FileStream|RandomAccess|MemoryMappedFile|SafeFileHandle|Socket|HttpClient|TcpClient)\b")]
    private static partial Regex FilesAndSockets();

    [GeneratedRegex(@"\bTODO\b|\bFIXME\b|\bHACK\b|NotImplementedException")]
    private static partial Regex UnfinishedMark();

    [GeneratedRegex(@"\bSkip\s*=|\bSkip(When|Unless)\s*=|\bAssert\.Skip")]
    private static partial Regex SkippedTest();

    [GeneratedRegex(" +")]
    private static partial Regex Literal();

    [GeneratedRegex("<(?<kind>Project|Package)Reference Include=\"(?<what>[^\"]+)\"")]
    private static partial Regex Reference();
}
