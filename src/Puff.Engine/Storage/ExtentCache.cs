namespace Puff.Engine.Storage;

/// <summary>
/// The blocks of remote objects that stay on this node's disk, within a number of bytes, over restarts. What goes is decided by a <see cref="CachePolicy"/>;
/// it goes when nobody can be reading it: first it is hidden from new readers, and when all who read before have ended, its room is given back, unless
/// somebody has asked for it meanwhile.
/// </summary>
internal sealed class ExtentCache : IDisposable
{
    /// <summary>A part of the room is for what is on its way out.</summary>
    private const int SpareFraction = 32;

    private readonly CacheFolder folder;
    private readonly long memoryBytes;
    private readonly Func<int, bool>? refuses;

    /// <summary>Guards which objects are known and open. Taken before <see cref="gate"/>, never after.</summary>
    private readonly Lock objectsGate = new();
    private readonly Dictionary<string, CachedObject> objects = new(StringComparer.Ordinal);
    private readonly Queue<(string Path, int Blocks)> unopened = new();
    private readonly Dictionary<string, int> unopenedBlocks = new(StringComparer.Ordinal);

    /// <summary>Guards the policy and the lists. A leaf: nothing is called that takes another lock.</summary>
    private readonly Lock gate = new();
    private readonly CachePolicy policy;
    private readonly Dictionary<string, CacheShare> shares = new(StringComparer.Ordinal);
    private readonly Queue<(CachedObject Item, int Block)> besideDisk = new();
    private readonly Queue<Leaving> leaving = new();
    private readonly int fullCapacity;
    private int allowedCapacity;
    private int blocksOfUnopened;
    private long batches;
    private long evictions;
    private long failedWrites;
    private bool isReclaiming;

    /// <param name="folder">Taken over.</param>
    /// <param name="options">How much may stay.</param>
    public ExtentCache(CacheFolder folder, ExtentStoreOptions options)
    {
        this.folder = folder;
        memoryBytes = options.MemoryBytes;
        refuses = options.RefusesWrite;
        foreach (var (path, bytes) in folder.List())
        {
            int blocks = LocalCopy.BlocksOf(bytes);
            unopened.Enqueue((path, blocks));
            unopenedBlocks.Add(path, blocks);
            blocksOfUnopened += blocks;
        }

        CapacityBytes = options.CacheBytes > 0 ? options.CacheBytes : folder.ProposeBytes((long)blocksOfUnopened << LocalCopy.BlockShift);
        int blocksOfAll = (int)Math.Min(int.MaxValue / 2, CapacityBytes >> LocalCopy.BlockShift);
        fullCapacity = Math.Max(blocksOfAll - Math.Max(blocksOfAll / SpareFraction, 1), 1);
        allowedCapacity = fullCapacity;
        policy = new CachePolicy(fullCapacity) { Watch = static (item, block) => ((CachedObject)item).Memory?.HideReady(block) };
        Readers.Left = ReclaimLater;
        TrimUnopened();
    }

    public long CapacityBytes { get; }

    public ReaderEpochs Readers { get; } = new();

    public void Dispose() => folder.Dispose();

    /// <summary>An object with what is here of it. The caller is its owner.</summary>
    public DemandMemory Open(string key, long length, StorePurpose purpose, BlockFetcher fetcher, Action<DemandMemory> closed)
    {
        lock (objectsGate)
        {
            string path = folder.PathOf(key, length);
            if (!objects.TryGetValue(path, out var item))
            {
                objects.Add(path, item = new CachedObject(key, path, length, ShareOf(key)));
            }

            var copy = LocalCopy.OpenNamed(path, length, refuses);
            var memory = new DemandMemory(key, purpose, copy, fetcher, closed) { Cache = this, Cached = item };
            lock (gate)
            {
                item.Memory = memory;
                policy.Unhold(item);
                if (unopenedBlocks.Remove(path, out int blocks))
                {
                    blocksOfUnopened -= blocks;
                }

                for (int block = 0; block < copy.Blocks; block++)
                {
                    if (copy.Has(block))
                    {
                        policy.Add(item, block, isProven: true);
                    }
                    else if (item.PlaceOf(block) >= CachePlace.Young)
                    {
                        policy.Remove(item, block);
                    }
                }
            }

            return memory;
        }
    }

    /// <summary>The last reference to an open object has gone.</summary>
    public void Close(DemandMemory memory)
    {
        var item = memory.Cached!;
        lock (objectsGate)
        {
            lock (gate)
            {
                if (!ReferenceEquals(item.Memory, memory))
                {
                    return;
                }

                item.Memory = null;
                policy.Unhold(item);
                for (int block = 0; memory.Copy.BlocksBesideDisk > 0 && block < item.Count; block++)
                {
                    if (memory.Copy.IsBesideDisk(block))
                    {
                        policy.Remove(item, block);
                    }
                }
            }

            ForgetIfEmpty(item);
        }
    }

