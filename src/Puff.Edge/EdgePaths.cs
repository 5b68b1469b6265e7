using System.Runtime.InteropServices;

namespace Puff.Edge;

/// <summary>Whether two paths are one file: two stores in one file would destroy each other.</summary>
public static partial class EdgePaths
{
    private const int CurrentFolder = -100;
    private const uint WantsInode = 0x100;

    public static bool AreSame(string first, string second)
    {
        if (Resolve(first) == Resolve(second))
        {
            return true;
        }

        return OperatingSystem.IsLinux() && IdentityOf(first) is { } one && one == IdentityOf(second);
    }

    private static string Resolve(string path)
    {
        try
        {
            return File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? Path.GetFullPath(path);
        }
        catch (IOException)
        {
            return Path.GetFullPath(path);
        }
    }

    /// <summary>Device and number of a file, or null when it is not there. The layout of statx is the kernel's, the same on every processor.</summary>
    private static unsafe (ulong Device, ulong File)? IdentityOf(string path)
    {
        byte* buffer = stackalloc byte[256];
        if (StatX(CurrentFolder, path, 0, WantsInode, buffer) != 0)
        {
            return null;
        }

        var status = new ReadOnlySpan<byte>(buffer, 256);
        ulong device = ((ulong)BitConverter.ToUInt32(status[136..]) << 32) | BitConverter.ToUInt32(status[140..]);
        return (device, BitConverter.ToUInt64(status[32..]));
    }

    [LibraryImport("libc", EntryPoint = "statx", StringMarshalling = StringMarshalling.Utf8)]
    private static unsafe partial int StatX(int folder, string path, int flags, uint mask, byte* result);
}
