using System.Runtime.InteropServices;

namespace Puff.Engine.Storage;

/// <summary>
/// The local copy of one object, filled block by block: a sparse file without a name that is mapped for reading, and which of its blocks are there. A short
/// object's copy is plain memory. Blocks are written through the file and not through the mapping, because a full disk is then an error number instead of
/// a signal; a block that the disk has no room for lies in memory of its own, at its place in the mapping.
/// </summary>
internal sealed unsafe class LocalCopy
{
    public const int BlockShift = 16;
    public const int BlockBytes = 1 << BlockShift;

    /// <summary>Copies up to this length are plain memory: a file, a mapping and a descriptor would cost more.</summary>
    private const long MemoryBytes = 4 * BlockBytes;

    private const int None = -1;

    private readonly ulong[] present;
    private readonly int file;
    private readonly string path;
    private long kept;

    private LocalCopy(byte* pointer, long length, int file, string path)
    {
        Pointer = pointer;
        Length = length;
        this.file = file;
        this.path = path;
        present = new ulong[(Blocks + 63) / 64];
    }

    /// <summary>Where byte 0 of the object is, or will be; the address stays as long as the copy.</summary>
    public byte* Pointer { get; }

    public long Length { get; }

    public int Blocks => BlocksOf(Length);

    /// <summary>Bytes that lie in memory, because the disk did not take them.</summary>
    public long BytesBesideDisk => Interlocked.Read(ref kept);

    public static int BlocksOf(long length) => checked((int)((length + BlockBytes - 1) >> BlockShift));

    /// <param name="folder">Where the file is made.</param>
    /// <param name="length">Of the object, at least 1.</param>
    public static LocalCopy Create(string folder, long length)
    {
        if (length <= MemoryBytes)
        {
            return new LocalCopy((byte*)NativeMemory.AlignedAlloc((nuint)length, (nuint)Environment.SystemPageSize), length, None, "");
        }

        var (file, path) = CreateFile(folder);
        int result = Posix.SetLength(file, length);
        int error = -result;
        byte* start = result < 0 ? null : Posix.Map(file, length, out error);
        if (error == 0)
        {
            return new LocalCopy(start, length, file, path);
        }

        Posix.Close(file);
        throw FileErrors.Create(error, "preparing", path);
    }

    public bool Has(int block) => (Volatile.Read(ref present[block >> 6]) >> block & 1) != 0;

    /// <summary>Stores consecutive blocks; afterwards they are there.</summary>
    /// <param name="first">The first block.</param>
    /// <param name="content">Whole blocks; only the object's last one may be shorter.</param>
    /// <param name="replace">Also blocks that are there already, and damaged.</param>
    public void Write(int first, ReadOnlySpan<byte> content, bool replace)
    {
        int count = BlocksOf(content.Length);
        for (int i = 0; i < count;)
        {
            int run = 0;
            while (i + run < count && (replace || !Has(first + i + run)))
            {
                run++;
            }

            if (run > 0)
            {
                Store(first + i, content[(i * BlockBytes)..Math.Min((i + run) * BlockBytes, content.Length)]);
            }

            i += Math.Max(run, 1);
        }
    }

    public void Free()
    {
        if (file == None)
        {
            NativeMemory.AlignedFree(Pointer);
            return;
        }

        Posix.Unmap(Pointer, Length);
        Posix.Close(file);
    }

    /// <summary>A file that has no name any more, so that neither a crash nor a forgotten release leaves it behind.</summary>
    private static (int File, string Path) CreateFile(string folder)
    {
        string path = Path.Combine(folder, $"puff-{Path.GetRandomFileName()}");
        int file = Posix.Open(path, Posix.CreateReadWriteExclusive);
        if (file == -Posix.ENoEnt)
        {
            MakeFolder(folder);
            file = Posix.Open(path, Posix.CreateReadWriteExclusive);
        }

        if (file < 0)
        {
            throw FileErrors.Create(-file, "creating", path);
        }

        Posix.Unlink(path);
        return (file, path);
    }

    private static void MakeFolder(string folder)
    {
        try
        {
            Directory.CreateDirectory(folder);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new StoreException(
                $"the cache directory {folder} cannot be made: {error.Message}; choose another with --cache-dir",
                transient: false,
                outcomeUnknown: false,
                error);
        }
    }

    private void Store(int first, ReadOnlySpan<byte> content)
    {
        long offset = (long)first << BlockShift;
        if (file == None)
        {
            content.CopyTo(new Span<byte>(Pointer + offset, content.Length));
        }
        else if (BytesBesideDisk > 0 || Posix.WriteFully(file, content, offset) < 0)
        {
            // Once the disk was full, everything that follows goes to memory: a block may not be in both.
            KeepBesideDisk(first, content);
        }

        for (int block = first; block < first + BlocksOf(content.Length); block++)
        {
            Interlocked.Or(ref present[block >> 6], 1UL << block);
        }
    }

    private void KeepBesideDisk(int first, ReadOnlySpan<byte> content)
    {
        // Blocks begin at pages of any size in use, and are there for nobody yet.
        byte* start = Pointer + ((long)first << BlockShift);
        int result = Posix.MapAnonymousOver(start, content.Length);
        if (result < 0)
        {
            throw FileErrors.Create(-result, "finding memory for", path);
        }

        content.CopyTo(new Span<byte>(start, content.Length));
        Interlocked.Add(ref kept, content.Length);
    }
}
