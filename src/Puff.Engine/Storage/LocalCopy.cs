using System.Runtime.InteropServices;

namespace Puff.Engine.Storage;

/// <summary>
/// The local copy of one object, filled block by block: a sparse file that is mapped for reading, and which of its blocks are there. Without a name it ends
/// with the process, and a short object's copy is plain memory; with a name the next process finds what is there. Blocks are written through the file and not
/// through the mapping, because a full disk is then an error number instead of a signal; a block that the disk has no room for lies in memory of its own, at
/// its place in the mapping.
/// </summary>
internal sealed unsafe class LocalCopy
{
    public const int BlockShift = 16;
    public const int BlockBytes = 1 << BlockShift;

    /// <summary>Copies up to this length are plain memory: a file, a mapping and a descriptor would cost more.</summary>
    private const long MemoryBytes = 4 * BlockBytes;

    private const int None = -1;

    private readonly ulong[] present;
    private readonly ulong[] beside;
    private readonly int file;
    private readonly string path;
    private readonly bool isMapped;
    private int besideBlocks;
    private Func<int, bool>? refuses;

    private LocalCopy(byte* pointer, long length, int file, string path, bool isMapped)
    {
        Pointer = pointer;
        Length = length;
        this.file = file;
        this.path = path;
        this.isMapped = isMapped;
        present = new ulong[(Blocks + 63) / 64];
        beside = new ulong[present.Length];
    }

    /// <summary>Where byte 0 of the object is, or will be; the address stays as long as the copy.</summary>
    public byte* Pointer { get; }

    public long Length { get; }

    public int Blocks => BlocksOf(Length);

    /// <summary>Blocks that lie in memory, because the disk did not take them.</summary>
    public int BlocksBesideDisk => Volatile.Read(ref besideBlocks);

    public static int BlocksOf(long length) => checked((int)((length + BlockBytes - 1) >> BlockShift));

    /// <summary>A copy that ends with the process.</summary>
    /// <param name="folder">Where the file is made.</param>
    /// <param name="length">Of the object, at least 1.</param>
    public static LocalCopy Create(string folder, long length)
    {
        if (length <= MemoryBytes)
        {
            return new LocalCopy((byte*)NativeMemory.AlignedAlloc((nuint)length, (nuint)Environment.SystemPageSize), length, None, "", false);
        }

        var (file, path) = CreateFile(folder);
        return TryMap(file, path, length, out int error) ?? throw FileErrors.Create(error, "preparing", path);
    }

    /// <summary>
    /// A copy that stays: what an earlier one has left is there. Where the disk takes no file, it is in memory, all of it counted as beside the disk.
    /// </summary>
    /// <param name="path">Of the file.</param>
    /// <param name="length">Of the object, at least 1.</param>
    /// <param name="refuses">Whether a write of so many bytes is to fail; null for never.</param>
    public static LocalCopy OpenNamed(string path, long length, Func<int, bool>? refuses = null)
    {
        int file = Posix.Open(path, Posix.ReadWriteCreate);
        if (file >= 0 && TryMap(file, path, length, out _) is { } copy)
        {
            Posix.Touch(file);
            copy.refuses = refuses;
            copy.FindPresent();
            return copy;
        }

        byte* start = Posix.MapAnonymous(length, out int error);
        return error == 0 ? new LocalCopy(start, length, None, path, true) : throw FileErrors.Create(error, "finding memory for", path);
    }

    /// <summary>Gives back a block of a copy that nobody has open.</summary>
    public static void EvictClosed(string path, int block)
    {
        int file = Posix.Open(path, Posix.ReadWrite);
        if (file >= 0)
        {
            Posix.PunchHole(file, (long)block << BlockShift, BlockBytes);
            Posix.Close(file);
        }
    }

    public bool Has(int block) => IsSet(present, block);

    public bool IsBesideDisk(int block) => IsSet(beside, block);

    /// <summary>Stores consecutive blocks; afterwards they are there.</summary>
    /// <param name="first">The first block.</param>
    /// <param name="content">Whole blocks; only the object's last one may be shorter.</param>
    /// <param name="replace">Also blocks that are there already, and damaged.</param>
    /// <returns>False when the disk did not take something.</returns>
    public bool Write(int first, ReadOnlySpan<byte> content, bool replace)
    {
        int count = BlocksOf(content.Length);
        bool isOnDisk = true;
        for (int i = 0; i < count;)
        {
            int run = 0;
            while (i + run < count && (replace || !Has(first + i + run))
                && (run == 0 || !(IsBesideDisk(first + i) || IsBesideDisk(first + i + run))))
            {
                run++;
            }

            if (run > 0)
            {
                isOnDisk &= Store(first + i, content[(i * BlockBytes)..Math.Min((i + run) * BlockBytes, content.Length)]);
            }

            i += Math.Max(run, 1);
        }

        return isOnDisk;
    }

