using System.Diagnostics;
using System.Globalization;
using Puff.Engine.Filters;
using Puff.Engine.Namespaces;
using Puff.Engine.Queries;
using Puff.Engine.Schema;
using Puff.Engine.Vectors;

namespace Puff.Workloads.Tokens;

/// <summary>
/// Goal: how fast and how truly documents of many vectors are searched (late interaction), on one thread in process. Method: a namespace merged into one
/// segment; every query once to warm up and once measured; recall against exact distances to every document for some of the queries, which is the peer too.
/// </summary>
internal static class TokensWorkload
{
    private const int Rows = 10;

    public static async Task RunAsync(Options options)
    {
        Machine.Print();
        var data = new TokenData(options.Number("documents", 50_000), options.Number("queries", 200), options.Number("seed", 1));
        using var folder = options.Folder();
        var type = new AttributeUpdate("tokens") { Type = $"[][{TokenData.Dimensions}]f16", Ann = true, LateInteraction = true };
        var settings = options.Text("clusters", "yes") == "yes" ? new VectorIndexSettings() : new VectorIndexSettings { FlatLimit = int.MaxValue };
        DocumentRow Row(int document) =>
            new(Value.Int(document), [new("tokens", data.Document(document)), new("group", MergedStore.GroupOf(document))]);
        await using var store = await MergedStore.OpenAsync(
            folder.Path, "tokens", data.Documents, new SchemaUpdate([type]), Row, DistanceMetric.CosineDistance, settings);
        using var snapshot = await store.ReadAsync();
        foreach (var (filter, name) in new (Filter, string)[] { (new AndFilter([]), "all"), (Group(100), "filter 10 %"), (Group(10), "filter 1 %") })
        {
            Measure(snapshot, data, filter, name, options.Number("checked", 20));
        }
    }

    private static AttributeFilter Group(int below) => new("group", FilterOperator.Lt, Value.Int(below));

    private static QueryRequest Request(float[] query, Filter filter, bool exact) => new()
    {
        RankBy = new VectorRank("tokens", new VectorOperand(query, TokenData.Dimensions, IsMulti: true), exact),
        Limit = Rows,
        Filters = filter,
    };

    private static void Measure(NamespaceSnapshot snapshot, TokenData data, Filter filter, string name, int check)
    {
        var times = new List<double>();
        var clock = new Stopwatch();
        for (int round = 0; round < 2; round++)
        {
            times.Clear();
            foreach (float[] query in data.Queries)
            {
                clock.Restart();
                QueryExecutor.Execute(snapshot, Request(query, filter, exact: false), CancellationToken.None);
                times.Add(clock.Elapsed.TotalMilliseconds);
            }
        }

        var exact = new Stopwatch();
        int hits = 0;
        foreach (float[] query in data.Queries.Take(check))
        {
            exact.Start();
            var truth = QueryExecutor.Execute(snapshot, Request(query, filter, exact: true), CancellationToken.None).Rows!.Select(r => r.Id).ToHashSet();
            exact.Stop();
            hits += QueryExecutor.Execute(snapshot, Request(query, filter, exact: false), CancellationToken.None).Rows!.Count(r => truth.Contains(r.Id));
        }

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"puff     {name,-12} {1000 / times.Average(),8:F0} queries/s, p50 {Percentiles.Of(times, 0.5):F2} ms, p99 {Percentiles.Of(times, 0.99):F2} ms, "
            + $"recall@10 {hits / (double)(check * Rows):F3}; exact scan {check / exact.Elapsed.TotalSeconds:F2} queries/s"));
        Console.WriteLine(string.Join('\n', QueryExecutor.Explain(snapshot, Request(data.Queries[0], filter, exact: false), CancellationToken.None)
            .Split('\n').Where(l => l.Contains("compared", StringComparison.Ordinal) || l.Contains("candidates", StringComparison.Ordinal))));
    }
}
