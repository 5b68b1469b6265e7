using System.IO.MemoryMappedFiles;
using Microsoft.Win32.SafeHandles;
using Puff.Engine.Storage;

namespace Puff.Storage;

/// <summary>A mapped local file without a name: the last release gives its disk space back, and so does the end of the process.</summary>
internal sealed unsafe class DownloadedObjectMemory : ObjectMemory
{
    private readonly MemoryMappedFile file;
    private readonly MemoryMappedViewAccessor view;

    private DownloadedObjectMemory(MemoryMappedFile file, MemoryMappedViewAccessor view, byte* start, long length)
        : base(start + view.PointerOffset, length)
    {
        this.file = file;
        this.view = view;
    }

    /// <summary>Maps a complete, non-empty file. Takes the handle over.</summary>
    public static DownloadedObjectMemory Map(SafeFileHandle handle, long length)
    {
        var file = MemoryMappedFile.CreateFromFile(handle, null, length, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: false);
        var view = file.CreateViewAccessor(0, length, MemoryMappedFileAccess.Read);
        byte* start = null;
        view.SafeMemoryMappedViewHandle.AcquirePointer(ref start);
        return new DownloadedObjectMemory(file, view, start, length);
    }

    protected override void Free()
    {
        view.SafeMemoryMappedViewHandle.ReleasePointer();
        view.Dispose();
        file.Dispose();
    }
}
