namespace Puff.Engine.Storage;

/// <summary>The blocks of one namespace: queues of its own, so that what another one reads cannot push them out.</summary>
internal sealed class CacheShare(string name)
{
    private const int MinStale = 64;

    private readonly Queue<Entry> young = new();
    private readonly Queue<Entry> small = new();
    private readonly Queue<Entry> main = new();
    private readonly Queue<Entry> ghosts = new();

    public string Name { get; } = name;

    /// <summary>Whether its blocks stay while those of others go.</summary>
    public bool IsPinned { get; internal set; }

    public int YoungCount { get; private set; }

    public int SmallCount { get; private set; }

    public int MainCount { get; private set; }

    public int GhostCount { get; private set; }

    public int HeldCount { get; private set; }

    /// <summary>Blocks in the cache.</summary>
    public int Count => YoungCount + SmallCount + MainCount + HeldCount;

    /// <summary>Moves a block to a place, at the end of its queue. What it leaves in the queue of another place is passed over there.</summary>
    internal void Move(CachedBlocks item, int block, CachePlace place, int touches)
    {
        Adjust(item.PlaceOf(block), -1);
        Adjust(place, 1);
        item.Set(block, place, touches);
        if (QueueOf(place) is { } queue)
        {
            queue.Enqueue(new Entry(item, block));
            DropStale(queue, place);
        }
    }

    /// <summary>The block that waits longest in a place; it stays there. False when there is none.</summary>
    internal bool TryTake(CachePlace place, out CachedBlocks item, out int block)
    {
        var queue = QueueOf(place)!;
        while (queue.TryDequeue(out var entry))
        {
            if (entry.Item.PlaceOf(entry.Block) == place)
            {
                (item, block) = (entry.Item, entry.Block);
                return true;
            }
        }

        (item, block) = (null!, 0);
        return false;
    }

    /// <summary>Keeps what blocks left behind from outgrowing the blocks.</summary>
    private static void DropStale(Queue<Entry> queue, CachePlace place)
    {
        if (queue.Count < MinStale || queue.Count < queue.Capacity)
        {
            return;
        }

        var seen = new HashSet<Entry>();
        for (int left = queue.Count; left > 0; left--)
        {
            var entry = queue.Dequeue();
            if (entry.Item.PlaceOf(entry.Block) == place && seen.Add(entry))
            {
                queue.Enqueue(entry);
            }
        }
    }

    private Queue<Entry>? QueueOf(CachePlace place) => place switch
    {
        CachePlace.Young => young,
        CachePlace.Small => small,
        CachePlace.Main => main,
        CachePlace.Ghost => ghosts,
        _ => null,
    };

    private void Adjust(CachePlace place, int change)
    {
        switch (place)
        {
            case CachePlace.Young:
                YoungCount += change;
                break;
            case CachePlace.Small:
                SmallCount += change;
                break;
            case CachePlace.Main:
                MainCount += change;
                break;
            case CachePlace.Ghost:
                GhostCount += change;
                break;
            case CachePlace.Held:
                HeldCount += change;
                break;
            default:
                break;
        }
    }

    private readonly record struct Entry(CachedBlocks Item, int Block);
}
