namespace Puff.Engine.Storage;

/// <summary>An object of which the cache has blocks, open or not.</summary>
internal sealed class CachedObject(string key, string path, long length, CacheShare share) : CachedBlocks(share, LocalCopy.BlocksOf(length))
{
    public string Key { get; } = key;

    /// <summary>Of its file.</summary>
    public string Path { get; } = path;

    public long Length { get; } = length;

    /// <summary>Null when nobody has it open.</summary>
    public DemandMemory? Memory { get; set; }
}
