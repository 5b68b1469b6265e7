using Puff.Engine.Diagnostics;

namespace Puff.Engine.Storage;

/// <summary>Ranges of objects that are wanted together: what is not here yet is fetched in one dependent step, however many requests that takes.</summary>
internal sealed class BlockBatch
{
    private readonly List<(DemandMemory Memory, int First, int Last)> ranges = [];

    /// <summary>Memory that is not demand-loaded has everything.</summary>
    public void Add(ObjectMemory memory, long offset, long length)
    {
        if (memory is not DemandMemory demand)
        {
            memory.Require(offset, length);
            return;
        }

        var (first, last) = demand.BlocksOf(offset, length);
        if (last >= first)
        {
            ranges.Add((demand, first, last));
        }
    }

    /// <summary>Blocks until all is here; the batch is empty again. What fails first is thrown, after everything has ended.</summary>
    public void Run()
    {
        if (ranges.Count > 0)
        {
            RunAsync().GetAwaiter().GetResult();
        }
    }

    /// <summary>The same without blocking.</summary>
    public Task RunAsync()
    {
        using var step = ReadRecord.BeginStep();
        var fetching = ranges.GroupBy(r => r.Memory.Fetcher).Select(g => g.Key.FetchAsync(g)).ToArray();
        ranges.Clear();
        return fetching.Length == 1 ? fetching[0] : Task.WhenAll(fetching);
    }
}
