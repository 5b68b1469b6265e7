using Puff.Sync.Migrations;

namespace Puff.Sync.Transforms;

/// <summary>
/// Where the code of an applied migration is run from: its stored content, never a changed file. When the project's files are that content they serve;
/// otherwise copies are written beside them, so that packages are found as before.
/// </summary>
internal static class ModuleFiles
{
    private const string CopyFolder = ".puff-sync";

    /// <summary>The absolute path of a migration's entry.</summary>
    /// <param name="project">The project's folder; null when there is none, and then <paramref name="cache"/> is used.</param>
    /// <param name="entry">Relative to the migration's directory.</param>
    public static string Place(MigrationContent content, string entry, string? project, string cache)
    {
        string relative = content.InDirectory(entry);
        if (project is not null && content.Files.All(file => IsSame(Path.Combine(project, file.Path), file)))
        {
            return Path.Combine(project, relative);
        }

        string folder = Path.Combine(project ?? cache, CopyFolder, content.Hash[..16]);
        foreach (var file in content.Files)
        {
            string path = Path.Combine(folder, file.Path);
            if (!IsSame(path, file))
            {
                Directory.CreateDirectory(Path.GetDirectoryName(path)!);
                string fresh = $"{path}.{Environment.ProcessId}";
                File.WriteAllBytes(fresh, file.Bytes);
                File.Move(fresh, path, overwrite: true);
            }
        }

        return Path.Combine(folder, relative);
    }

    private static bool IsSame(string path, ContentFile file) =>
        File.Exists(path) && ContentFile.Normalise(file.Path, File.ReadAllBytes(path)).Bytes.AsSpan().SequenceEqual(file.Bytes);
}
