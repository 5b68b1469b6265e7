namespace Puff.Engine.Storage;

/// <summary>What a <see cref="CachePolicy"/> knows of one object: whose it is, and a byte for each of its blocks.</summary>
internal class CachedBlocks(CacheShare share, int blocks)
{
    public const int MaxTouches = 3;

    private const int PlaceMask = 7;
    private const int TouchShift = 4;

    private readonly byte[] states = new byte[blocks];

    /// <summary>The namespace that is charged for the blocks.</summary>
    public CacheShare Share { get; } = share;

    public int Count => states.Length;

    public CachePlace PlaceOf(int block) => (CachePlace)(states[block] & PlaceMask);

    public int TouchesOf(int block) => states[block] >> TouchShift;

    /// <summary>Blocks that are in the cache.</summary>
    public int Resident { get; private set; }

    public void Set(int block, CachePlace place, int touches)
    {
        Resident += (place >= CachePlace.Young ? 1 : 0) - (PlaceOf(block) >= CachePlace.Young ? 1 : 0);
        states[block] = (byte)((int)place | (touches << TouchShift));
    }
}

/// <summary>Where a block stands. Those from <see cref="Young"/> on are in the cache.</summary>
internal enum CachePlace
{
    Unknown,

    /// <summary>Evicted a short while ago: who comes back from there is worth more.</summary>
    Ghost,

    /// <summary>Came lately: what touches it is taken for the query that brought it.</summary>
    Young,

    /// <summary>Waits for its first touch.</summary>
    Small,

    /// <summary>Was touched again after it had come.</summary>
    Main,

    /// <summary>In use in a way that forbids to evict it.</summary>
    Held,
}
