using Puff.Engine.Encoding;
using Puff.Engine.Segments;
using Puff.Engine.Storage;

namespace Puff.Engine.Queries;

/// <summary>Takes down what a query's first step would fetch, instead of fetching it: the step is then abandoned with <see cref="Reached"/>.</summary>
internal sealed class PlannedReads : IReadBatch
{
    private readonly Dictionary<DemandMemory, SortedSet<int>> absent = [];

    /// <summary>By kind of object.</summary>
    public IReadOnlyList<KindReads> Kinds => [.. absent
        .SelectMany(a => a.Key.Fetcher.Plan(a.Key, [.. a.Value]).Select(r => (Kind: ObjectKinds.Of(a.Key.Key), r.Bytes)))
        .GroupBy(r => r.Kind, StringComparer.Ordinal).OrderBy(g => g.Key, StringComparer.Ordinal)
        .Select(g => new KindReads(2, g.Key, g.Count(), g.Sum(r => r.Bytes)))];

    public void Add(IBlockSource source, long offset, long length)
    {
        if (source is not MemoryBlocks { Memory: DemandMemory memory })
        {
            return;
        }

        var (first, last) = memory.BlocksOf(offset, length);
        for (int block = first; block <= last; block++)
        {
            if (!memory.Copy.Has(block))
            {
                if (!absent.TryGetValue(memory, out var blocks))
                {
                    absent.Add(memory, blocks = []);
                }

                blocks.Add(block);
            }
        }
    }

    public void Run()
    {
        if (absent.Count > 0)
        {
            throw new Reached();
        }
    }

    /// <summary>The plan goes no farther.</summary>
    internal sealed class Reached : Exception;
}
