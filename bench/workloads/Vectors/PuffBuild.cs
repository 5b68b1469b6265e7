using System.Diagnostics;
using Puff.Engine;

namespace Puff.Workloads.Vectors;

/// <summary>
/// From nothing to a namespace that is indexed and merged, by writes of a thousand documents from three writers; kept beside the set for later runs.
/// </summary>
internal static class PuffBuild
{
    /// <summary>Folder of the finished store. `--rebuild yes` makes it anew.</summary>
    public static async Task<(string Store, SystemResult Result)> EnsureAsync(Options options, VectorSet set)
    {
        string store = Path.Combine(set.Folder, "puff");
        var results = new ResultStore(set);
        if (options.Text("rebuild", "no") != "yes" && Directory.Exists(store) && results.Find("puff") is { } known)
        {
            return (store, known);
        }

        if (Directory.Exists(store))
        {
            Directory.Delete(store, recursive: true);
        }

        var result = await BuildAsync(set, store, options.Number("merge-fan-in", new EngineSettings().MergeFanIn));
        results.Save(result);
        return (store, result);
    }

    private static async Task<SystemResult> BuildAsync(VectorSet set, string store, int mergeFanIn)
    {
        await using var puff = await PuffStore.OpenAsync(store, runIndexer: true, mergeFanIn: mergeFanIn);
        var documents = Enumerable.Range(0, set.Documents.Rows).Select(i => (i, i)).ToArray();
        var clock = Stopwatch.StartNew();
        var processorTime = Environment.CpuUsage.TotalTime;
        await puff.WriteAsync(set, documents);
        double acknowledged = clock.Elapsed.TotalSeconds;
        await puff.SettleAsync();
        double built = clock.Elapsed.TotalSeconds;
        long bytes = await puff.StoredBytesAsync();
        return new SystemResult
        {
            System = "puff",
            Description = FormattableString.Invariant($"directory store, merge fan-in {mergeFanIn}; writes acknowledged after {acknowledged:F1} s; ")
                + $"peak resident {ProcessMemory.OfThis().Peak >> 20} MiB",
            Documents = documents.Length,
            BuildSeconds = built,
            BuildProcessorSeconds = (Environment.CpuUsage.TotalTime - processorTime).TotalSeconds,
            BuildThreads = Environment.ProcessorCount,
            DiskBytes = bytes,
        };
    }
}
