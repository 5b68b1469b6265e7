namespace Puff.Engine.Storage;

/// <summary>
/// A file mapped for reading. The mapping outlives the file's name. A large file also stays open, so that parts of it can be copied without becoming pages of
/// this process; a small one is closed, because its pages are few and open files are limited.
/// </summary>
internal sealed unsafe class MappedObjectMemory : ObjectMemory
{
    /// <summary>Files from this size on stay open.</summary>
    internal const long OpenFrom = 4 << 20;

    /// <summary>So many files stay open at once; a system may allow a process only a thousand in all.</summary>
    private const int MostOpen = 400;

    private const int Closed = -1;

    private static int openFiles;

    private readonly string path;
    private readonly int file;

    private MappedObjectMemory(byte* start, long length, string path, int file)
        : base(start, length)
    {
        this.path = path;
        this.file = file;
    }

    public override bool PrefersCopies => file != Closed;

    /// <summary>Maps an open, non-empty file, and takes it over; null with the error number when the system refuses.</summary>
    public static MappedObjectMemory? TryMap(int file, long length, string path, out int error)
    {
        byte* start = Posix.Map(file, length, out error);
        if (error != 0 || length < OpenFrom || !TryKeepOpen())
        {
            Posix.Close(file);
            file = Closed;
        }

        return error == 0 ? new MappedObjectMemory(start, length, path, file) : null;
    }

    public override void Read(long offset, Span<byte> destination)
    {
        if (file == Closed)
        {
            base.Read(offset, destination);
            return;
        }

        Slice(offset, destination.Length); // refuses what is outside
        fixed (byte* target = destination)
        {
            int result = Posix.ReadFully(file, target, destination.Length, offset);
            if (result < 0)
            {
                throw FileErrors.Create(-result, "reading", path);
            }
        }
    }

    protected override void Free()
    {
        Posix.Unmap(Pointer, Length);
        if (file != Closed)
        {
            Posix.Close(file);
            Interlocked.Decrement(ref openFiles);
        }
    }

    private static bool TryKeepOpen()
    {
        if (Interlocked.Increment(ref openFiles) <= MostOpen)
        {
            return true;
        }

        Interlocked.Decrement(ref openFiles);
        return false;
    }
}
