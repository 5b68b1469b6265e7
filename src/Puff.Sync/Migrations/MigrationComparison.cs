using System.Text;

namespace Puff.Sync.Migrations;

internal enum MigrationStanding
{
    Unchanged,

    /// <summary>Not applied in this database.</summary>
    Pending,

    /// <summary>Applied, and only the lock does not know it: `apply` completes it.</summary>
    NotLocked,
    Changed,
    Missing,
    Conflict,
}

/// <summary>One migration as the state schema knows it.</summary>
/// <param name="Content">The stored files; null where only the hash is at hand.</param>
internal sealed record AppliedMigration(long Number, string Directory, string Hash, DateTimeOffset AppliedAt, MigrationContent? Content);

/// <param name="Files">On disk; null when they are missing.</param>
/// <param name="Applied">In the database; null when it is not there or was not asked.</param>
internal sealed record MigrationStatus(long Number, string Directory, MigrationStanding Standing, MigrationContent? Files, LockEntry? Lock,
    AppliedMigration? Applied)
{
    /// <summary>The error this standing is, or null.</summary>
    public SyncException? Error => Standing switch
    {
        MigrationStanding.Changed => new SyncException(
            SyncExit.Conflict, "migration_changed",
            $"{Directory} was applied{(Applied is { } one ? $" on {one.AppliedAt:yyyy-MM-dd}" : "")} and has changed since{ChangedFiles()}. " +
            "Applied migrations do not change.",
            $"`puff sync pull` to restore, or `puff sync new {NameOf(Directory)} --from {Directory} --replace {NameOf(Directory)}`"),
        MigrationStanding.Missing => new SyncException(
            SyncExit.Conflict, "migration_missing", $"{Directory} was applied and its files are missing.", "`puff sync pull` to restore them"),
        MigrationStanding.Conflict => new SyncException(
            SyncExit.Conflict, "migration_conflict",
            $"{Directory} differs from what {LockFile.FileName} and the database hold: this database was migrated from another history.",
            "check source.url and the branch; `puff sync pull --to DIR` shows what was applied"),
        _ => null,
    };

    private string ChangedFiles()
    {
        if (Applied?.Content is not { } stored || Files is null)
        {
            return "";
        }

        var names = Files.Files.Concat(stored.Files).Select(file => file.Path).Distinct().Order(StringComparer.Ordinal)
            .Where(path => !(Files.Find(path)?.Bytes ?? []).AsSpan().SequenceEqual(stored.Find(path)?.Bytes ?? [])
                || Files.Find(path) is null != stored.Find(path) is null)
            .Select(path => path.StartsWith(Files.InDirectory(""), StringComparison.Ordinal) ? path[Files.InDirectory("").Length..] : path);
        return $" ({string.Join(", ", names)})";
    }

    /// <summary>Lines that differ, those of the stored copy with '-', those on disk with '+'.</summary>
    public string Difference()
    {
        var text = new StringBuilder();
        foreach (string path in (Files?.Files ?? []).Concat(Applied?.Content?.Files ?? []).Select(file => file.Path).Distinct().Order(StringComparer.Ordinal))
        {
            TextDifference.Append(text, path, Lines(Applied?.Content?.Find(path)), Lines(Files?.Find(path)));
        }

        return text.ToString();
    }

    private static string NameOf(string directory) => directory[(directory.IndexOf('_', StringComparison.Ordinal) + 1)..];

    private static string[] Lines(ContentFile? file) => file is null ? [] : Encoding.UTF8.GetString(file.Bytes).Split('\n');
}

/// <summary>Compares files on disk, sync.lock and the database (section 6.6).</summary>
internal static class MigrationComparison
{
    /// <param name="applied">What the database knows; null when it was not asked: then the lock stands for it.</param>
    public static IReadOnlyList<MigrationStatus> Compare(
        IReadOnlyList<MigrationContent> files, IReadOnlyList<LockEntry> locks, IReadOnlyList<AppliedMigration>? applied)
    {
        var byNumber = files.Select(file => (Number: NumberOf(file.Directory), file.Directory))
            .Concat(locks.Select(entry => (entry.Number, entry.Directory)))
            .Concat((applied ?? []).Select(one => (one.Number, one.Directory)))
            .DistinctBy(one => one.Number).OrderBy(one => one.Number);
        return [.. byNumber.Select(one =>
        {
            MigrationContent? file = files.FirstOrDefault(file => NumberOf(file.Directory) == one.Number);
            LockEntry? entry = locks.FirstOrDefault(entry => entry.Number == one.Number);
            AppliedMigration? known = applied?.FirstOrDefault(item => item.Number == one.Number);
            return new MigrationStatus(one.Number, one.Directory, Judge(file?.Hash, entry?.Hash, known?.Hash, applied != null), file, entry, known);
        })];
    }

    public static MigrationStanding Judge(string? disk, string? locked, string? database, bool isDatabaseKnown)
    {
        if (locked != null && database != null && locked != database)
        {
            return MigrationStanding.Conflict;
        }

        string? recorded = database ?? locked;
        if (recorded is null)
        {
            return MigrationStanding.Pending;
        }

        if (disk is null)
        {
            return MigrationStanding.Missing;
        }

        if (disk != recorded)
        {
            return MigrationStanding.Changed;
        }

        return database is null && isDatabaseKnown ? MigrationStanding.Pending : locked is null ? MigrationStanding.NotLocked : MigrationStanding.Unchanged;
    }

    private static long NumberOf(string directory) => Migration.TryParseDirectory(directory, out long number) ? number : -1;
}
