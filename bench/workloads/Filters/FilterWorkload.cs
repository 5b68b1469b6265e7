using System.Diagnostics;
using System.Globalization;
using Puff.Engine.Filters;
using Puff.Engine.Namespaces;
using Puff.Engine.Queries;
using Puff.Engine.Schema;

namespace Puff.Workloads.Filters;

/// <summary>
/// Goal: how fast filters are evaluated and matching documents aggregated and ordered, warm, on one thread in process. Method: a namespace merged into one
/// segment; a filter's figure is the time of a Count over it less nothing, so it includes binding the query and counting the bits; every query for a
/// second to warm up, until its code is compiled optimised, then three hundred times or for one second.
/// </summary>
internal static class FilterWorkload
{
    private const int MaxRounds = 300;
    private const double MaxSeconds = 1;

    public static async Task RunAsync(Options options)
    {
        Machine.Print();
        var data = new FilterData(options.Number("documents", 1_000_000), options.Number("seed", 1));
        using var folder = options.Folder();
        await using var store = await MergedStore.OpenAsync(folder.Path, "filters", data.Documents, FilterData.Schema, data.Row);

        if (options.Text("mode", "all") == "fill")
        {
            return;
        }

        Describe(folder.Path);
        using var snapshot = await store.ReadAsync();
        foreach (var (name, request) in Queries(data.Documents))
        {
            Measure(snapshot, name, request);
        }
    }

    private static IEnumerable<(string Name, QueryRequest Request)> Queries(int documents)
    {
        yield return ("Count of all", Count(null));
        yield return ("Eq, 1 in 1,000", Count(Where("bucket", FilterOperator.Eq, Value.Int(7))));
        yield return ("Eq, 1 in 12", Count(Where("colour", FilterOperator.Eq, Value.String("blue"))));
        yield return ("Eq, 1 in 2", Count(Where("flag", FilterOperator.Eq, Value.Bool(true))));
        yield return ("Eq, one document", Count(Where("serial", FilterOperator.Eq, Value.Int(0))));
        yield return ("In, 10 of 1,000", Count(Where("bucket", FilterOperator.In, Value.Array([.. Enumerable.Range(0, 10).Select(i => i * 91L)]))));
        yield return ("Lt, 1 %, different values", Count(Where("serial", FilterOperator.Lt, Value.Int(0xFFF_FFFF / 100))));
        yield return ("Lt, 50 %, different values", Count(Where("serial", FilterOperator.Lt, Value.Int(0xFFF_FFFF / 2))));
        yield return ("Between, 90 %, floats", Count(new AndFilter(
            [Where("price", FilterOperator.Gte, Value.Float(500)), Where("price", FilterOperator.Lt, Value.Float(9_500))])));
        yield return ("Lt, 10 %, 1,000 values", Count(Where("bucket", FilterOperator.Lt, Value.Int(100))));
        yield return ("Contains, 1 in 667", Count(Where("tags", FilterOperator.Contains, Value.String("tag 17"))));
        yield return ("AnyLt, 10 %", Count(Where("tags", FilterOperator.AnyLt, Value.String("tag 17"))));
        yield return ("Glob *xyz*, three letters", Count(Where("name", FilterOperator.Glob, Value.String("*zup*"))));
        yield return ("Glob *uzu*, three letters", Count(Where("name", FilterOperator.Glob, Value.String("*uzu*"))));
        yield return ("IGlob *ZUP*", Count(Where("name", FilterOperator.IGlob, Value.String("*ZUP*"))));
        yield return ("Glob prefix", Count(Where("name", FilterOperator.Glob, Value.String("zup*"))));
        yield return ("Regex", Count(Where("name", FilterOperator.Regex, Value.String("zupa.*7[0-4]$"))));
        yield return ("And of three", Count(new AndFilter([
            Where("flag", FilterOperator.Eq, Value.Bool(true)), Where("serial", FilterOperator.Lt, Value.Int(0xFFF_FFFF / 2)),
            Where("bucket", FilterOperator.Eq, Value.Int(7))])));
        yield return ("Sum of all, int", Sum("serial", null));
        yield return ("Sum of all, float", Sum("price", null));
        yield return ("Sum of half", Sum("serial", Where("flag", FilterOperator.Eq, Value.Bool(true))));
        yield return ("Count by 1,000 groups", Group("bucket", null));
        yield return ("Sum by 12 groups", Group("colour", "serial"));
        yield return ("Count by 1,000 elements", Group("tags", null));
        yield return ("Count by 1,000 elements, half", Group("tags", null) with { Filters = Where("flag", FilterOperator.Eq, Value.Bool(true)) });
        yield return ("Sum by 1,000 groups, half", Group("bucket", "serial") with { Filters = Where("flag", FilterOperator.Eq, Value.Bool(true)) });
        foreach (var function in new[] { AggregateFunction.Min, AggregateFunction.Max, AggregateFunction.Avg, AggregateFunction.CountDistinct })
        {
            string attribute = function == AggregateFunction.Avg ? "price" : "name";
            yield return ($"{function} of all", Of(function, attribute));
            yield return ($"{function} of half", Of(function, attribute) with { Filters = Where("flag", FilterOperator.Eq, Value.Bool(true)) });
            yield return ($"{function} by 12 groups", Of(function, attribute) with { GroupBy = [new GroupKey("colour", "colour", false)], Limit = 10_000 });
        }

        yield return ("order by, 10 rows", Order("serial", null));
        yield return ("order by, filter 1 in 1,000", Order("serial", Where("bucket", FilterOperator.Eq, Value.Int(7))));
        yield return ("order by, filter 1 in 2", Order("name", Where("flag", FilterOperator.Eq, Value.Bool(true))));
        _ = documents;
    }

