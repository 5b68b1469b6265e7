using System.Diagnostics;
using System.Globalization;
using Puff.Engine.Filters;
using Puff.Engine.Namespaces;
using Puff.Engine.Queries;
using Puff.Engine.Schema;

namespace Puff.Workloads.Sparse;

/// <summary>
/// Goal: how fast sparse vectors are searched, on one thread in process. Method: a namespace merged into one segment; every query once to warm up and once
/// measured, for several numbers of rows and filters; beside it the plain scan of the same segment for a few of the queries, whose rows must be equal, and an
/// exhaustive inverted index in plain arrays.
/// </summary>
internal static class SparseWorkload
{
    private const int ScannedQueries = 2;

    public static async Task RunAsync(Options options)
    {
        Machine.Print();
        ISparseData data = options.Text("set", "generated") == "stackexchange"
            ? new SampleSparseData()
            : new GeneratedSparseData(options.Number("documents", 1_000_000), options.Number("queries", 300), options.Number("seed", 1));
        using var folder = options.Folder();
        var schema = new SchemaUpdate([new AttributeUpdate("words") { Type = "{}f16", SparseKnn = true }]);
        await using var store = await MergedStore.OpenAsync(folder.Path, "sparse", data.Documents, schema, document =>
            new DocumentRow(Value.Int(document), [new("words", Value.Sparse(data.Document(document))), new("group", MergedStore.GroupOf(document))]));

        if (options.Text("mode", "all") == "fill")
        {
            return;
        }

        using var snapshot = await store.ReadAsync();
        Describe(data, snapshot, folder.Path);
        int only = options.Number("k", 0);
        foreach (var (k, filter, name) in only == 0 ? Settings() : [(only, null, $"k {only}")])
        {
            Measure(snapshot, data, k, filter, name, options.Number("rounds", 2));
        }

        if (options.Text("scan", "yes") == "yes")
        {
            Scan(snapshot, data);
        }

        if (options.Text("peer", "yes") == "yes")
        {
            MeasurePeer(data);
        }
    }

    private static (int K, Filter? Filter, string Name)[] Settings() =>
    [
        (10, null, "k 10"), (100, null, "k 100"), (1_000, null, "k 1,000"), (10_000, null, "k 10,000"),
        (10, Group(500), "k 10, filter 50 %"), (10, Group(100), "k 10, filter 10 %"), (10, Group(10), "k 10, filter 1 %"), (10, Group(1), "k 10, filter 0.1 %"),
    ];

    private static AttributeFilter Group(int below) => new("group", FilterOperator.Lt, Value.Int(below));

    private static QueryRequest Request(SparseVector query, int k, Filter? filter) =>
        new() { RankBy = new ScoreRank(new SparseScore("words", query)), Limit = k, Filters = filter };

    private static void Describe(ISparseData data, NamespaceSnapshot snapshot, string folder)
    {
        double bytes = Directory.EnumerateFiles(folder, "*.sparse.*", SearchOption.AllDirectories).Select(f => (double)new FileInfo(f).Length).Max();
        double entries = Enumerable.Range(0, Math.Min(data.Documents, 2_000)).Average(d => data.Document(d).Keys.Length);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"set      {data.Name}: {data.Documents} documents of {entries:F0} entries in {snapshot.Sets.Count} sets, "
            + $"{data.Queries.Count} queries of {data.Queries.Average(q => q.Keys.Length):F0} entries"));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"index    {bytes / 1e6:F1} MB in the largest segment, {bytes / data.Documents / entries:F2} bytes a posting"));
    }

    private static void Measure(NamespaceSnapshot snapshot, ISparseData data, int k, Filter? filter, string name, int rounds)
    {
        var times = new List<double>();
        var clock = Stopwatch.StartNew();
        for (int round = 0; round < rounds; round++)
        {
            times.Clear();
            foreach (var query in data.Queries)
            {
                clock.Restart();
                QueryExecutor.Execute(snapshot, Request(query, k, filter), CancellationToken.None);
                times.Add(clock.Elapsed.TotalMilliseconds);
            }
        }

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"puff     {name,-20} {1000 / times.Average(),8:F0} queries/s, p50 {Percentiles.Of(times, 0.5):F3} ms, "
            + $"p99 {Percentiles.Of(times, 0.99):F3} ms   ({Work(snapshot, data, k, filter)})"));
    }

    /// <summary>What the plans say, a query on average.</summary>
    private static string Work(NamespaceSnapshot snapshot, ISparseData data, int k, Filter? filter)
    {
        double[] sums = new double[6];
        foreach (var query in data.Queries)
        {
            string plan = QueryExecutor.Explain(snapshot, Request(query, k, filter), CancellationToken.None);
            foreach (string line in plan.Split('\n').Where(l => l.Contains("sparse by inverted index: ", StringComparison.Ordinal)))
            {
                string[] numbers = line[line.IndexOf("index: ", StringComparison.Ordinal)..].Split(' ').Where(w => w.All(char.IsAsciiDigit)).ToArray();
                for (int i = 0; i < sums.Length; i++)
                {
                    sums[i] += double.Parse(numbers[i], CultureInfo.InvariantCulture) / data.Queries.Count;
                }
            }
        }

        return string.Create(CultureInfo.InvariantCulture,
            $"{sums[0]:F0} lists, {sums[1]:F0} of {sums[2]:F0} blocks, {sums[3]:F0} of {sums[4]:F0} windows skipped, {sums[5]:F0} scored exactly");
    }

    /// <summary>The same segment without its index, and whether its rows are equal.</summary>
    private static void Scan(NamespaceSnapshot snapshot, ISparseData data)
    {
        using var scanned = new NamespaceSnapshot(
            snapshot.Name, snapshot.Schema, [.. snapshot.Sets.Select(s => new ScannedSet(s))], snapshot.Sequence, snapshot.LastWriteAt, null);
        var clock = new Stopwatch();
        foreach (var query in data.Queries.Take(ScannedQueries))
        {
            clock.Start();
            var expected = QueryExecutor.Execute(scanned, Request(query, 1_000, null), CancellationToken.None);
            clock.Stop();
            var found = QueryExecutor.Execute(snapshot, Request(query, 1_000, null), CancellationToken.None);
            if (!expected.Rows!.Select(r => (r.Id, r.Distance)).SequenceEqual(found.Rows!.Select(r => (r.Id, r.Distance))))
            {
                throw new InvalidOperationException("the index and the scan disagree");
            }
        }

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"scan     {"k 1,000",-20} {ScannedQueries / clock.Elapsed.TotalSeconds,8:F2} queries/s; the same rows and scores"));
    }

    private static void MeasurePeer(ISparseData data)
    {
        var index = new ExhaustiveIndex(data);
        foreach (var query in data.Queries)
        {
            index.Search(query, 10);
        }

        var clock = Stopwatch.StartNew();
        foreach (var query in data.Queries)
        {
            index.Search(query, 10);
        }

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"by hand  {"k 10",-20} {data.Queries.Count / clock.Elapsed.TotalSeconds,8:F0} queries/s, exhaustive, "
            + $"{index.Postings} postings of 8 bytes in arrays"));
    }
}
