using System.Diagnostics;
using System.Globalization;

namespace Puff.Workloads.Text;

/// <summary>
/// Other text searches over the same passages and queries, each in a process of its own (bench/peers). An index is built once and kept in the folder of the
/// workload. Every peer is asked for its ten best, with OR between the words, one query after the other.
/// </summary>
internal static class TextPeers
{
    private const string Built = "built.txt";

    /// <param name="options">`peers`: names, separated by commas; `lucene`: the folder with Lucene's jars; `build-only`: yes to leave the queries out.</param>
    /// <param name="data">Passages and queries.</param>
    /// <param name="folder">Where the indexes are kept.</param>
    public static async Task RunAsync(Options options, TextData data, string folder)
    {
        string work = Directory.CreateDirectory(Path.Combine(folder, "peers")).FullName;
        string passages = Path.Combine(work, "passages.txt");
        if (!File.Exists(passages))
        {
            await File.WriteAllLinesAsync(passages + ".new", Enumerable.Range(0, data.Documents).Select(data.Document));
            File.Move(passages + ".new", passages);
        }

        string queries = Path.Combine(work, "queries.tsv");
        await File.WriteAllLinesAsync(
            queries, data.Short.Select(q => $"short\t{q}").Concat(data.Three.Select(q => $"three\t{q}")).Concat(data.Long.Select(q => $"long\t{q}")));
        foreach (string name in options.Text("peers", "sqlite,postgresql,lancedb,lucene").Split(','))
        {
            await MeasureAsync(options, name, Path.Combine(work, name), passages, queries);
        }
    }

    private static async Task MeasureAsync(Options options, string name, string index, string passages, string queries)
    {
        string report = Path.Combine(index, Built);
        if (!File.Exists(report))
        {
            if (Directory.Exists(index))
            {
                Directory.Delete(index, recursive: true);
            }

            Directory.CreateDirectory(index);
            string[] lines = await PeerAsync(options, name, "build", ["--passages", passages, "--work", index]);
            await File.WriteAllLinesAsync(report, lines.Where(l => l.StartsWith("built ", StringComparison.Ordinal)));
        }

        string built = (await File.ReadAllTextAsync(report)).Trim();
        long bytes = new DirectoryInfo(index).EnumerateFiles("*", SearchOption.AllDirectories).Sum(f => f.Length);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name,-10} {built}; {bytes / 1e6:F0} MB on disk"));
        if (options.Text("build-only", "no") == "yes")
        {
            return;
        }

        string[] answers = await PeerAsync(options, name, "query", ["--queries", queries, "--work", index, "--seconds", options.Text("seconds", "8")]);
        foreach (var set in answers.Select(a => a.Split(' ')).Where(a => a is ["query", _, _]).GroupBy(a => a[1]))
        {
            var times = set.Select(a => double.Parse(a[2], CultureInfo.InvariantCulture)).ToList();
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{name,-10} {set.Key,-6} mean {times.Average(),9:F0} us = {1e6 / times.Average(),7:F1}/s, p50 {Percentiles.Of(times, 0.5):F0}, "
                + $"p99 {Percentiles.Of(times, 0.99):F0}, {times.Count} queries"));
        }
    }

    private static async Task<string[]> PeerAsync(Options options, string name, string command, string[] arguments)
    {
        string folder = Path.Combine(Repository.Root, "bench", "peers");
        string[] program = name switch
        {
            "lucene" => ["java", "-Xmx2g", "-cp", $"{options.Text("lucene", "/usr/share/java")}/*", Path.Combine(folder, "TextPeer.java"), command],
            "postgresql" => ["bash", Path.Combine(folder, "text-postgresql.sh"), command],
            _ => ["node", Path.Combine(folder, "text-peer.mjs"), command, name],
        };
        var start = new ProcessStartInfo(program[0], [.. program[1..], .. arguments]) { RedirectStandardOutput = true };
        using var process = Process.Start(start)!;
        string output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return process.ExitCode == 0
            ? output.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            : throw new InvalidOperationException($"{name} {command} ended with code {process.ExitCode}; bench/README.md says what the peers need");
    }
}
