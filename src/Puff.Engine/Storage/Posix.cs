using System.Runtime.InteropServices;

namespace Puff.Engine.Storage;

/// <summary>
/// The system calls the directory store is made of. The framework's file classes hide what it needs (exclusive rename, advisory locks,
/// inode and nanosecond times, folder fsync) and turn an absent file into a costly exception. Linux only; every call retries EINTR.
/// </summary>
internal static unsafe partial class Posix
{
    public const int EPerm = 1;
    public const int ENoEnt = 2;
    public const int EIntr = 4;
    public const int EIo = 5;
    public const int ENxIo = 6;
    public const int EAgain = 11;
    public const int ENoMem = 12;
    public const int EAcces = 13;
    public const int EExist = 17;
    public const int ENotDir = 20;
    public const int EInval = 22;
    public const int ENFile = 23;
    public const int EMFile = 24;
    public const int EFBig = 27;
    public const int ENoSpc = 28;
    public const int ERoFs = 30;
    public const int ENameTooLong = 36;
    public const int ENoSys = 38;
    public const int ENotEmpty = 39;
    public const int EDQuot = 122;

    public const int ReadOnly = 0;
    public const int CreateExclusive = 0x1 | 0x40 | 0x80;
    public const int CreateReadWriteExclusive = 0x2 | 0x40 | 0x80;
    public const int ReadWrite = 0x2;
    public const int ReadWriteCreate = 0x2 | 0x40;

    private const int CloseOnExec = 0x80000;
    private const int SetStatusFlags = 4;
    private const int WillNeed = 3;
    private const int ReadAndWrite = 1 | 2;
    private const int PrivateAnonymousFixed = 0x2 | 0x20 | 0x10;
    private const int PrivateAnonymousUnreserved = 0x2 | 0x20 | 0x4000;
    private const int SharedFixed = 0x1 | 0x10;
    private const int DontNeed = 4;
    private const int PunchHoleKeepSize = 2 | 1;
    private const int SeekData = 3;
    private const int SeekHole = 4;
    private const long TimeNow = (1L << 30) - 1;
    private const int LockExclusive = 2;
    private const int LockNoWait = 4;
    private const int LockRelease = 8;
    private const int AtCurrentFolder = -100;
    private const int AtEmptyPath = 0x1000;
    private const uint RenameNoReplace = 1;
    private const uint StatBasic = 0x7FF;
    private const long TimeOmit = (1L << 30) - 2;
    private const int FileTypeMask = 0xF000;
    private const int RegularFile = 0x8000;

    /// <summary>The one flag here whose number depends on the processor (fcntl.h of the kernel's architectures).</summary>
    private static readonly int DirectFlag = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 0x10000 : 0x4000;

    /// <summary>Facts about a file: what an ETag is made of.</summary>
    public readonly record struct FileFacts(ulong Inode, long Bytes, long Seconds, uint Nanoseconds, bool IsRegular, long DiskBytes);

    /// <summary>Opens a file and returns its descriptor, or minus the error number.</summary>
    public static int Open(string path, int flags)
    {
        int result;
        while ((result = Check(NativeOpen(path, flags | CloseOnExec, 0x1B6))) == -EIntr)
        {
        }

        return result;
    }

    public static void Close(int file) => NativeClose(file);

    /// <summary>Zero, or minus the error number.</summary>
    public static int Stat(string path, out FileFacts facts) => Stat(AtCurrentFolder, path, 0, out facts);

    /// <inheritdoc cref="Stat(string, out FileFacts)"/>
    public static int Stat(int file, out FileFacts facts) => Stat(file, "", AtEmptyPath, out facts);

    /// <summary>
    /// Fills <paramref name="target"/> from <paramref name="offset"/> on. Zero, minus the error number, or minus EIO when the file is shorter.
    /// </summary>
    public static int ReadFully(int file, byte* target, long length, long offset)
    {
        while (length > 0)
        {
            nint read = NativePRead(file, target, (nuint)Math.Min(length, 1 << 30), offset);
            int error = read < 0 ? Marshal.GetLastPInvokeError() : read == 0 ? EIo : 0;
            if (error == EIntr)
            {
                continue;
            }

            if (error != 0)
            {
                return -error;
            }

            target += read;
            offset += read;
            length -= read;
        }

        return 0;
    }

    /// <summary>Appends all of <paramref name="content"/>. Zero, or minus the error number.</summary>
    public static int WriteFully(int file, ReadOnlySpan<byte> content)
    {
        while (content.Length > 0)
        {
            nint written;
            fixed (byte* start = content)
            {
                written = NativeWrite(file, start, (nuint)content.Length);
            }

            int error = written < 0 ? Marshal.GetLastPInvokeError() : 0;
            if (error != 0 && error != EIntr)
            {
                return -error;
            }

            content = error == 0 ? content[(int)written..] : content;
        }

        return 0;
    }