    /// <summary>Gives a block's room back. Nobody may look at it any more, and nobody store it meanwhile.</summary>
    public void Evict(int block)
    {
        Interlocked.And(ref present[block >> 6], ~(1UL << block));
        long offset = (long)block << BlockShift;
        long length = Math.Min(BlockBytes, Length - offset);
        if (IsBesideDisk(block))
        {
            // When the file cannot be mapped again, the memory stays where it is and takes the block when it comes back.
            if (file == None)
            {
                Posix.Discard(Pointer + offset, length);
            }
            else if (Posix.MapOver(Pointer + offset, length, file, offset) < 0)
            {
                return;
            }

            Interlocked.And(ref beside[block >> 6], ~(1UL << block));
            Interlocked.Decrement(ref besideBlocks);
        }

        if (file != None)
        {
            Posix.PunchHole(file, offset, BlockBytes);
        }
    }

    public void Free()
    {
        if (!isMapped)
        {
            NativeMemory.AlignedFree(Pointer);
            return;
        }

        Posix.Unmap(Pointer, Length);
        if (file != None)
        {
            Posix.Close(file);
        }
    }

    private static bool IsSet(ulong[] bits, int block) => (Volatile.Read(ref bits[block >> 6]) >> block & 1) != 0;

    private static LocalCopy? TryMap(int file, string path, long length, out int error)
    {
        int result = Posix.SetLength(file, length);
        error = -result;
        byte* start = result < 0 ? null : Posix.Map(file, length, out error);
        if (error == 0)
        {
            return new LocalCopy(start, length, file, path, true);
        }

        Posix.Close(file);
        return null;
    }

    /// <summary>A file that has no name any more, so that neither a crash nor a forgotten release leaves it behind.</summary>
    private static (int File, string Path) CreateFile(string folder)
    {
        string path = Path.Combine(folder, $"puff-{Path.GetRandomFileName()}");
        int file = Posix.Open(path, Posix.CreateReadWriteExclusive);
        if (file == -Posix.ENoEnt)
        {
            CacheFolder.Make(folder);
            file = Posix.Open(path, Posix.CreateReadWriteExclusive);
        }

        if (file < 0)
        {
            throw FileErrors.Create(-file, "creating", path);
        }

        Posix.Unlink(path);
        return (file, path);
    }

    /// <summary>What an earlier process has written: whole blocks only. Whether they are good their checksums say.</summary>
    private void FindPresent()
    {
        for (long at = 0; Posix.TryFindData(file, at, Length, out long start, out long end); at = end)
        {
            long last = end >= Length ? Blocks : end >> BlockShift;
            for (long block = (start + BlockBytes - 1) >> BlockShift; block < last; block++)
            {
                present[block >> 6] |= 1UL << (int)block;
            }
        }
    }

    private bool Store(int first, ReadOnlySpan<byte> content)
    {
        long offset = (long)first << BlockShift;
        bool isOnDisk = true;
        if (!isMapped)
        {
            content.CopyTo(new Span<byte>(Pointer + offset, content.Length));
        }
        else if (IsBesideDisk(first) || file == None || refuses?.Invoke(content.Length) == true || Posix.WriteFully(file, content, offset) < 0)
        {
            isOnDisk = false;
            KeepBesideDisk(first, content);
        }

        for (int block = first; block < first + BlocksOf(content.Length); block++)
        {
            Interlocked.Or(ref present[block >> 6], 1UL << block);
        }

        return isOnDisk;
    }

    private void KeepBesideDisk(int first, ReadOnlySpan<byte> content)
    {
        // Blocks begin at pages of any size in use, and are there for nobody yet; unless they lie in memory already.
        byte* start = Pointer + ((long)first << BlockShift);
        int result = file == None || IsBesideDisk(first) ? 0 : Posix.MapAnonymousOver(start, content.Length);
        if (result < 0)
        {
            throw FileErrors.Create(-result, "finding memory for", path);
        }

        content.CopyTo(new Span<byte>(start, content.Length));
        for (int block = first; block < first + BlocksOf(content.Length); block++)
        {
            if (!IsBesideDisk(block))
            {
                Interlocked.Or(ref beside[block >> 6], 1UL << block);
                Interlocked.Increment(ref besideBlocks);
            }
        }
    }
}
