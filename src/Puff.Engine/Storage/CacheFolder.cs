using System.Security.Cryptography;

namespace Puff.Engine.Storage;

/// <summary>
/// The folder of a cache that stays: one file for each object, named by a hash of store, key and length, and a lock that one process holds. There is no index:
/// what is in a file is what the file system has allocated.
/// </summary>
internal sealed class CacheFolder : IDisposable
{
    private const string LockName = "lock";
    private const string FilesName = "blocks-1";
    private const string Extension = ".blocks";

    /// <summary>A cache does not take the last of a disk that others use too.</summary>
    private const double ShareOfFreeSpace = 0.8;

    private readonly int lockFile;
    private readonly string files;
    private readonly string store;

    private CacheFolder(string path, string store, int lockFile)
    {
        this.lockFile = lockFile;
        this.store = Hash(store)[..16];
        files = Path.Combine(path, FilesName);
    }

    /// <summary>Makes the folder if need be, takes its lock, and removes files of other stores.</summary>
    /// <exception cref="StoreException">It cannot be made or written to, another process uses it, or its file system cannot free parts of files.</exception>
    public static CacheFolder Open(string path, string store)
    {
        Make(Path.Combine(path, FilesName));
        string name = Path.Combine(path, LockName);
        int file = Posix.Open(name, Posix.ReadWriteCreate);
        if (file < 0)
        {
            throw FileErrors.Create(-file, "opening", name);
        }

        try
        {
            if (Posix.TryLock(file) < 0)
            {
                throw Refuse($"the cache directory {path} is used by another process; give each its own with --cache-dir");
            }

            TryToPunch(file, path);
            var folder = new CacheFolder(path, store, file);
            folder.RemoveOthers();
            return folder;
        }
        catch
        {
            Posix.Close(file);
            throw;
        }
    }

    public static void Make(string folder)
    {
        try
        {
            Directory.CreateDirectory(folder);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw Refuse($"the cache directory {folder} cannot be made: {error.Message}; choose another with --cache-dir", error);
        }
    }

    /// <summary>How many bytes a cache in a folder may take when nobody says: most of what is free there, and what it has already.</summary>
    public long ProposeBytes(long ownBytes) => (long)((new DriveInfo(files).AvailableFreeSpace + ownBytes) * ShareOfFreeSpace);

    public string PathOf(string key, long length) => Path.Combine(files, $"{store}-{Hash(key)[..32]}-{length:x}{Extension}");

    /// <summary>The files that are there, the least recently opened first, and the disk space each takes.</summary>
    public IReadOnlyList<(string Path, long Bytes)> List()
    {
        var found = new List<(string Path, long Bytes, long Seconds, uint Nanoseconds)>();
        foreach (string path in Directory.EnumerateFiles(files))
        {
            if (Posix.Stat(path, out var facts) == 0)
            {
                found.Add((path, facts.DiskBytes, facts.Seconds, facts.Nanoseconds));
            }
        }

        return [.. found.OrderBy(f => f.Seconds).ThenBy(f => f.Nanoseconds).Select(f => (f.Path, f.Bytes))];
    }

    /// <summary>The lock goes with the file.</summary>
    public void Dispose() => Posix.Close(lockFile);

    /// <summary>Without this, room could only be made by whole objects.</summary>
    private static void TryToPunch(int file, string path)
    {
        int result = Posix.WriteFully(file, new byte[LocalCopy.BlockBytes], 0);
        result = result < 0 ? 0 : Posix.PunchHole(file, 0, LocalCopy.BlockBytes);
        if (result < 0)
        {
            throw Refuse(
                $"the file system of the cache directory {path} cannot free parts of files; choose one on ext4, xfs, btrfs or tmpfs with --cache-dir");
        }
    }

    private static StoreException Refuse(string message, Exception? inner = null) => new(message, transient: false, outcomeUnknown: false, inner);

    private static string Hash(string text) => Convert.ToHexStringLower(SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(text)));

    private void RemoveOthers()
    {
        foreach (string path in Directory.EnumerateFiles(files))
        {
            string name = Path.GetFileName(path);
            if (!name.StartsWith(store + "-", StringComparison.Ordinal) || !name.EndsWith(Extension, StringComparison.Ordinal))
            {
                Posix.Unlink(path);
            }
        }
    }
}
