using System.Collections.Concurrent;
using System.Security.Cryptography;

namespace Puff.Engine.Storage;

/// <summary>
/// The folder of a directory store: its marker file, the hidden folders for temporary and lock files, and the folders that keys need,
/// made and removed as objects come and go. Safe against other processes doing the same.
/// </summary>
internal sealed class StoreFolder
{
    private const string MarkerName = ".puff-store";
    private const string MarkerText = "puff directory store, layout 1\n";
    private const string TemporaryName = ".tmp";
    private const string LocksName = ".locks";

    /// <summary>Bounds the memory for known folders; beyond it the set starts anew, which costs a few more fsyncs.</summary>
    private const int MaxKnownFolders = 16_384;

    /// <summary>How often a publish makes folders anew that others remove as empty in the same moment.</summary>
    private const int MaxPublishAttempts = 1_000;

    private readonly DirectoryStoreOptions options;
    private readonly string session = RandomNumberGenerator.GetHexString(16, lowercase: true);
    private readonly ConcurrentDictionary<string, bool> durableFolders = new(StringComparer.Ordinal);
    private long temporaryFiles;

    private StoreFolder(string root, DirectoryStoreOptions options)
    {
        Root = root;
        this.options = options;
    }

    /// <summary>Absolute, without a trailing slash.</summary>
    public string Root { get; }

    public string Locks => $"{Root}/{LocksName}";

    /// <summary>Makes the folder if need be, makes sure that it is ours and writable, and removes what crashed processes left.</summary>
    public static StoreFolder Open(string path, DirectoryStoreOptions options)
    {
        if (!OperatingSystem.IsLinux())
        {
            throw new PuffException(ErrorKind.Invalid, "directory stores need Linux; use memory:// or an S3 store on this system");
        }

        var folder = new StoreFolder(Path.TrimEndingDirectorySeparator(Path.GetFullPath(path)), options);
        folder.MakeRoot();
        folder.CheckOwnership();
        folder.MakeHidden(TemporaryName);
        folder.MakeHidden(LocksName);
        folder.Mark();
        folder.Sweep();
        return folder;
    }

    public string PathOf(string key) => $"{Root}/{FileNames.ToPath(key)}";

    public TemporaryFile CreateTemporary() =>
        TemporaryFile.Create($"{Root}/{TemporaryName}/{session}-{Interlocked.Increment(ref temporaryFiles):x}", options);

    /// <summary>
    /// Makes a sealed file the object at <paramref name="target"/> and brings the name to the disk. False when it is exclusive and the name is taken.
    /// </summary>
    public bool Publish(TemporaryFile file, string target, bool exclusive)
    {
        for (int attempt = 0; ; attempt++)
        {
            int result = file.Publish(target, exclusive);
            if (result == 0)
            {
                SyncNames(target);
                return true;
            }

            if (exclusive && result == -Posix.EExist)
            {
                return false;
            }

            // The folder is not there yet, or somebody removed it as empty just now.
            if (result != -Posix.ENoEnt || attempt == MaxPublishAttempts || !Path.Exists(Root))
            {
                throw FileErrors.Create(-result, "publishing", target);
            }

            MakeParents(target);
        }
    }

    /// <summary>Removes an object and the folders that became empty. Removing an absent one is no error.</summary>
    public void Remove(string path)
    {
        int result = Posix.Unlink(path);
        if (result == -Posix.ENoEnt)
        {
            return;
        }

        if (result < 0)
        {
            throw FileErrors.Create(-result, "deleting", path);
        }

        string folder = ParentOf(path);
        while (folder.Length > Root.Length && Posix.RemoveFolder(folder) == 0)
        {
            durableFolders.TryRemove(folder, out _);
            folder = ParentOf(folder);
        }

        SyncFolder(folder, path);
    }

    private static string ParentOf(string path) => path[..path.LastIndexOf('/')];

    private void MakeRoot()
    {
        var missing = new Stack<string>();
        for (string folder = Root; folder.Length > 0 && !Directory.Exists(folder); folder = ParentOf(folder))
        {
            missing.Push(folder);
        }

        foreach (string folder in missing)
        {
            int result = Posix.MakeFolder(folder);
            if (result is < 0 and not -Posix.EExist)
            {
                throw FileErrors.Create(-result, "creating the store's folder", folder);
            }

            SyncFolder(ParentOf(folder) is { Length: > 0 } parent ? parent : "/", folder);
        }
    }

