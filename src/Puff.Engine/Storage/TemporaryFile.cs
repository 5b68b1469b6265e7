namespace Puff.Engine.Storage;

/// <summary>
/// A file under a hidden name that becomes an object by one rename. Not thread-safe. Disposal before that removes it; a crash leaves it to the
/// sweep at the next opening, which tells live files from dead ones by the lock that is held here while the file is open.
/// </summary>
internal sealed class TemporaryFile : IDisposable
{
    private const int SmallestDirectBytes = 256 << 10;

    private readonly DirectoryStoreOptions options;
    private readonly string path;
    private int file;
    private bool published;

    private TemporaryFile(DirectoryStoreOptions options, string path, int file)
    {
        this.options = options;
        this.path = path;
        this.file = file;
    }

    /// <summary>The ETag the object will have; set by <see cref="Seal"/>.</summary>
    public string ETag { get; private set; } = "";

    public static TemporaryFile Create(string path, DirectoryStoreOptions options)
    {
        int fault = options.Fault?.Invoke(FileStep.Create) ?? 0;
        int file = fault != 0 ? -fault : Posix.Open(path, Posix.CreateExclusive);
        if (file < 0)
        {
            throw FileErrors.Create(-file, "creating", path);
        }

        Posix.TryLock(file);
        return new TemporaryFile(options, path, file);
    }

    public void Write(ReadOnlySpan<byte> content) => Check("writing", Faulted(FileStep.Write) ?? Posix.WriteFully(file, content));

    /// <summary>
    /// The same past the page cache, where the file system can: for content that nobody is likely to read soon, a log entry above all. Saves a copy, leaves the
    /// cache to what is read, and a sync finds little to do.
    /// </summary>
    /// <param name="content">Whole pages of it go directly, if it begins at a page.</param>
    public unsafe void WriteDirect(ReadOnlySpan<byte> content)
    {
        int direct = content.Length & ~(Environment.SystemPageSize - 1);
        fixed (byte* start = content)
        {
            bool isAligned = ((nuint)start & (nuint)(Environment.SystemPageSize - 1)) == 0;
            if (direct < SmallestDirectBytes || !isAligned || Posix.SetDirect(file, true) < 0)
            {
                Write(content);
                return;
            }
        }

        int result = Faulted(FileStep.Write) ?? Posix.WriteFully(file, content[..direct]);
        Check("preparing", Posix.SetDirect(file, false));

        // Some file systems only say now that they cannot; nothing was written then.
        bool isRefused = result == -Posix.EInval;
        Check("writing", isRefused ? 0 : result);
        Write(isRefused ? content : content[direct..]);
    }

    /// <summary>Gives the content its final time stamp and brings it to the disk; nothing may be written any more.</summary>
    public void Seal()
    {
        long stamp = FileETag.NextStamp(options.Time);
        var (seconds, nanoseconds) = Math.DivRem(stamp, 1_000_000_000);
        Check("setting the time of", Posix.SetModified(file, seconds, (uint)nanoseconds));
        if (options.Durable)
        {
            Check("syncing", Faulted(FileStep.SyncFile) ?? Posix.Sync(file));
        }

        // Read back, because a file system may keep times more coarsely than it was told.
        Check("examining", Posix.Stat(file, out var facts));
        ETag = FileETag.Of(facts);
    }

    /// <summary>The one step that makes the object visible. Zero, or minus the system's error number.</summary>
    public int Publish(string target, bool exclusive)
    {
        int result = Faulted(FileStep.Rename) ?? (exclusive ? Posix.RenameExclusive(path, target) : Posix.Rename(path, target));
        published |= result == 0;
        return result;
    }

    public void Dispose()
    {
        if (file < 0)
        {
            return;
        }

        if (!published)
        {
            Posix.Unlink(path);
        }

        Posix.Close(file);
        file = -1;
    }

    private int? Faulted(FileStep step) => options.Fault?.Invoke(step) is { } fault and not 0 ? -fault : null;

    private void Check(string doing, int result)
    {
        if (result < 0)
        {
            throw FileErrors.Create(-result, doing, path);
        }
    }
}
