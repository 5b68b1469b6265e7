namespace Puff.Engine.Encoding;

/// <summary>Brings bytes of a <see cref="MemoryRegion"/> that are not in memory yet. Calls block until they are; any number of threads may call.</summary>
internal interface IBlockSource
{
    /// <summary>When this returns, the bytes may be read. A store's failure passes through.</summary>
    void Require(long offset, long length);

    /// <summary>Brings bytes once more that turned out to be damaged. False when there is no better copy to be had.</summary>
    bool Reload(long offset, long length);
}
