namespace Puff.Engine.Storage;

/// <summary>An object whose blocks are fetched when they are first required.</summary>
internal sealed unsafe class DemandMemory : ObjectMemory
{
    private readonly Lock gate = new();
    private readonly Dictionary<int, Task> pending = [];
    private readonly Action<DemandMemory> closed;

    public DemandMemory(string key, StorePurpose purpose, LocalCopy copy, BlockFetcher fetcher, Action<DemandMemory> closed)
        : base(copy.Pointer, copy.Length)
    {
        Key = key;
        Purpose = purpose;
        Copy = copy;
        Fetcher = fetcher;
        this.closed = closed;
    }

    public string Key { get; }

    public StorePurpose Purpose { get; }

    public LocalCopy Copy { get; }

    public BlockFetcher Fetcher { get; }

    public override bool IsDemandLoaded => true;

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
            Copy.Write((int)(offset >> LocalCopy.BlockShift), content, replace: false);
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

    protected override void Free()
    {
        closed(this);
        Copy.Free();
    }
}
