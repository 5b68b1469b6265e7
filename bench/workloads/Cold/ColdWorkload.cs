using System.Globalization;
using Puff.Engine;
using Puff.Engine.Namespaces;
using Puff.Engine.Queries;
using Puff.Engine.Schema;
using Puff.Engine.Storage;
using Puff.Workloads.Text;
using Puff.Workloads.Vectors;

namespace Puff.Workloads.Cold;

/// <summary>
/// Goal: what a query costs on a node that has nothing of the namespace: time, dependent steps, requests, bytes. Method: a fresh engine for every query, in
/// front of a store with the latencies of a cloud; a few queries first, for the run-time compiler. The answers are compared with those of a mapped store.
/// </summary>
internal static class ColdWorkload
{
    private const int WarmUp = 30;

    public static async Task RunAsync(Options options)
    {
        Machine.Print();
        switch (options.Text("kind", "vectors"))
        {
            case "vectors":
                await VectorsAsync(options);
                break;
            case "text":
                await TextAsync(options);
                break;
            default:
                await SmallAsync(options);
                break;
        }
    }

    private static async Task VectorsAsync(Options options)
    {
        using var set = VectorSets.Open(options);
        string folder = options.Text("dir", Path.Combine(set.Folder, "puff"));
        if (!Directory.Exists(folder))
        {
            await using var build = await PuffStore.OpenAsync(folder, runIndexer: true);
            await build.WriteAsync(set, [.. Enumerable.Range(0, set.Documents.Rows).Select(i => (i, i))]);
            await build.SettleAsync();
        }

        QueryRequest Request(int query) => new()
        {
            RankBy = new VectorRank("vector", new VectorOperand(set.Queries.Singles(query % set.Queries.Rows).ToArray(), set.Dimensions, false), Exact: false),
            Limit = options.Number("k", 10),
            Select = new AttributeSelection(false, ["bucket"], null),
        };
        await MeasureAsync(options, folder, PuffStore.Namespace, $"{set.Name}: k {options.Number("k", 10)}, with an attribute", Request);
    }

    private static async Task TextAsync(Options options)
    {
        var data = new TextData(options.Number("documents", 1_000_000), options.Number("queries", 500), options.Number("seed", 1));
        string folder = options.Text("dir", "/var/tmp/puff-bench-text/1m");
        Directory.CreateDirectory(folder);
        var schema = new SchemaUpdate([new AttributeUpdate("body") { Type = "string", FullText = new FullTextUpdate(true) }]);
        await using (var store = await MergedStore.OpenAsync(folder, "text", data.Documents, schema, document =>
            new DocumentRow(Value.Int(document), [new("body", Value.String(data.Document(document))), new("group", MergedStore.GroupOf(document))])))
        {
        }

        QueryRequest Request(int query) => new()
        {
            RankBy = new ScoreRank(new Bm25Score("body", data.Short[query % data.Short.Count], null, false)),
            Limit = options.Number("k", 10),
            Select = new AttributeSelection(false, ["body"], null),
        };
        await MeasureAsync(options, folder, "text", $"{data.Documents} passages, 1-5 words, k {options.Number("k", 10)}, with their text", Request);
    }

    /// <summary>A namespace of a few documents.</summary>
    private static async Task SmallAsync(Options options)
    {
        string folder = options.Text("dir", Path.Combine(Path.GetTempPath(), "puff-cold-small"));
        if (!Directory.Exists(folder))
        {
            Directory.CreateDirectory(folder);
            await using var store = await MergedStore.OpenAsync(folder, "small", 1_000, new SchemaUpdate([]), document =>
                new DocumentRow(Value.Int(document), [new("name", Value.String($"document {document}")), new("group", MergedStore.GroupOf(document))]));
        }

        QueryRequest Request(int query) => new()
        {
            RankBy = new OrderRank([new OrderKey("group", query % 2 == 0)]),
            Limit = 10,
            Select = new AttributeSelection(false, ["name"], null),
        };
        await MeasureAsync(options, folder, "small", "1000 documents, ordered by an attribute", Request);
    }

    private static async Task MeasureAsync(Options options, string folder, string name, string title, Func<int, QueryRequest> request)
    {
        await using var cold = new ColdStore(folder, name);
        if (options.Text("opening", "yes") == "yes")
        {
            double bytes = await cold.PrepareAsync();
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"opening  {bytes / 1e6:F2} MB"));
        }
        else
        {
            Directory.EnumerateFiles(folder, "open*", SearchOption.AllDirectories).ToList().ForEach(File.Delete);
        }

        await using var mapped = await DirectoryObjectStore.OpenAsync(folder);
        await using var local = await PuffEngine.OpenAsync(new EngineSettings { RunIndexer = false }, new EngineComponents { Store = mapped });
        var own = new List<double>();
        for (int query = 0; query < 2 * WarmUp; query++)
        {
            var sample = await cold.AskAsync(null, engine => engine.QueryAsync(name, request(query)));
            if (query >= WarmUp)
            {
                own.Add(sample.Milliseconds);
            }
        }

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"own time {Percentiles.Of(own, 0.5):F1} ms a query, without any latency"));

        if (options.Text("explain", "no") == "yes")
        {
            var plan = await cold.AskAsync(null, engine => engine.ExplainAsync(name, new MultiQueryRequest([request(0)])));
            Console.WriteLine(plan.Answer);
        }

        var samples = new List<(double Milliseconds, QueryReads Reads, long Requests)>();
        int different = 0;
        for (int query = 0; query < options.Number("samples", 200); query++)
        {
            var expected = await local.QueryAsync(name, request(query));
            var sample = await cold.AskAsync(LatencyModel.Typical, engine => engine.QueryAsync(name, request(query)));
            samples.Add((sample.Milliseconds, sample.Answer.Cost.Reads, sample.Requests.Requests));
            different += expected.Rows!.Select(r => r.Id).SequenceEqual(sample.Answer.Rows!.Select(r => r.Id)) ? 0 : 1;
        }

        Print(title, samples, different);
    }

    private static void Print(string title, List<(double Milliseconds, QueryReads Reads, long Requests)> samples, int different)
    {
        var times = samples.ConvertAll(s => s.Milliseconds);
        var requests = samples.ConvertAll(s => (double)s.Requests);
        var bytes = samples.ConvertAll(s => (double)s.Reads.BytesFetched);
        string steps = string.Join(", ", samples.GroupBy(s => s.Reads.Steps).OrderBy(g => g.Key).Select(g => $"{g.Key} steps: {g.Count()}"));
        double[] ms = [.. new[] { 0.5, 0.9, 0.99 }.Select(share => Percentiles.Of(times, share))];
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"cold     {title}: p50 {ms[0]:F0} ms, p90 {ms[1]:F0} ms, p99 {ms[2]:F0} ms; {steps}; "
            + $"requests p50 {Percentiles.Of(requests, 0.5)}, p99 {Percentiles.Of(requests, 0.99)}; "
            + $"MB p50 {Percentiles.Of(bytes, 0.5) / 1e6:F2}, p99 {Percentiles.Of(bytes, 0.99) / 1e6:F2}; "
            + $"{different} of {samples.Count} answers differ from a local store's"));
        foreach (var kind in samples.SelectMany(s => s.Reads.Kinds).GroupBy(k => (k.Step, k.Kind)).OrderBy(g => g.Key))
        {
            double queries = samples.Count;
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"         step {kind.Key.Step}, {kind.Key.Kind}: {kind.Sum(k => k.Requests) / queries:F1} requests, "
                + $"{kind.Sum(k => k.Bytes) / 1e6 / queries:F2} MB a query"));
        }
    }
}