    /// <summary>A folder with other things in it is somebody else's: better to refuse than to mix.</summary>
    private void CheckOwnership()
    {
        string marker = $"{Root}/{MarkerName}";
        try
        {
            if (File.Exists(marker))
            {
                string text = ReadMarker(marker);
                if (text != MarkerText)
                {
                    throw new StoreException(
                        $"{Root} is a store of another version: {MarkerName} says '{text.Trim()}', expected '{MarkerText.Trim()}'; "
                        + "use the version of Puff that wrote it",
                        transient: false,
                        outcomeUnknown: false);
                }

                return;
            }

            string? stranger = Directory.EnumerateFileSystemEntries(Root).Select(Path.GetFileName).FirstOrDefault(name => !IsExpectedBeforeMarker(name!));
            if (stranger is not null && !File.Exists(marker))
            {
                throw new StoreException(
                    $"{Root} is not a Puff store (no {MarkerName} in it) and not empty (it has '{stranger}'); choose an empty or a new folder",
                    transient: false,
                    outcomeUnknown: false);
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new StoreException(
                $"{Root} cannot be read: {error.Message}; give the user that runs Puff read and write rights on it",
                transient: false,
                outcomeUnknown: false,
                error);
        }
    }

    /// <summary>Hidden names that another process may be making right now, and what a fresh file system brings along.</summary>
    private static bool IsExpectedBeforeMarker(string name) => name is TemporaryName or LocksName or "lost+found";

    private void MakeHidden(string name)
    {
        string path = $"{Root}/{name}";
        int result = Posix.MakeFolder(path);
        if (result is < 0 and not -Posix.EExist)
        {
            throw FileErrors.Create(-result, "creating", path);
        }
    }

    /// <summary>
    /// Writes the marker, which also proves that the folder can be written; every opening does so under a name of its own, the first one stays.
    /// </summary>
    private void Mark()
    {
        using var file = CreateTemporary();
        file.Write(System.Text.Encoding.UTF8.GetBytes(MarkerText));
        file.Seal();
        Publish(file, $"{Root}/{MarkerName}", exclusive: true);
    }

    /// <summary>
    /// Not by the framework's file classes, which ask for a lock: another process that has just made the marker may still hold its own.
    /// </summary>
    private static unsafe string ReadMarker(string path)
    {
        int file = Posix.Open(path, Posix.ReadOnly);
        if (file < 0)
        {
            throw new IOException(Posix.Describe(-file));
        }

        try
        {
            byte[] bytes = new byte[256];
            int length = Posix.Stat(file, out var facts) < 0 ? 0 : (int)Math.Min(facts.Bytes, bytes.Length);
            fixed (byte* start = bytes)
            {
                int result = Posix.ReadFully(file, start, length, 0);
                return result == 0 ? System.Text.Encoding.UTF8.GetString(bytes, 0, length) : throw new IOException(Posix.Describe(-result));
            }
        }
        finally
        {
            Posix.Close(file);
        }
    }

    private void Sweep()
    {
        var oldest = options.Time.GetUtcNow() - options.LeftoverAge;
        foreach (string path in Directory.EnumerateFiles($"{Root}/{TemporaryName}"))
        {
            if (Posix.Stat(path, out var facts) == 0 && FileETag.ModifiedAt(facts) < oldest)
            {
                RemoveLeftover(path);
            }
        }
    }

    private static void RemoveLeftover(string path)
    {
        int file = Posix.Open(path, Posix.ReadOnly);
        if (file < 0)
        {
            return;
        }

        // Whoever still writes the file holds its lock, however slowly the content comes.
        if (Posix.TryLock(file) == 0)
        {
            Posix.Unlink(path);
        }

        Posix.Close(file);
    }

    private void MakeParents(string target)
    {
        for (int slash = target.IndexOf('/', Root.Length + 1); slash > 0; slash = target.IndexOf('/', slash + 1))
        {
            string folder = target[..slash];
            int result = Posix.MakeFolder(folder);
            if (result == 0)
            {
                durableFolders.TryRemove(folder, out _);
            }
            else if (result == -Posix.ENoEnt)
            {
                return;
            }
            else if (result != -Posix.EExist)
            {
                throw FileErrors.Create(-result, "creating", folder);
            }
        }
    }

    /// <summary>
    /// Brings the object's name to the disk, and the names of its folders unless this process did so before: whoever made them
    /// may not have come that far yet.
    /// </summary>
    private void SyncNames(string target)
    {
        if (!options.Durable)
        {
            return;
        }

        string folder = ParentOf(target);
        SyncFolder(folder, target);
        while (folder.Length > Root.Length && !durableFolders.ContainsKey(folder))
        {
            string parent = ParentOf(folder);
            SyncFolder(parent, target);
            if (durableFolders.Count >= MaxKnownFolders)
            {
                durableFolders.Clear();
            }

            durableFolders[folder] = true;
            folder = parent;
        }
    }

    /// <summary>After this, the folder's entries survive a loss of power. A folder that is gone was removed with all it held, which is as good.</summary>
    private void SyncFolder(string folder, string changed)
    {
        if (!options.Durable)
        {
            return;
        }

        int fault = options.Fault?.Invoke(FileStep.SyncFolder) ?? 0;
        int file = fault != 0 ? -fault : Posix.Open(folder, Posix.ReadOnly);
        int result = file < 0 ? file : Posix.Sync(file);
        if (file >= 0)
        {
            Posix.Close(file);
        }

        if (result is < 0 and not -Posix.ENoEnt)
        {
            throw FileErrors.Create(-result, $"syncing {folder} after changing", changed, outcomeUnknown: true);
        }
    }
}
