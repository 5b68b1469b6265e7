using System.Diagnostics;
using System.Globalization;
using Puff.Engine.Filters;
using Puff.Engine.Formats;
using Puff.Engine.Namespaces;
using Puff.Engine.Queries;
using Puff.Engine.Schema;

namespace Puff.Workloads.Text;

/// <summary>
/// Goal: how fast BM25 is, on one thread in process, and how large its index. Method: a namespace merged into one segment; all queries at least twice and for
/// two seconds, then five times more: of each query the median, because other processes take the processor for milliseconds. Peers: <see cref="TextPeers"/>.
/// Relevance: <see cref="RelevanceWorkload"/>.
/// </summary>
internal static class TextWorkload
{
    /// <summary>Before the round that counts: code is compiled in the background while it is first used.</summary>
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(2);

    private const int Rounds = 5;

    public static async Task RunAsync(Options options)
    {
        Machine.Print();
        string mode = options.Text("mode", "all");
        if (mode is "all" or "relevance")
        {
            await RelevanceWorkload.RunAsync(options);
        }

        if (mode is "relevance")
        {
            return;
        }

        var data = new TextData(options.Number("documents", 1_000_000), options.Number("queries", 500), options.Number("seed", 1));
        using var folder = options.Folder();
        var schema = new SchemaUpdate([new AttributeUpdate("body") { Type = "string", FullText = new FullTextUpdate(true) }]);
        await using var store = await MergedStore.OpenAsync(folder.Path, "text", data.Documents, schema, document =>
            new DocumentRow(Value.Int(document), [new("body", Value.String(data.Document(document))), new("group", MergedStore.GroupOf(document))]));

        if (mode is "all" or "puff")
        {
            using var snapshot = await store.ReadAsync();
            Describe(data, snapshot);
            string only = options.Text("only", string.Empty);
            foreach (var (name, queries, k, filter) in Kinds(data).Where(q => q.Name.StartsWith(only, StringComparison.Ordinal)))
            {
                Measure(snapshot, queries, k, filter, name);
            }
        }

        if (mode is "all" or "peers")
        {
            await TextPeers.RunAsync(options, data, folder.Path);
        }
    }

    private static IEnumerable<(string Name, IReadOnlyList<string> Queries, int K, Filter? Filter)> Kinds(TextData data) =>
    [
        ("1-5 words, k 10", data.Short, 10, null),
        ("1-5 words, k 100", data.Short, 100, null),
        ("1-5 words, k 1000", data.Short, 1_000, null),
        ("3 words, k 10", data.Three, 10, null),
        ("13 words, k 10", data.Long, 10, null),
        ("1-5 words, filter 10 %", data.Short, 10, Group(100)),
        ("1-5 words, filter 1 %", data.Short, 10, Group(10)),
    ];

    private static AttributeFilter Group(int below) => new("group", FilterOperator.Lt, Value.Int(below));

    private static QueryRequest Request(string query, int k, Filter? filter) =>
        new() { RankBy = new ScoreRank(new Bm25Score("body", query, null, false)), Limit = k, Filters = filter };

    private static void Describe(TextData data, NamespaceSnapshot snapshot)
    {
        var attribute = snapshot.Schema.Find("body")!;
        long bytes = 0, withoutPositions = 0, tokens = 0, postings = 0;
        foreach (var set in snapshot.Sets.Where(s => !s.IsTail))
        {
            var index = (TextIndex)set.GetText(attribute).Source.Index;
            long all = index.PartBytes;
            bytes += all;
            withoutPositions += all - index.Facts.PositionBytes;
            tokens += index.Facts.Length;
            postings += index.Facts.Postings;
        }

        int sampled = Math.Min(data.Documents, 2_000);
        double text = Enumerable.Range(0, sampled).Sum(d => (double)System.Text.Encoding.UTF8.GetByteCount(data.Document(d))) / sampled * data.Documents;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"set      {data.Documents} passages, {text / 1e6:F0} MB, {tokens} tokens, {postings} postings in {snapshot.Sets.Count} sets"));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"index    {bytes / 1e6:F1} MB = {bytes / text:F3} of the text; without positions {withoutPositions / 1e6:F1} MB = {withoutPositions / text:F3}, "
            + $"{(double)withoutPositions / postings:F2} bytes a posting"));
    }

    private static void Measure(NamespaceSnapshot snapshot, IReadOnlyList<string> queries, int k, Filter? filter, string name)
    {
        var times = new List<double>();
        var clock = Stopwatch.StartNew();
        var begun = Stopwatch.StartNew();
        for (int round = 0, measured = 0; measured < Rounds; round++)
        {
            measured += round >= 2 && begun.Elapsed >= WarmUp ? 1 : 0;
            foreach (string query in queries)
            {
                clock.Restart();
                QueryExecutor.Execute(snapshot, Request(query, k, filter), CancellationToken.None);
                times.Add(clock.Elapsed.TotalMicroseconds);
            }
        }

        times = [.. Enumerable.Range(0, queries.Count).Select(q => MedianOf([.. times.Chunk(queries.Count).TakeLast(Rounds).Select(r => r[q])]))];

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"puff     {name,-24} mean {times.Average(),8:F0} us, p50 {Percentiles.Of(times, 0.5):F0}, p90 {Percentiles.Of(times, 0.9):F0}, "
            + $"p99 {Percentiles.Of(times, 0.99):F0}   {Work(snapshot, queries, k, filter)}"));
    }

    private static double MedianOf(double[] times)
    {
        Array.Sort(times);
        return times[times.Length / 2];
    }

    /// <summary>What the plans say, a query on average.</summary>
    private static string Work(NamespaceSnapshot snapshot, IReadOnlyList<string> queries, int k, Filter? filter)
    {
        double[] sums = new double[6];
        foreach (string query in queries)
        {
            string plan = QueryExecutor.Explain(snapshot, Request(query, k, filter), CancellationToken.None);
            foreach (string line in plan.Split('\n').Where(l => l.Contains("posting blocks", StringComparison.Ordinal)))
            {
                string[] numbers = line[line.IndexOf("posting lists: ", StringComparison.Ordinal)..].Split(' ').Where(w => w.All(char.IsAsciiDigit)).ToArray();
                for (int i = 0; i < sums.Length; i++)
                {
                    sums[i] += double.Parse(numbers[i], CultureInfo.InvariantCulture) / queries.Count;
                }
            }
        }

        return string.Create(CultureInfo.InvariantCulture,
            $"({sums[0]:F0} of {sums[1]:F0} blocks, {sums[2]:F0} of {sums[3]:F0} windows skipped, {sums[4]:F0} candidates, {sums[5]:F0} scored exactly)");
    }
}
