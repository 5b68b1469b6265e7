using Puff.Engine.Diagnostics;

namespace Puff.Engine.Storage;

/// <summary>
/// Brings blocks of demand-loaded objects here: neighbours with one request, long runs with several at once, a block that is on its way never twice, and no
/// more requests at a time than the options allow. A failure is the caller's who waits; the next one who needs the block asks again.
/// </summary>
internal sealed class BlockFetcher(HedgedReads reads, ExtentStoreOptions options)
{
    private const int Attempts = 3;

    private long hits;
    private long misses;
    private long requests;
    private long fetchedBytes;
    private long reloads;

    private readonly SemaphoreSlim slots = new(options.MaxRequests, options.MaxRequests);

    /// <summary>What was wanted and fetched so far.</summary>
    public CacheStatistics Describe() => new()
    {
        Hits = Interlocked.Read(ref hits),
        Misses = Interlocked.Read(ref misses),
        Requests = Interlocked.Read(ref requests),
        FetchedBytes = Interlocked.Read(ref fetchedBytes),
        Reloads = Interlocked.Read(ref reloads),
    };

    /// <summary>Ends when the ranges are here.</summary>
    public Task FetchAsync(IEnumerable<(DemandMemory Memory, int First, int Last)> ranges)
    {
        var wanted = ranges.GroupBy(r => r.Memory).Select(g => (Memory: g.Key, Blocks: BlocksOf(g))).ToList();
        long bytes = wanted.Sum(w => (long)w.Blocks.Count) << LocalCopy.BlockShift;
        var step = NewStep(bytes > options.BulkBytes ? options.BulkRequestBytes : options.RequestBytes, replaces: false);
        var waits = new HashSet<Task>();
        foreach (var (memory, blocks) in wanted)
        {
            int absentBlocks = 0;
            memory.Claim(
                blocks,
                absent =>
                {
                    absentBlocks = absent.Count;
                    return Begin(memory, absent, step);
                },
                waits);
            step.Record?.AddBlocks(blocks.Count - absentBlocks, absentBlocks);
            Interlocked.Add(ref hits, blocks.Count - absentBlocks);
            Interlocked.Add(ref misses, absentBlocks);
        }

        return waits.Count == 0 ? Task.CompletedTask : Task.WhenAll(waits);
    }

    /// <summary>The requests that fetching some blocks of an object in one step takes, with their bytes.</summary>
    public IEnumerable<(int First, long Bytes)> Plan(DemandMemory memory, List<int> blocks)
    {
        int most = Math.Max((((long)blocks.Count << LocalCopy.BlockShift) > options.BulkBytes ? options.BulkRequestBytes : options.RequestBytes)
            >> LocalCopy.BlockShift, 1);
        foreach (var (first, last) in Cut(blocks, options.MergeGapBytes >> LocalCopy.BlockShift, most))
        {
            yield return (first, Math.Min((long)(last + 1) << LocalCopy.BlockShift, memory.Length) - ((long)first << LocalCopy.BlockShift));
        }
    }

    /// <summary>Fetches blocks once more, whatever is here.</summary>
    public void Reload(DemandMemory memory, int first, int last)
    {
        Interlocked.Add(ref reloads, last - first + 1);
        var step = NewStep(options.RequestBytes, replaces: true);
        var runs = Cut(Enumerable.Range(first, last - first + 1).ToList(), 0, step.RequestBlocks);
        Task.WhenAll(runs.Select(r => Start(() => FetchAsync(memory, r.First, r.Last, step)))).GetAwaiter().GetResult();
    }

    /// <summary>Runs of blocks, each for one request.</summary>
    /// <param name="blocks">Ascending.</param>
    /// <param name="gap">So many blocks between two are fetched along.</param>
    /// <param name="longest">Blocks of a run.</param>
    internal static List<(int First, int Last)> Cut(List<int> blocks, int gap, int longest)
    {
        var runs = new List<(int First, int Last)>();
        foreach (int block in blocks)
        {
            if (runs.Count > 0 && block - runs[^1].Last <= gap + 1 && block - runs[^1].First < longest)
            {
                runs[^1] = (runs[^1].First, block);
            }
            else
            {
                runs.Add((block, block));
            }
        }

        return runs;
    }

