using System.Diagnostics;
using System.Text.Json;
using Puff.Engine.Queries;

namespace Puff.Workloads.Vectors;

/// <summary>
/// Queries on a store that another process has built, in a fresh process: what it then has in memory is what queries need. One thread, one query after the
/// other; every setting is warmed up by a part of the queries first.
/// </summary>
internal static class PuffProbe
{
    private const int WarmUpQueries = 200;

    /// <summary>Runs this program as a child on the store and takes its points.</summary>
    public static async Task<IReadOnlyList<RecallPoint>> RunAsync(Options options, string store)
    {
        string output = Path.GetTempFileName();
        try
        {
            using var child = Process.Start(SelfProcess.Command("vectors-probe", options.With("store", store).With("out", output)))!;
            await child.WaitForExitAsync();
            return child.ExitCode == 0
                ? JsonSerializer.Deserialize<RecallPoint[]>(await File.ReadAllTextAsync(output))!
                : throw new InvalidOperationException($"the measuring process ended with code {child.ExitCode}");
        }
        finally
        {
            File.Delete(output);
        }
    }

    /// <summary>The child.</summary>
    public static async Task MeasureAsync(Options options)
    {
        using var set = VectorSets.Open(options);
        await using var puff = await PuffStore.OpenAsync(options.Text("store", ""), runIndexer: false);
        int k = options.Number("k", 10);
        var consistency = options.Text("consistency", "eventual") == "strong" ? Consistency.Strong : Consistency.Eventual;
        var runs = new List<(Selectivity Filter, QuerySamples Samples, ProcessMemory Memory)>();
        foreach (var filter in options.Text("filters", "yes") == "yes" ? Selectivity.All : [Selectivity.All[0]])
        {
            var samples = await QueryAsync(set, puff, k, filter, consistency, options.Number("seconds", 20));
            runs.Add((filter, samples, ProcessMemory.OfThis()));
            if (options.Text("explain", "no") == "yes")
            {
                Console.WriteLine(await puff.ExplainAsync(set, 0, k, filter));
            }
        }

        var truths = GroundTruth.OfAll(set);
        var points = runs.Select(r => r.Samples.Summarize("default", set, truths.First(t => t.Selectivity == r.Filter), k, r.Memory));
        await File.WriteAllTextAsync(options.Text("out", ""), JsonSerializer.Serialize(points));
    }

    /// <summary>Every query once, or as many as fit into the time.</summary>
    private static async Task<QuerySamples> QueryAsync(VectorSet set, PuffStore puff, int k, Selectivity filter, Consistency consistency, int seconds)
    {
        var clock = Stopwatch.StartNew();
        for (int query = 0; query < Math.Min(WarmUpQueries, set.Queries.Rows) && clock.Elapsed.TotalSeconds < seconds / 4.0; query++)
        {
            await puff.QueryAsync(set, query, k, filter, consistency);
        }

        var samples = new QuerySamples();
        clock.Restart();
        for (int query = 0; query < set.Queries.Rows && clock.Elapsed.TotalSeconds < seconds; query++)
        {
            long start = Stopwatch.GetTimestamp();
            var result = await puff.QueryAsync(set, query, k, filter, consistency);
            var latency = Stopwatch.GetElapsedTime(start);
            samples.Add(PuffStore.IdsOf(result), latency, PuffStore.ScannedShareOf(result));
        }

        return samples;
    }
}