    private static AttributeFilter Where(string attribute, FilterOperator @operator, Value operand) => new(attribute, @operator, operand);

    private static QueryRequest Count(Filter? filter) =>
        new() { AggregateBy = [new Aggregation("n", AggregateFunction.Count, null)], Filters = filter };

    private static QueryRequest Sum(string attribute, Filter? filter) =>
        new() { AggregateBy = [new Aggregation("n", AggregateFunction.Sum, attribute)], Filters = filter };

    private static QueryRequest Of(AggregateFunction function, string attribute) => new() { AggregateBy = [new Aggregation("n", function, attribute)] };

    private static QueryRequest Group(string key, string? sum) => new()
    {
        AggregateBy = [sum is null ? new Aggregation("n", AggregateFunction.Count, null) : new Aggregation("n", AggregateFunction.Sum, sum)],
        GroupBy = [new GroupKey(key == "tags" ? "each" : key, key, key == "tags")],
        Limit = 10_000,
    };

    private static QueryRequest Order(string attribute, Filter? filter) =>
        new() { RankBy = new OrderRank([new OrderKey(attribute, true)]), Limit = 10, Filters = filter };

    private static void Describe(string folder)
    {
        var sizes = Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Select(f => new FileInfo(f))
            .GroupBy(f => f.Name.Split('.').FirstOrDefault(p => p is "rows" or "ids" or "columns" or "attributes") ?? "other")
            .OrderBy(g => g.Key, StringComparer.Ordinal)
            .Select(g => string.Create(CultureInfo.InvariantCulture, $"{g.Key} {g.Max(f => f.Length) / 1e6:F1} MB"));
        Console.WriteLine("largest  " + string.Join(", ", sizes));
    }

    private static void Measure(NamespaceSnapshot snapshot, string name, QueryRequest request)
    {
        var times = new List<double>();
        var result = QueryExecutor.Execute(snapshot, request, CancellationToken.None);
        var total = Stopwatch.StartNew();
        while (total.Elapsed.TotalSeconds < MaxSeconds)
        {
            result = QueryExecutor.Execute(snapshot, request, CancellationToken.None);
        }

        total.Restart();
        var clock = new Stopwatch();
        while (times.Count < MaxRounds && total.Elapsed.TotalSeconds < MaxSeconds)
        {
            clock.Restart();
            result = QueryExecutor.Execute(snapshot, request, CancellationToken.None);
            times.Add(clock.Elapsed.TotalMicroseconds);
        }

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{name,-30} p50 {Percentiles.Of(times, 0.5),10:F1} µs, p99 {Percentiles.Of(times, 0.99),10:F1} µs   {Answer(result)}"));
    }

    private static string Answer(QueryResult result) => result switch
    {
        { Aggregations: [var (_, value)] } => $"= {Text(value)}",
        { Groups: { } groups } => string.Create(CultureInfo.InvariantCulture, $"{groups.Count} groups"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{result.Rows!.Count} rows, first {result.Rows.FirstOrDefault()?.Id}"),
    };

    private static string Text(Value value) => value.Kind == ValueKind.Float
        ? value.AsFloat.ToString("R", CultureInfo.InvariantCulture)
        : value.Kind == ValueKind.String ? value.AsString : value.AsInt.ToString(CultureInfo.InvariantCulture);
}