    private static List<int> BlocksOf(IEnumerable<(DemandMemory Memory, int First, int Last)> ranges)
    {
        var blocks = new List<int>();
        foreach (var (_, first, last) in ranges.OrderBy(r => r.First))
        {
            for (int block = Math.Max(first, blocks.Count == 0 ? 0 : blocks[^1] + 1); block <= last; block++)
            {
                blocks.Add(block);
            }
        }

        return blocks;
    }

    /// <summary>
    /// On the thread pool, wherever the caller runs: its thread is about to block, and may be one of few.
    /// </summary>
    private static Task Start(Func<Task> work) =>
        Task.Factory.StartNew(work, CancellationToken.None, TaskCreationOptions.DenyChildAttach, TaskScheduler.Default).Unwrap();

    private Step NewStep(int requestBytes, bool replaces) =>
        new(
            new SemaphoreSlim(options.MaxRequestsPerStep),
            Math.Max(requestBytes >> LocalCopy.BlockShift, 1),
            replaces,
            ReadRecord.Current,
            ReadRecord.StepOfNow());

    private IEnumerable<(int First, int Last, Task Task)> Begin(DemandMemory memory, List<int> absent, Step step)
    {
        foreach (var (first, last) in Cut(absent, options.MergeGapBytes >> LocalCopy.BlockShift, step.RequestBlocks))
        {
            var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            memory.AddReference();
            Start(() => CompleteAsync(memory, first, last, step, done));
            yield return (first, last, done.Task);
        }
    }

    /// <summary>Owns a reference on the memory, which may be closed while it waits.</summary>
    private async Task CompleteAsync(DemandMemory memory, int first, int last, Step step, TaskCompletionSource done)
    {
        Exception? failure = null;
        try
        {
            await FetchAsync(memory, first, last, step);
        }
        catch (Exception error)
        {
            failure = error;
        }

        memory.Settle(first, last, done.Task);
        memory.Release();
        if (failure is null)
        {
            done.SetResult();
        }
        else
        {
            done.SetException(failure);
        }
    }

    private async Task FetchAsync(DemandMemory memory, int first, int last, Step step)
    {
        await step.Slots.WaitAsync();
        await slots.WaitAsync();
        try
        {
            for (int attempt = 1; !await TryFetchAsync(memory, first, last, step); attempt++)
            {
                if (attempt == Attempts)
                {
                    throw new StoreException($"the store sends {memory.Key} shorter than it is; try again", transient: true, outcomeUnknown: false);
                }
            }
        }
        finally
        {
            slots.Release();
            step.Slots.Release();
        }
    }

    /// <summary>One request. False when less came than was asked for.</summary>
    private async Task<bool> TryFetchAsync(DemandMemory memory, int first, int last, Step step)
    {
        long offset = (long)first << LocalCopy.BlockShift;
        long length = Math.Min((long)(last + 1) << LocalCopy.BlockShift, memory.Length) - offset;
        var got = await reads.GetAsync(memory.Key, new GetOptions(offset, length), memory.Purpose, CancellationToken.None);
        Interlocked.Increment(ref requests);
        Interlocked.Add(ref fetchedBytes, got.Content?.Length ?? 0);
        step.Record?.Add(step.Number, ObjectKinds.Of(memory.Key), got.Content?.Length ?? 0);
        if (got.Status != GetStatus.Found || got.Content is null)
        {
            throw PuffException.Corrupt($"object {memory.Key} is missing, but the namespace needs it; restore it from a copy");
        }

        try
        {
            if (got.TotalBytes != memory.Length)
            {
                throw PuffException.Corrupt(
                    $"object {memory.Key} is damaged: it has {got.TotalBytes} bytes instead of {memory.Length}; restore it from a copy");
            }

            if (got.Content.Length != length)
            {
                return false;
            }

            memory.Write(first, got.Content.Span, step.Replaces);
            return true;
        }
        finally
        {
            got.Content.Release();
        }
    }

    /// <param name="Slots">Bounds the requests of one step.</param>
    /// <param name="RequestBlocks">A request fetches at most so many.</param>
    /// <param name="Replaces">Blocks that are here are replaced.</param>
    /// <param name="Record">Of the request that all this is for; null when nobody keeps one.</param>
    /// <param name="Number">Of the step in the record.</param>
    private sealed record Step(SemaphoreSlim Slots, int RequestBlocks, bool Replaces, ReadRecord? Record, int Number);
}