    /// <summary>Writes all of <paramref name="content"/> at a place of a file. Zero, or minus the error number.</summary>
    public static int WriteFully(int file, ReadOnlySpan<byte> content, long offset)
    {
        while (content.Length > 0)
        {
            nint written;
            fixed (byte* start = content)
            {
                written = NativePWrite(file, start, (nuint)content.Length, offset);
            }

            int error = written < 0 ? Marshal.GetLastPInvokeError() : 0;
            if (error != 0 && error != EIntr)
            {
                return -error;
            }

            content = error == 0 ? content[(int)written..] : content;
            offset += error == 0 ? written : 0;
        }

        return 0;
    }

    /// <summary>Gives a file its length; what it had not before is a hole. Zero, or minus the error number.</summary>
    public static int SetLength(int file, long length) => Check(NativeFTruncate(file, length));

    /// <summary>
    /// Makes writes go from memory to the disk without a copy in the page cache, or through it again. Minus the error number when the file system has no such
    /// thing.
    /// </summary>
    public static int SetDirect(int file, bool direct) => Check(NativeFControl(file, SetStatusFlags, direct ? DirectFlag : 0));

    public static int Sync(int file) => Check(NativeFSync(file));

    /// <summary>Asks the system to have a part of a file in its page cache soon. Zero, or minus the error number; a system may do less than asked.</summary>
    public static int ReadAhead(int file, long offset, long length) => -NativeFAdvise(file, offset, length, WillNeed);

    /// <summary>Sets the time of the last change and leaves the time of the last access alone.</summary>
    public static int SetModified(int file, long seconds, uint nanoseconds)
    {
        var times = stackalloc TimeSpec[2];
        times[0] = new TimeSpec(0, TimeOmit);
        times[1] = new TimeSpec(seconds, nanoseconds);
        return Check(NativeFUTimens(file, times));
    }

    /// <summary>Replaces whatever <paramref name="target"/> was, in one step.</summary>
    public static int Rename(string source, string target) => Check(NativeRename(source, target));

    /// <summary>
    /// Gives a file its final name unless that is taken (minus EEXIST): the kernel decides between any number of racing processes.
    /// File systems without an exclusive rename get a hard link, which is exclusive by definition.
    /// </summary>
    public static int RenameExclusive(string source, string target)
    {
        int result;
        try
        {
            result = Check(NativeRename2(AtCurrentFolder, source, AtCurrentFolder, target, RenameNoReplace));
        }
        catch (EntryPointNotFoundException)
        {
            result = -ENoSys;
        }

        return result is -EInval or -ENoSys ? LinkExclusive(source, target) : result;
    }

    /// <inheritdoc cref="RenameExclusive"/>
    public static int LinkExclusive(string source, string target)
    {
        int result = Check(NativeLink(source, target));
        if (result == 0)
        {
            // The object stands; a second name in the temporary folder is swept like any other leftover.
            Unlink(source);
        }

        return result;
    }

    public static int Unlink(string path) => Check(NativeUnlink(path));

    public static int MakeFolder(string path) => Check(NativeMkDir(path, 0x1FF));

    public static int RemoveFolder(string path) => Check(NativeRmDir(path));

    /// <summary>Takes the advisory lock of an open file without waiting; minus EAGAIN when another holder has it.</summary>
    public static int TryLock(int file) => Check(NativeFLock(file, LockExclusive | LockNoWait));

    public static void Unlock(int file) => NativeFLock(file, LockRelease);

    /// <summary>Maps a whole file for reading; null with the error number when that fails.</summary>
    public static byte* Map(int file, long length, out int error)
    {
        void* start = NativeMMap(null, (nuint)length, 1, 1, file, 0);
        error = start == (void*)-1 ? Marshal.GetLastPInvokeError() : 0;
        return error == 0 ? (byte*)start : null;
    }

    /// <summary>Puts zeroed memory of this process in place of a part of a mapping. Zero, or minus the error number.</summary>
    /// <param name="start">At a page.</param>
    /// <param name="length">To the end of a page, or of the mapping.</param>
    public static int MapAnonymousOver(byte* start, long length) =>
        NativeMMap(start, (nuint)length, ReadAndWrite, PrivateAnonymousFixed, -1, 0) == (void*)-1 ? -Marshal.GetLastPInvokeError() : 0;

    /// <summary>Puts a part of a file in place of a part of a mapping, for reading. Zero, or minus the error number.</summary>
    public static int MapOver(byte* start, long length, int file, long offset) =>
        NativeMMap(start, (nuint)length, 1, SharedFixed, file, (nint)offset) == (void*)-1 ? -Marshal.GetLastPInvokeError() : 0;

    /// <summary>Zeroed memory of this process that takes room only where it is written to; null with the error number when that fails.</summary>
    public static byte* MapAnonymous(long length, out int error)
    {
        void* start = NativeMMap(null, (nuint)length, ReadAndWrite, PrivateAnonymousUnreserved, -1, 0);
        error = start == (void*)-1 ? Marshal.GetLastPInvokeError() : 0;
        return error == 0 ? (byte*)start : null;
    }

    /// <summary>Gives back the memory behind whole pages of an anonymous mapping; they are zero afterwards.</summary>
    public static void Discard(byte* start, long length) => NativeMAdvise(start, (nuint)length, DontNeed);

