using System.Diagnostics;
using Puff.Engine;
using Puff.Engine.Namespaces;
using Puff.Engine.Queries;
using Puff.Engine.Schema;
using Puff.Engine.Storage;

namespace Puff.Workloads;

/// <summary>
/// Goal: how soon a fresh process answers from a namespace of a million documents. Method: fill one (64-d vectors and attributes), wait until it is indexed,
/// end the
/// engine; then time, in new processes, from process start to the first filtered answer.
/// </summary>
internal static class Restart
{
    public static async Task RunAsync(Options options)
    {
        Machine.Print();
        using var folder = options.Folder();
        int documents = options.Number("documents", 1_000_000);
        await FillAsync(folder.Path, documents);
        for (int run = 0; run < 3; run++)
        {
            var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardOutput = true };
            if (Path.GetFileNameWithoutExtension(Environment.ProcessPath!) == "dotnet")
            {
                start.ArgumentList.Add(typeof(Restart).Assembly.Location);
            }

            start.ArgumentList.Add("restart-probe");
            start.ArgumentList.Add("--dir");
            start.ArgumentList.Add(folder.Path);
            using var probe = Process.Start(start)!;
            Console.WriteLine(await probe.StandardOutput.ReadToEndAsync());
            await probe.WaitForExitAsync();
        }
    }

    public static async Task ProbeAsync(Options options)
    {
        var started = Process.GetCurrentProcess().StartTime;
        await using var store = await DirectoryObjectStore.OpenAsync(options.Text("dir", ""));
        await using var engine = await PuffEngine.OpenAsync(new EngineSettings { RunIndexer = false }, new EngineComponents { Store = store });
        var result = await engine.QueryAsync("large", new QueryRequest
        {
            RankBy = new OrderRank([new OrderKey("id", false)]),
            Filters = new Engine.Filters.AttributeFilter("group", Engine.Filters.FilterOperator.Eq, Value.Int(7)),
            Limit = 10,
            Select = new AttributeSelection(true, null, null),
        });
        double first = (DateTime.Now - started).TotalMilliseconds;
        long clock = Stopwatch.GetTimestamp();
        await engine.QueryAsync(
            "large", new QueryRequest { RankBy = new VectorRank("vector", new VectorOperand(new float[64], 64, false), false), Limit = 10 });
        double vector = Stopwatch.GetElapsedTime(clock).TotalMilliseconds;
        Console.WriteLine($"restart  first answer {first:F0} ms after process start "
            + $"({result.Rows!.Count} rows of {result.Cost.ApproxNamespaceSize} documents, "
            + $"{result.Cost.ExhaustiveSearchCount} not indexed); first exact vector scan {vector:F0} ms");
    }

    private static async Task FillAsync(string folder, int documents)
    {
        await using var store = await DirectoryObjectStore.OpenAsync(folder, new DirectoryStoreOptions { Durable = false });
        await using var engine = await PuffEngine.OpenAsync(new EngineSettings(), new EngineComponents { Store = store });
        var random = new Random(7);
        const int batch = 5_000;
        for (int first = 0; first < documents; first += batch)
        {
            var rows = new DocumentRow[batch];
            for (int i = 0; i < batch; i++)
            {
                var vector = new float[64];
                for (int d = 0; d < vector.Length; d++)
                {
                    vector[d] = random.NextSingle() - 0.5f;
                }

                rows[i] = new DocumentRow(
                    Value.Int(first + i),
                    [new("vector", Value.Vector(vector)), new("group", Value.Int((first + i) % 1000)), new("title", Value.String($"document {first + i}"))]);
            }

            await engine.WriteAsync("large", new WriteRequest { Upserts = rows, DistanceMetric = DistanceMetric.EuclideanSquared, DisableBackpressure = true });
        }

        while ((await engine.GetInfoAsync("large")).ApproxRowCount < documents - 100_000)
        {
            await Task.Delay(500);
        }
    }
}
