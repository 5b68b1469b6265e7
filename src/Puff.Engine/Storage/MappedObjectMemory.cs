namespace Puff.Engine.Storage;

/// <summary>A file mapped for reading. The mapping outlives the file's descriptor and its name; the last release unmaps.</summary>
internal sealed unsafe class MappedObjectMemory : ObjectMemory
{
    private MappedObjectMemory(byte* start, long length)
        : base(start, length)
    {
    }

    /// <summary>Maps an open, non-empty file; null with the error number when the system refuses.</summary>
    public static MappedObjectMemory? TryMap(int file, long length, out int error)
    {
        byte* start = Posix.Map(file, length, out error);
        return error == 0 ? new MappedObjectMemory(start, length) : null;
    }

    protected override void Free() => Posix.Unmap(Pointer, Length);
}
