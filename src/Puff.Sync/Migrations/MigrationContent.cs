using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Puff.Sync.Toml;

namespace Puff.Sync.Migrations;

/// <param name="Path">Relative to the project, with '/'.</param>
/// <param name="Bytes">Normalised: what is hashed and stored.</param>
internal sealed record ContentFile(string Path, byte[] Bytes)
{
    /// <summary>UTF-8 without byte-order mark, and every line end one LF. A compiled assembly stays as it is.</summary>
    public static ContentFile Normalise(string path, byte[] bytes)
    {
        if (path.EndsWith(".dll", StringComparison.OrdinalIgnoreCase))
        {
            return new ContentFile(path, bytes);
        }

        ReadOnlySpan<byte> rest = bytes.AsSpan().StartsWith("\uFEFF"u8) ? bytes.AsSpan(3) : bytes;
        var result = new List<byte>(rest.Length);
        for (int at = 0; at < rest.Length; at++)
        {
            bool isCarriageReturn = rest[at] == '\r';
            result.Add(isCarriageReturn ? (byte)'\n' : rest[at]);
            at += isCarriageReturn && at + 1 < rest.Length && rest[at + 1] == '\n' ? 1 : 0;
        }

        return new ContentFile(path, [.. result]);
    }
}

/// <summary>
/// What a migration consists of and may never change once applied: its settings, its transform, and every local module that one imports. The hash is over
/// the texts as written; comments count, line ends do not.
/// </summary>
internal sealed class MigrationContent
{
    public const string Folder = "migrations";

    public const string SettingsFile = "migration.toml";

    private MigrationContent(string directory, IReadOnlyList<ContentFile> files, SyncException? error)
    {
        Directory = directory;
        Files = files;
        Error = error;
        Hash = HashOf(files);
    }

    /// <summary>"0001_posts".</summary>
    public string Directory { get; }

    /// <summary>In ordinal order of their paths.</summary>
    public IReadOnlyList<ContentFile> Files { get; }

    /// <summary>64 hexadecimal digits.</summary>
    public string Hash { get; }

    /// <summary>Why the content is not complete: an import that cannot be followed. The rest is there.</summary>
    public SyncException? Error { get; }

    public string SettingsPath => InDirectory(SettingsFile);

    public byte[] Settings => Find(SettingsPath)?.Bytes
        ?? throw new SyncException(SyncExit.Usage, "config_invalid", $"{SettingsPath} does not exist.");

    /// <summary>A path of the migration's directory, as files are named here.</summary>
    public string InDirectory(string relative) => $"{Folder}/{Directory}/{relative}";

    public ContentFile? Find(string path) => Files.FirstOrDefault(file => file.Path == path);

    public static MigrationContent Of(string directory, IEnumerable<ContentFile> files) =>
        new(directory, [.. files.OrderBy(file => file.Path, StringComparer.Ordinal)], null);

    /// <summary>Reads a migration's directory and the modules its transform reaches.</summary>
    public static MigrationContent Collect(string project, string directory)
    {
        var files = new SortedDictionary<string, ContentFile>(StringComparer.Ordinal);
        string settings = $"{Folder}/{directory}/{SettingsFile}";
        if (ReadFile(project, settings) is { } settingsFile)
        {
            files.Add(settings, settingsFile);
        }

        SyncException? error = null;
        foreach (string entry in EntriesOf(settingsFile: files.GetValueOrDefault(settings), $"{Folder}/{directory}"))
        {
            try
            {
                AddWithImports(project, entry, files);
            }
            catch (SyncException problem)
            {
                error ??= problem;
            }
        }

        return new MigrationContent(directory, [.. files.Values], error);
    }

    /// <summary>SHA-256 over a heading, then of each file: path, NUL, length in decimal digits, NUL, bytes.</summary>
    private static string HashOf(IReadOnlyList<ContentFile> files)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData("puff-migration\n1\n"u8);
        foreach (ContentFile file in files)
        {
            hash.AppendData(Encoding.UTF8.GetBytes(file.Path));
            hash.AppendData([0]);
            hash.AppendData(Encoding.ASCII.GetBytes(file.Bytes.Length.ToString(CultureInfo.InvariantCulture)));
            hash.AppendData([0]);
            hash.AppendData(file.Bytes);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static void AddWithImports(string project, string path, SortedDictionary<string, ContentFile> files)
    {
        if (files.ContainsKey(path) || ReadFile(project, path) is not { } file)
        {
            return;
        }

        files.Add(path, file);
        if (!ModuleImports.IsModule(path))
        {
            return;
        }

        foreach (ModuleImport import in ModuleImports.Find(Encoding.UTF8.GetString(file.Bytes), path))
        {
            string target = ModuleImports.Resolve(path, import, candidate => File.Exists(Path.Combine(project, candidate)));
            // Declarations are written anew from the table and vanish before the code runs.
            if (!target.StartsWith("generated/", StringComparison.Ordinal))
            {
                AddWithImports(project, target, files);
            }
        }
    }

    /// <summary>The transform's file, as far as the settings can be read at all: a hash is wanted even of settings that are wrong.</summary>
    private static IEnumerable<string> EntriesOf(ContentFile? settingsFile, string folder)
    {
        string entry = "transform.ts";
        if (settingsFile != null)
        {
            try
            {
                var transform = TomlReader.Read(settingsFile.Bytes, SettingsFile).Find("transform") as TomlTable;
                entry = (transform?.Find("entry") as TomlScalar)?.Text ?? entry;
            }
            catch (TomlException)
            {
                // Whoever reads the settings says so.
            }
        }

        string path = ModuleImports.Normalise($"{folder}/{entry}") ?? $"{folder}/transform.ts";
        return [path];
    }

    private static ContentFile? ReadFile(string project, string path)
    {
        string full = Path.Combine(project, path.Replace('/', Path.DirectorySeparatorChar));
        return File.Exists(full) ? ContentFile.Normalise(path, File.ReadAllBytes(full)) : null;
    }
}
