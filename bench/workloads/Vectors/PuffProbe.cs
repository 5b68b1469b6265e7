using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Puff.Engine.Queries;

namespace Puff.Workloads.Vectors;

/// <summary>
/// Queries on a store that another process has built, in a fresh process: what it then has in memory is what queries need. One thread, one query after the
/// other; every setting is warmed up first, long enough for the run-time compiler to have seen what queries do.
/// </summary>
internal static class PuffProbe
{
    private const int WarmUpSeconds = 2;
    private const int Rounds = 5;

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

    /// <summary>The child: every recall target with every filter.</summary>
    public static async Task MeasureAsync(Options options)
    {
        using var set = VectorSets.Open(options);
        BringToCache(options.Text("store", ""));
        var runs = new List<Run>();
        foreach (string target in options.Text("probe-target", "default").Split(','))
        {
            float? share = target == "default" ? null : float.Parse(target, CultureInfo.InvariantCulture);
            await using var puff = await PuffStore.OpenAsync(options.Text("store", ""), runIndexer: false, share);
            runs.AddRange(await AskAsync(options, set, puff, target));
        }

        var truths = GroundTruth.OfAll(set);
        var points = runs.Select(
            r => r.Samples.Summarize("target=" + r.Target, set, truths.First(t => t.Selectivity == r.Filter), options.Number("k", 10), r.Memory));
        await File.WriteAllTextAsync(options.Text("out", ""), JsonSerializer.Serialize(points));
    }

    /// <summary>
    /// Reads the store once: figures are for files in the page cache, and a large segment that was just written may be there in part only.
    /// </summary>
    private static void BringToCache(string store)
    {
        byte[] buffer = new byte[1 << 20];
        foreach (string file in Directory.EnumerateFiles(store, "*", SearchOption.AllDirectories))
        {
            using var content = File.OpenRead(file);
            while (content.Read(buffer) > 0)
            {
            }
        }
    }

    private static async Task<List<Run>> AskAsync(Options options, VectorSet set, PuffStore puff, string target)
    {
        int k = options.Number("k", 10);
        var consistency = options.Text("consistency", "eventual") == "strong" ? Consistency.Strong : Consistency.Eventual;
        var runs = new List<Run>();
        foreach (var filter in options.Text("filters", "yes") == "yes" ? Selectivity.All : [Selectivity.All[0]])
        {
            var samples = await QueryAsync(set, puff, k, filter, consistency, options);
            runs.Add(new Run(target, filter, samples, ProcessMemory.OfThis()));
            if (options.Text("explain", "no") == "yes")
            {
                Console.WriteLine(await puff.ExplainAsync(set, samples.Slowest, k, filter));
            }
        }

        return runs;
    }

    /// <summary>
    /// Every query, or as many as fit into the time, several times: of each the median, because other processes take the processor for milliseconds.
    /// </summary>
    private static async Task<QuerySamples> QueryAsync(VectorSet set, PuffStore puff, int k, Selectivity filter, Consistency consistency, Options options)
    {
        var clock = Stopwatch.StartNew();
        for (int query = 0; clock.Elapsed.TotalSeconds < options.Number("warm-up", WarmUpSeconds); query++)
        {
            await puff.QueryAsync(set, query % set.Queries.Rows, k, filter, consistency);
        }

        var samples = new QuerySamples();
        int rounds = options.Number("rounds", Rounds);
        double seconds = options.Number("seconds", 20) / (double)rounds;
        int queries = set.Queries.Rows;
        for (int round = 0; round < rounds; round++)
        {
            clock.Restart();
            int query = 0;
            for (; query < queries && (round > 0 || clock.Elapsed.TotalSeconds < seconds); query++)
            {
                long start = Stopwatch.GetTimestamp();
                var result = await puff.QueryAsync(set, query, k, filter, consistency);
                var latency = Stopwatch.GetElapsedTime(start);
                if (round == 0)
                {
                    samples.Add(PuffStore.IdsOf(result), latency, PuffStore.ScannedShareOf(result));
                }
                else
                {
                    samples.AddRepeat(query, latency);
                }
            }

            queries = query;
        }

        return samples;
    }

    private sealed record Run(string Target, Selectivity Filter, QuerySamples Samples, ProcessMemory Memory);
}