    /// <summary>The object is deleted: what is here of it is of no use any more.</summary>
    public void Forget(string key)
    {
        lock (objectsGate)
        {
            foreach (var item in objects.Values.Where(o => o.Key == key && o.Memory is null).ToList())
            {
                lock (gate)
                {
                    for (int block = 0; block < item.Count; block++)
                    {
                        policy.Remove(item, block);
                    }
                }

                ForgetIfEmpty(item);
            }
        }
    }

    /// <summary>Gives up every block of a namespace that nobody holds. Returns how many.</summary>
    public int Purge(string share)
    {
        List<CachedObject> items;
        lock (objectsGate)
        {
            items = objects.Values.Where(o => o.Share.Name == share).ToList();
        }

        var victims = new List<(CachedObject, int)>();
        lock (gate)
        {
            foreach (var item in items)
            {
                for (int block = 0; block < item.Count; block++)
                {
                    if (item.PlaceOf(block) is CachePlace.Young or CachePlace.Small or CachePlace.Main)
                    {
                        policy.Remove(item, block);
                        victims.Add((item, block));
                    }
                }
            }
        }

        Leave(victims);
        Reclaim();
        return victims.Count;
    }

    public void Pin(string share, bool isPinned)
    {
        lock (gate)
        {
            policy.Pin(FindShare(share), isPinned);
        }
    }

    /// <summary>Blocks have come and were stored.</summary>
    public void Added(DemandMemory memory, int first, int count, bool isOnDisk)
    {
        var victims = new List<(CachedObject, int)>();
        lock (gate)
        {
            AdaptCapacity(count, isOnDisk);
            for (int block = first; block < first + count; block++)
            {
                policy.Add(memory.Cached!, block);
                if (memory.Copy.IsBesideDisk(block))
                {
                    besideDisk.Enqueue((memory.Cached!, block));
                }
            }

            ChooseBeside(victims);
        }

        TrimUnopened();
        lock (gate)
        {
            while (policy.TryEvict(out var item, out int block))
            {
                victims.Add(((CachedObject)item, block));
            }
        }

        Leave(victims);
        Reclaim();
    }

    /// <summary>A block that the policy watches was used, or one on its way out was rescued.</summary>
    public void Touch(CachedObject item, int block)
    {
        lock (gate)
        {
            if (item.PlaceOf(block) >= CachePlace.Young)
            {
                policy.Touch(item, block);
            }
            else
            {
                policy.Add(item, block, isProven: true);
            }
        }
    }

    public void Hold(CachedObject item, int block)
    {
        lock (gate)
        {
            policy.Add(item, block);
            policy.Hold(item, block);
        }
    }

    /// <param name="fetched">What was wanted and fetched.</param>
    public CacheStatistics Describe(CacheStatistics fetched)
    {
        lock (objectsGate)
        lock (gate)
        {
            return fetched with
            {
                CapacityBytes = CapacityBytes,
                Bytes = (long)(policy.Count + leaving.Sum(l => l.Blocks.Count)) << LocalCopy.BlockShift,
                UnopenedBytes = (long)blocksOfUnopened << LocalCopy.BlockShift,
                MemoryBytes = objects.Values.Sum(o => (long)(o.Memory?.Copy.BlocksBesideDisk ?? 0)) << LocalCopy.BlockShift,
                PinnedBytes = policy.Shares.Where(s => s.IsPinned).Sum(s => (long)s.Count) << LocalCopy.BlockShift,
                Objects = objects.Count,
                Evictions = evictions,
                GhostHits = policy.GhostHits,
                FailedWrites = failedWrites,
            };
        }
    }

    /// <summary>The namespace whose object this is: what follows `ns/`; the same for objects that are no namespace's.</summary>
    internal static string ShareNameOf(string key)
    {
        const string Folder = "ns/";
        int at = key.StartsWith(Folder, StringComparison.Ordinal) ? 0 : key.IndexOf("/" + Folder, StringComparison.Ordinal) + 1;
        if (at == 0 && !key.StartsWith(Folder, StringComparison.Ordinal))
        {
            return "";
        }

        int start = at + Folder.Length;
        int end = key.IndexOf('/', start);
        return end < 0 ? "" : key[start..end];
    }

    private CacheShare ShareOf(string key)
    {
        lock (gate)
        {
            return FindShare(ShareNameOf(key));
        }
    }

    private CacheShare FindShare(string name) => shares.TryGetValue(name, out var share) ? share : shares[name] = policy.AddShare(name);

