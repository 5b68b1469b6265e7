namespace Puff.Engine.Storage;

/// <summary>
/// A file under a hidden name that becomes an object by one rename. Not thread-safe. Disposal before that removes it; a crash leaves it to the
/// sweep at the next opening, which tells live files from dead ones by the lock that is held here while the file is open.
/// </summary>
internal sealed class TemporaryFile : IDisposable
{
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
