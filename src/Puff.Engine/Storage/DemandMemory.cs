namespace Puff.Engine.Storage;

/// <summary>An object whose blocks are fetched when they are first required.</summary>
internal sealed unsafe class DemandMemory : ObjectMemory
{
    private readonly Lock gate = new();
    private readonly Dictionary<int, Task> pending = [];
    private readonly Action<DemandMemory> closed;

    // Only where blocks may be evicted: what readers need not ask for, what was found good, what is on its way out and since which batch, what is held.
    private readonly ulong[] ready;
    private readonly ulong[] good;
    private readonly ulong[] held;
    private readonly Dictionary<int, long> leaving = [];
    private readonly Lock storing = new();
    private int owners = 1;

    public DemandMemory(string key, StorePurpose purpose, LocalCopy copy, BlockFetcher fetcher, Action<DemandMemory> closed)
        : base(copy.Pointer, copy.Length)
    {
        Key = key;
        Purpose = purpose;
        Copy = copy;
        Fetcher = fetcher;
        this.closed = closed;
        ready = new ulong[(copy.Blocks + 63) / 64];
        good = new ulong[ready.Length];
        held = new ulong[ready.Length];
    }

    public string Key { get; }

    public StorePurpose Purpose { get; }

    public LocalCopy Copy { get; }

    public BlockFetcher Fetcher { get; }

    /// <summary>Null when blocks stay as long as the memory is open.</summary>
    public ExtentCache? Cache { get; init; }

    public CachedObject? Cached { get; init; }

    public override bool IsDemandLoaded => true;

    internal override ulong[]? ReadyBlocks => Cache is null ? null : ready;

    internal override ReaderEpochs? Readers => Cache?.Readers;

    public override void Require(long offset, long length)
    {
        if (!HasAll(offset, length))
        {
            var batch = new BlockBatch();
            batch.Add(this, offset, length);
            batch.Run();
        }
    }

    public override void Provide(long offset, ReadOnlySpan<byte> content)
    {
        bool isWhole = offset % LocalCopy.BlockBytes == 0 && offset <= Length - content.Length
            && (content.Length % LocalCopy.BlockBytes == 0 || offset + content.Length == Length);
        if (isWhole && content.Length > 0)
        {
            Write((int)(offset >> LocalCopy.BlockShift), content, replace: false);
        }
    }

    public override bool Reload(long offset, long length)
    {
        var (first, last) = BlocksOf(offset, length);
        Fetcher.Reload(this, first, last);
        return true;
    }