    /// <summary>A disk that is full of other things makes the cache small, and lets it grow again block by block.</summary>
    private void AdaptCapacity(int count, bool isOnDisk)
    {
        if (isOnDisk)
        {
            allowedCapacity = Math.Min(fullCapacity, allowedCapacity + count);
        }
        else
        {
            failedWrites++;
            allowedCapacity = Math.Max(1, Math.Min(allowedCapacity, policy.Count - besideDisk.Count));
        }

        policy.Capacity = Math.Max(1, allowedCapacity - blocksOfUnopened);
    }

    /// <summary>What lies in memory for want of a disk may not become much.</summary>
    private void ChooseBeside(List<(CachedObject Item, int Block)> victims)
    {
        while ((long)besideDisk.Count << LocalCopy.BlockShift > memoryBytes)
        {
            var (item, block) = besideDisk.Dequeue();
            if (item.PlaceOf(block) is CachePlace.Young or CachePlace.Small or CachePlace.Main && item.Memory?.Copy.IsBesideDisk(block) == true)
            {
                policy.Remove(item, block);
                victims.Add((item, block));
            }
        }
    }

    /// <summary>Files of an earlier run that nobody has asked for go before anything that somebody has.</summary>
    private void TrimUnopened()
    {
        while (true)
        {
            string path;
            lock (gate)
            {
                policy.Capacity = Math.Max(1, allowedCapacity - blocksOfUnopened);
                if (unopened.Count == 0 || policy.Count + blocksOfUnopened <= allowedCapacity)
                {
                    return;
                }

                (path, int blocks) = unopened.Dequeue();
                if (!unopenedBlocks.Remove(path))
                {
                    continue;
                }

                blocksOfUnopened -= blocks;
            }

            lock (objectsGate)
            {
                if (!objects.ContainsKey(path))
                {
                    Posix.Unlink(path);
                }
            }
        }
    }

    /// <summary>Hides blocks that are to go; what is in use stays after all.</summary>
    private void Leave(List<(CachedObject Item, int Block)> victims)
    {
        if (victims.Count == 0)
        {
            return;
        }

        long batch = Interlocked.Increment(ref batches);
        var going = new List<(CachedObject, int)>(victims.Count);
        foreach (var (item, block) in victims)
        {
            var memory = item.Memory;
            if (memory is null || memory.TryLeave(block, batch))
            {
                going.Add((item, block));
            }
            else
            {
                Touch(item, block);
            }
        }

        long epoch = Readers.Advance();
        lock (gate)
        {
            leaving.Enqueue(new Leaving(batch, epoch, going));
        }
    }

    private void ReclaimLater()
    {
        lock (gate)
        {
            if (leaving.Count == 0)
            {
                return;
            }
        }

        Task.Factory.StartNew(Reclaim, CancellationToken.None, TaskCreationOptions.DenyChildAttach, TaskScheduler.Default);
    }

    /// <summary>Gives back the room of what nobody can be reading any more. One caller at a time does it for all.</summary>
    private void Reclaim()
    {
        while (true)
        {
            Leaving batch;
            lock (gate)
            {
                if (isReclaiming || leaving.Count == 0 || !Readers.IsOver(leaving.Peek().Epoch))
                {
                    return;
                }

                batch = leaving.Dequeue();
                isReclaiming = true;
            }

            foreach (var (item, block) in batch.Blocks)
            {
                Reclaim(item, block, batch.Number);
            }

            lock (gate)
            {
                isReclaiming = false;
            }
        }
    }

    private void Reclaim(CachedObject item, int block, long batch)
    {
        lock (objectsGate)
        {
            if (item.Memory is { } memory)
            {
                if (!memory.TryEvict(block, batch))
                {
                    return;
                }
            }
            else if (IsKept(item, block))
            {
                return;
            }
            else
            {
                LocalCopy.EvictClosed(item.Path, block);
                ForgetIfEmpty(item);
            }

            Interlocked.Increment(ref evictions);
        }
    }

    private bool IsKept(CachedObject item, int block)
    {
        lock (gate)
        {
            return item.PlaceOf(block) >= CachePlace.Young;
        }
    }

    /// <summary>Under <see cref="objectsGate"/>.</summary>
    private void ForgetIfEmpty(CachedObject item)
    {
        lock (gate)
        {
            if (item.Resident > 0)
            {
                return;
            }

            for (int block = 0; block < item.Count; block++)
            {
                policy.Remove(item, block);
            }
        }

        if (item.Memory is null && objects.TryGetValue(item.Path, out var known) && ReferenceEquals(known, item))
        {
            objects.Remove(item.Path);
            Posix.Unlink(item.Path);
        }
    }

    private sealed record Leaving(long Number, long Epoch, List<(CachedObject Item, int Block)> Blocks);
}
