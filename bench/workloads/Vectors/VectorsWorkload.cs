using System.Diagnostics;

namespace Puff.Workloads.Vectors;

/// <summary>Everything about vectors on one set: `--mode` says which part.</summary>
internal static class VectorsWorkload
{
    public static async Task RunAsync(Options options)
    {
        Machine.Print();
        var clock = Stopwatch.StartNew();
        using var set = VectorSets.Open(options);
        Console.WriteLine($"set      {set.Name}: {set.Documents.Rows} × {set.Dimensions} {set.Metric}, {set.Queries.Rows} queries, in {set.Folder} "
            + FormattableString.Invariant($"({clock.Elapsed.TotalSeconds:F1} s)"));
        clock.Restart();
        GroundTruth.OfAll(set);
        Console.WriteLine(FormattableString.Invariant($"truth    {clock.Elapsed.TotalSeconds:F1} s"));
        await RunAsync(options, set, options.Text("mode", "puff"));
    }

    private static Task RunAsync(Options options, VectorSet set, string mode) => mode switch
    {
        "data" => Task.CompletedTask,
        "puff" => PuffAsync(options, set),
        "http" => HttpAsync(options, set),
        "indexing" => SteadyIndexing.RunAsync(options, set),
        "churn" => Churn.RunAsync(options, set),
        "tail" => TailSearch.RunAsync(options, set),
        "peers" => PeersAsync(options, set),
        "table" => TableAsync(set),
        "all" => AllAsync(options, set),
        _ => throw new ArgumentException($"--mode {mode}: data, puff, http, indexing, churn, tail, peers, table or all"),
    };

    private static async Task AllAsync(Options options, VectorSet set)
    {
        await PuffAsync(options, set);
        await HttpAsync(options.With("rebuild", "no"), set);
        await PeersAsync(options, set);
        await TableAsync(set);
    }

    private static Task TableAsync(VectorSet set)
    {
        new Tables(Console.Out).PrintComparison(new ResultStore(set).All());
        return Task.CompletedTask;
    }

    private static async Task PuffAsync(Options options, VectorSet set)
    {
        var (store, built) = await PuffBuild.EnsureAsync(options, set);
        var result = built with { Points = await PuffProbe.RunAsync(options, store) };
        new ResultStore(set).Save(result);
        new Tables(Console.Out).PrintPoints(result);
    }

    private static async Task HttpAsync(Options options, VectorSet set)
    {
        var (store, built) = await PuffBuild.EnsureAsync(options, set);
        var result = built with { System = "puff-http", Points = await PuffOverHttp.RunAsync(options, set, store) };
        new ResultStore(set).Save(result);
        new Tables(Console.Out).PrintPoints(result);
    }

    private static async Task PeersAsync(Options options, VectorSet set)
    {
        string[] names = options.Text("peers", string.Join(',', Peers.Names)).Split(',');
        foreach (string name in names)
        {
            var result = await Peers.RunAsync(options, set, name);
            new ResultStore(set).Save(result);
            new Tables(Console.Out).PrintPoints(result);
        }
    }
}
