namespace Puff.Engine.Encoding;

/// <summary>Brings bytes of a <see cref="MemoryRegion"/> that are not in memory yet. Calls block until they are; any number of threads may call.</summary>
internal interface IBlockSource
{
    /// <summary>When this returns, the bytes may be read. A store's failure passes through.</summary>
    void Require(long offset, long length);

    /// <summary>Brings bytes once more that turned out to be damaged. False when there is no better copy to be had.</summary>
    bool Reload(long offset, long length);

    /// <summary>
    /// Which blocks of 64 KiB may be read without asking, a bit each, when they may be taken away again; null when they stay. Whoever reads such blocks has
    /// a ticket of those who take them away.
    /// </summary>
    ulong[]? ReadyBlocks { get; }

    /// <summary>Marks a block in <see cref="ReadyBlocks"/>. False when it is not here any more, or was never found good and is not now.</summary>
    /// <param name="block">Its number.</param>
    /// <param name="isGood">Whether its checksum was verified since it came.</param>
    bool TryMarkReady(int block, bool isGood);

    /// <summary>Keeps bytes in memory from now on, for who keeps a pointer to them.</summary>
    void Hold(long offset, long length);
}
