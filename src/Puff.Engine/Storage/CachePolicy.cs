namespace Puff.Engine.Storage;

/// <summary>
/// Which blocks stay: S3-FIFO (Yang, Zhang, Qiu, Yue, Rashmi: "FIFO queues are all you need for cache eviction", SOSP 2023) with queues for each namespace.
/// A new block enters a small queue (a tenth of the cache) and leaves it for the main queue when it was touched there, or else the cache, remembered for a
/// while as a ghost; a ghost that comes back enters the main queue. Whoever must give up a block is the namespace with the most blocks in the queue in
/// question: so a namespace loses nothing to others as long as it has no more than its equal share. Not thread-safe.
/// </summary>
/// <param name="capacity">Blocks of the cache.</param>
internal sealed class CachePolicy(int capacity)
{
    /// <summary>Of ten blocks one is in a small queue.</summary>
    private const int SmallFraction = 10;

    /// <summary>A namespace's first blocks need not be young.</summary>
    private const int FewBlocks = 8;

    private readonly List<CacheShare> shares = [];
    private int smalls;
    private int mains;
    private int ghosts;
    private int pinned;

    /// <summary>Blocks of the cache; more than this leave on the next <see cref="TryEvict"/>.</summary>
    public int Capacity { get; set; } = capacity;

    /// <summary>Blocks that are in the cache.</summary>
    public int Count { get; private set; }

    /// <summary>Blocks that came back although they had been evicted.</summary>
    public long GhostHits { get; private set; }

    /// <summary>Is told of blocks whose next touch the policy needs to know of; of others it need not hear.</summary>
    public Action<CachedBlocks, int>? Watch { get; set; }

    public IReadOnlyList<CacheShare> Shares => shares;

    /// <summary>Pinned blocks may take so many; beyond that they leave as others do.</summary>
    public int PinnedCapacity => (int)(Capacity * 0.8);

    public CacheShare AddShare(string name)
    {
        var share = new CacheShare(name);
        shares.Add(share);
        return share;
    }

    /// <summary>Forgets a namespace of which nothing is in the cache.</summary>
    public void RemoveShare(CacheShare share)
    {
        if (share.Count == 0 && shares.Remove(share))
        {
            ghosts -= share.GhostCount;
        }
    }

    public void Pin(CacheShare share, bool isPinned)
    {
        if (share.IsPinned != isPinned)
        {
            share.IsPinned = isPinned;
            pinned += isPinned ? share.Count : -share.Count;
        }
    }

    /// <summary>A block is in the cache now.</summary>
    /// <param name="item">Its object.</param>
    /// <param name="block">Which.</param>
    /// <param name="isProven">It was in the cache before, for good reason.</param>
    public void Add(CachedBlocks item, int block, bool isProven = false)
    {
        var place = item.PlaceOf(block);
        if (place >= CachePlace.Young)
        {
            return;
        }

        GhostHits += place == CachePlace.Ghost ? 1 : 0;
        Move(item, block, isProven || place == CachePlace.Ghost ? CachePlace.Main : CachePlace.Young, 0);
        if (item.PlaceOf(block) == CachePlace.Main)
        {
            Watch?.Invoke(item, block);
        }

        var share = item.Share;
        while (share.YoungCount > share.SmallCount + FewBlocks && share.TryTake(CachePlace.Young, out var older, out int number))
        {
            Move(older, number, CachePlace.Small, 0);
            Watch?.Invoke(older, number);
        }
    }

    /// <summary>A block in the cache was used.</summary>
    public void Touch(CachedBlocks item, int block)
    {
        var place = item.PlaceOf(block);
        if (place is CachePlace.Small or CachePlace.Main)
        {
            item.Set(block, place, Math.Min(item.TouchesOf(block) + 1, CachedBlocks.MaxTouches));
        }
    }