    /// <summary>Gives back the disk space behind a range of a file, which keeps its length. Zero, or minus the error number.</summary>
    public static int PunchHole(int file, long offset, long length) => Check(NativeFAllocate(file, PunchHoleKeepSize, offset, length));

    /// <summary>The next range of a file, from <paramref name="offset"/> on, that is not a hole. False when there is none.</summary>
    public static bool TryFindData(int file, long offset, long length, out long start, out long end)
    {
        start = NativeLSeek(file, offset, SeekData);
        end = start < 0 ? -1 : NativeLSeek(file, start, SeekHole);
        end = end < 0 ? length : end;
        return start >= 0 && start < length;
    }

    /// <summary>Sets the time of the last change to now.</summary>
    public static int Touch(int file)
    {
        var times = stackalloc TimeSpec[2];
        times[0] = new TimeSpec(0, TimeOmit);
        times[1] = new TimeSpec(0, TimeNow);
        return Check(NativeFUTimens(file, times));
    }

    public static void Unmap(byte* start, long length) => NativeMUnmap(start, (nuint)length);

    /// <summary>The system's text for an error number.</summary>
    public static string Describe(int error) => Marshal.GetPInvokeErrorMessage(error);

    private static int Check(int result) => result >= 0 ? result : -Marshal.GetLastPInvokeError();

    private static int Stat(int folder, string path, int flags, out FileFacts facts)
    {
        int result = Check(NativeStatX(folder, path, flags, StatBasic, out var stat));
        facts = result < 0
            ? default
            : new FileFacts(stat.Inode, (long)stat.Size, stat.ModifiedSeconds, stat.ModifiedNanoseconds, (stat.Mode & FileTypeMask) == RegularFile,
                (long)stat.Blocks * 512);
        return result;
    }

    /// <summary>struct statx: its layout, unlike struct stat's, is the same on every processor.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 256)]
    private struct StatX
    {
        [FieldOffset(28)]
        public ushort Mode;

        [FieldOffset(32)]
        public ulong Inode;

        [FieldOffset(40)]
        public ulong Size;

        [FieldOffset(48)]
        public ulong Blocks;

        [FieldOffset(112)]
        public long ModifiedSeconds;

        [FieldOffset(120)]
        public uint ModifiedNanoseconds;
    }

    private readonly record struct TimeSpec(long Seconds, long Nanoseconds);

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int NativeOpen(string path, int flags, int mode);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int NativeClose(int file);

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int NativeStatX(int folder, string path, int flags, uint mask, out StatX result);

    [LibraryImport("libc", EntryPoint = "pread", SetLastError = true)]
    private static partial nint NativePRead(int file, byte* target, nuint length, long offset);

    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    private static partial nint NativeWrite(int file, byte* source, nuint length);

    [LibraryImport("libc", EntryPoint = "pwrite", SetLastError = true)]
    private static partial nint NativePWrite(int file, byte* source, nuint length, long offset);

    [LibraryImport("libc", EntryPoint = "ftruncate", SetLastError = true)]
    private static partial int NativeFTruncate(int file, long length);

    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    private static partial int NativeFControl(int file, int command, int argument);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int NativeFSync(int file);

    [LibraryImport("libc", EntryPoint = "posix_fadvise")]
    private static partial int NativeFAdvise(int file, long offset, long length, int advice);

    [LibraryImport("libc", EntryPoint = "futimens", SetLastError = true)]
    private static partial int NativeFUTimens(int file, TimeSpec* times);

    [LibraryImport("libc", EntryPoint = "rename", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int NativeRename(string source, string target);

    [LibraryImport("libc", EntryPoint = "renameat2", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int NativeRename2(int sourceFolder, string source, int targetFolder, string target, uint flags);

    [LibraryImport("libc", EntryPoint = "link", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int NativeLink(string source, string target);

    [LibraryImport("libc", EntryPoint = "unlink", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int NativeUnlink(string path);

    [LibraryImport("libc", EntryPoint = "mkdir", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int NativeMkDir(string path, uint mode);

    [LibraryImport("libc", EntryPoint = "rmdir", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int NativeRmDir(string path);

    [LibraryImport("libc", EntryPoint = "flock", SetLastError = true)]
    private static partial int NativeFLock(int file, int operation);

    [LibraryImport("libc", EntryPoint = "mmap", SetLastError = true)]
    private static partial void* NativeMMap(void* address, nuint length, int protection, int flags, int file, nint offset);

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int NativeMAdvise(void* address, nuint length, int advice);

    [LibraryImport("libc", EntryPoint = "fallocate", SetLastError = true)]
    private static partial int NativeFAllocate(int file, int mode, long offset, long length);

    [LibraryImport("libc", EntryPoint = "lseek", SetLastError = true)]
    private static partial long NativeLSeek(int file, long offset, int whence);

    [LibraryImport("libc", EntryPoint = "munmap")]
    private static partial int NativeMUnmap(void* address, nuint length);
}