    public bool HasAll(long offset, long length)
    {
        var (first, last) = BlocksOf(offset, length);
        for (int block = first; block <= last; block++)
        {
            if (!Copy.Has(block))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>The blocks that hold a range; none (last before first) for an empty one.</summary>
    public (int First, int Last) BlocksOf(long offset, long length)
    {
        if (offset < 0 || length < 0 || offset > Length - length)
        {
            throw new ArgumentOutOfRangeException(nameof(offset), $"bytes {offset}..{offset + length} of {Key}, which has {Length}");
        }

        int first = (int)(offset >> LocalCopy.BlockShift);
        return length == 0 ? (first, first - 1) : (first, (int)((offset + length - 1) >> LocalCopy.BlockShift));
    }

    /// <summary>
    /// Of some blocks, in ascending order: those that are neither here nor on their way are put on their way, by <paramref name="begin"/>, and what is on its
    /// way already is waited for.
    /// </summary>
    /// <param name="blocks">May have the same one twice.</param>
    /// <param name="begin">Starts to fetch the blocks listed; called at most once, and must not block.</param>
    /// <param name="waits">Gets the tasks that end when all blocks are there.</param>
    public void Claim(IEnumerable<int> blocks, Func<List<int>, IEnumerable<(int First, int Last, Task Task)>> begin, HashSet<Task> waits)
    {
        lock (gate)
        {
            var absent = new List<int>();
            foreach (int block in blocks)
            {
                if (pending.TryGetValue(block, out var task))
                {
                    waits.Add(task);
                }
                else if (!Copy.Has(block) && (absent.Count == 0 || absent[^1] != block))
                {
                    absent.Add(block);
                }
            }

            if (absent.Count == 0)
            {
                return;
            }

            foreach (var (first, last, task) in begin(absent))
            {
                waits.Add(task);
                foreach (int block in absent)
                {
                    if (block >= first && block <= last)
                    {
                        pending[block] = task;
                    }
                }
            }
        }
    }

    /// <summary>A fetch has ended, well or not.</summary>
    public void Settle(int first, int last, Task task)
    {
        lock (gate)
        {
            for (int block = first; block <= last; block++)
            {
                if (pending.TryGetValue(block, out var current) && ReferenceEquals(current, task))
                {
                    pending.Remove(block);
                }
            }
        }
    }

    /// <summary>Stores blocks that were fetched.</summary>
    public void Write(int first, ReadOnlySpan<byte> content, bool replace)
    {
        if (Cache is null)
        {
            Copy.Write(first, content, replace);
            return;
        }

        bool isOnDisk;
        lock (storing)
        {
            // Whatever was known of a block that is replaced is known no more.
            for (int block = first; replace && block < first + LocalCopy.BlocksOf(content.Length); block++)
            {
                Interlocked.And(ref good[block >> 6], ~(1UL << block));
            }

            isOnDisk = Copy.Write(first, content, replace);
        }

        Cache.Added(this, first, LocalCopy.BlocksOf(content.Length), isOnDisk);
    }

    internal override bool TryMarkReady(int block, bool isGood)
    {
        ulong bit = 1UL << block;
        lock (gate)
        {
            if (!Copy.Has(block) || !(isGood || (good[block >> 6] & bit) != 0))
            {
                return false;
            }

            leaving.Remove(block);
            Interlocked.Or(ref good[block >> 6], bit);
            Interlocked.Or(ref ready[block >> 6], bit);
        }

        Cache!.Touch(Cached!, block);
        return true;
    }

    /// <summary>The next reader of a block has to ask for it.</summary>
    internal void HideReady(int block) => Interlocked.And(ref ready[block >> 6], ~(1UL << block));

    internal override void Hold(long offset, long length)
    {
        var (first, last) = BlocksOf(offset, length);
        for (int block = first; block <= last && Cache is not null; block++)
        {
            ulong bit = 1UL << block;
            if ((Volatile.Read(ref held[block >> 6]) & bit) != 0)
            {
                continue;
            }

            lock (gate)
            {
                leaving.Remove(block);
                Interlocked.Or(ref held[block >> 6], bit);
            }

            Cache.Hold(Cached!, block);
        }
    }

    /// <summary>One more owner has it open.</summary>
    internal bool TryAddOwner()
    {
        if (!TryAddReference())
        {
            return false;
        }

        lock (gate)
        {
            owners++;
        }

        return true;
    }

    internal override void AllowEviction()
    {
        lock (gate)
        {
            owners--;
        }
    }

    internal override void ReleaseOwner()
    {
        AllowEviction();
        Release();
    }

    /// <summary>Hides a block that is to be evicted. False when it has to stay.</summary>
    internal bool TryLeave(int block, long batch)
    {
        lock (gate)
        {
            if (MustStay(block) || !Copy.Has(block))
            {
                return false;
            }

            HideReady(block);
            leaving[block] = batch;
            return true;
        }
    }

    /// <summary>Evicts a block that was hidden in a batch. False when it was asked for since; the cache knows then.</summary>
    internal bool TryEvict(int block, long batch)
    {
        lock (gate)
        {
            if (!leaving.TryGetValue(block, out long since) || since != batch)
            {
                return false;
            }

            leaving.Remove(block);
            if (!MustStay(block))
            {
                Interlocked.And(ref good[block >> 6], ~(1UL << block));
                lock (storing)
                {
                    Copy.Evict(block);
                }

                return true;
            }
        }

        Cache!.Touch(Cached!, block);
        return false;
    }

    /// <summary>Under the gate.</summary>
    private bool MustStay(int block) => owners > 0 || pending.ContainsKey(block) || (held[block >> 6] >> block & 1) != 0;

    protected override void Free()
    {
        Cache?.Close(this);
        closed(this);
        Copy.Free();
    }
}