    /// <summary>A block in the cache must stay until it is removed.</summary>
    public void Hold(CachedBlocks item, int block)
    {
        if (item.PlaceOf(block) is CachePlace.Young or CachePlace.Small or CachePlace.Main)
        {
            Move(item, block, CachePlace.Held, 0);
        }
    }

    /// <summary>Held blocks of an object may go again.</summary>
    public void Unhold(CachedBlocks item)
    {
        for (int block = 0; block < item.Count; block++)
        {
            if (item.PlaceOf(block) == CachePlace.Held)
            {
                Move(item, block, CachePlace.Main, 1);
                Watch?.Invoke(item, block);
            }
        }
    }

    /// <summary>A block is not in the cache any more, for a reason of others.</summary>
    public void Remove(CachedBlocks item, int block)
    {
        if (item.PlaceOf(block) != CachePlace.Unknown)
        {
            Move(item, block, CachePlace.Unknown, 0);
        }
    }

    /// <summary>The block to give up when there are too many. False when there are not, or when all that are left must stay.</summary>
    public bool TryEvict(out CachedBlocks item, out int block)
    {
        while (Count > Capacity)
        {
            bool mayTakePinned = pinned > PinnedCapacity;
            bool fromSmall = smalls > Math.Max(Capacity / SmallFraction, 1) || mains == 0;
            var share = Largest(fromSmall, mayTakePinned) ?? Largest(!fromSmall, mayTakePinned);
            if (share is null)
            {
                break;
            }

            if (TryEvictFrom(share, SmallsOf(share) > 0 && (fromSmall || share.MainCount == 0), out item, out block))
            {
                return true;
            }
        }

        (item, block) = (null!, 0);
        return false;
    }

    private static int SmallsOf(CacheShare share) => share.YoungCount + share.SmallCount;

    private CacheShare? Largest(bool small, bool mayTakePinned)
    {
        CacheShare? largest = null;
        int most = 0;
        foreach (var share in shares)
        {
            int count = small ? SmallsOf(share) : share.MainCount;
            if (count > most && (mayTakePinned || !share.IsPinned))
            {
                (largest, most) = (share, count);
            }
        }

        return largest;
    }

    /// <summary>Looks at the oldest block of a queue: it is evicted, or moved because it was touched.</summary>
    private bool TryEvictFrom(CacheShare share, bool small, out CachedBlocks item, out int block)
    {
        bool found = small
            ? share.TryTake(CachePlace.Small, out item, out block) || share.TryTake(CachePlace.Young, out item, out block)
            : share.TryTake(CachePlace.Main, out item, out block);
        if (!found)
        {
            return false;
        }

        int touches = item.TouchesOf(block);
        if (touches == 0)
        {
            Move(item, block, small ? CachePlace.Ghost : CachePlace.Unknown, 0);
            LimitGhosts();
            return true;
        }

        Move(item, block, CachePlace.Main, small ? 0 : touches - 1);
        Watch?.Invoke(item, block);
        return false;
    }

    /// <summary>As many ghosts as the main queues may have blocks; whoever has the most gives one up.</summary>
    private void LimitGhosts()
    {
        while (ghosts > Capacity - (Capacity / SmallFraction))
        {
            var share = shares.MaxBy(s => s.GhostCount)!;
            if (share.TryTake(CachePlace.Ghost, out var item, out int block))
            {
                Move(item, block, CachePlace.Unknown, 0);
            }
        }
    }

    private void Move(CachedBlocks item, int block, CachePlace place, int touches)
    {
        CountPlace(item.PlaceOf(block), item.Share, -1);
        CountPlace(place, item.Share, 1);
        item.Share.Move(item, block, place, touches);
    }

    private void CountPlace(CachePlace place, CacheShare share, int change)
    {
        int inCache = place >= CachePlace.Young ? change : 0;
        Count += inCache;
        pinned += share.IsPinned ? inCache : 0;
        smalls += place is CachePlace.Young or CachePlace.Small ? change : 0;
        mains += place == CachePlace.Main ? change : 0;
        ghosts += place == CachePlace.Ghost ? change : 0;
    }
}
