using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using Puff.Engine.Schema;

namespace Puff.Workloads.Vectors;

/// <summary>
/// Vector search libraries measured on the same vectors and queries, each in a process of its own (bench/peers). An index is built once and kept beside the
/// set.
/// </summary>
internal static class Peers
{
    /// <summary>Measured when none are named; bench/peers/peer.mjs knows more variants.</summary>
    public static string[] Names { get; } = ["hnswlib", "usearch-f32", "usearch-f16", "lancedb-ivf-rq", "lancedb-hnsw-sq", "sqlite-vec"];

    private const string Node = "node";

    private static string Folder => Path.Combine(Repository.Root, "bench", "peers");

    public static async Task<SystemResult> RunAsync(Options options, VectorSet set, string name)
    {
        string index = Path.Combine(set.Folder, "peers", name);
        var built = await EnsureBuiltAsync(options, set, name, index);
        return options.Text("build-only", "no") == "yes" ? built : built with { Points = await QueryAsync(options, set, name, index) };
    }

    private static async Task<SystemResult> EnsureBuiltAsync(Options options, VectorSet set, string name, string index)
    {
        var results = new ResultStore(set);
        if (Directory.Exists(index) && results.Find(name) is { } known)
        {
            return known;
        }

        if (Directory.Exists(index))
        {
            Directory.Delete(index, recursive: true);
        }

        Directory.CreateDirectory(index);
        string program = await ProgramAsync(options, name);
        int threads = options.Number("threads", Environment.ProcessorCount);
        string metric = set.Metric == DistanceMetric.CosineDistance ? "cosine" : "euclidean";
        double before = ProcessorTime.OfChildren();
        string[] lines = await RunAsync(
            program, name, "build",
            ["--base", set.Documents.Path, "--metric", metric, "--work", index, "--threads", threads.ToString(CultureInfo.InvariantCulture)]);
        string[] words = lines.Single(l => l.StartsWith("built ", StringComparison.Ordinal)).Split(' ', 3);
        var result = new SystemResult
        {
            System = name,
            Description = words[2],
            Documents = set.Documents.Rows,
            BuildSeconds = double.Parse(words[1], CultureInfo.InvariantCulture),
            BuildProcessorSeconds = ProcessorTime.OfChildren() - before,
            BuildThreads = name == "sqlite-vec" ? 1 : threads,
            DiskBytes = new DirectoryInfo(index).EnumerateFiles("*", SearchOption.AllDirectories).Sum(f => f.Length),
        };
        results.Save(result);
        return result;
    }

    private static async Task<IReadOnlyList<RecallPoint>> QueryAsync(Options options, VectorSet set, string name, string index)
    {
        int k = options.Number("k", 10);
        var truth = GroundTruth.OfAll(set)[0];
        var folder = Directory.CreateTempSubdirectory("puff-peer-");
        try
        {
            string[] lines = await RunAsync(
                await ProgramAsync(options, name), name, "query",
                ["--queries", set.Queries.Path, "--work", index, "--out", folder.FullName, "--k", $"{k}", "--seconds", options.Text("seconds", "10")]);
            return [.. lines.Where(l => l.StartsWith("setting ", StringComparison.Ordinal)).Select(l => Point(set, truth, k, folder.FullName, l.Split(' ')))];
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    /// <param name="words">"setting", number, text, resident bytes, anonymous bytes.</param>
    private static RecallPoint Point(VectorSet set, GroundTruth truth, int k, string folder, string[] words)
    {
        using var answers = VectorFile.Open(Path.Combine(folder, $"answers-{words[1]}.vec"));
        using var latencies = VectorFile.Open(Path.Combine(folder, $"latencies-{words[1]}.vec"));
        var samples = new QuerySamples();
        for (int query = 0; query < answers.Rows; query++)
        {
            samples.Add(answers.Integers(query).ToArray(), TimeSpan.FromMilliseconds(latencies.Singles(query)[0]));
        }

        var memory = new ProcessMemory(long.Parse(words[3], CultureInfo.InvariantCulture), long.Parse(words[4], CultureInfo.InvariantCulture), 0, null);
        return samples.Summarize(words[2], set, truth, k, memory);
    }

    private static async Task<string[]> RunAsync(string program, string name, string command, string[] arguments)
    {
        string[] script = program == Node ? ["--expose-gc", Path.Combine(Folder, "peer.mjs")] : [];
        var start = new ProcessStartInfo(program, [.. script, command, name, .. arguments]) { RedirectStandardOutput = true };
        using var process = Process.Start(start)!;
        using var stop = PosixSignalRegistration.Create(PosixSignal.SIGTERM, _ => process.Kill());
        string output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return process.ExitCode == 0
            ? output.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            : throw new InvalidOperationException($"{name} {command} ended with code {process.ExitCode}; are the peers installed (cd bench/peers && npm ci)?");
    }

    private static async Task<string> ProgramAsync(Options options, string name) => name == "hnswlib" ? await CompileAsync(options) : Node;

    /// <summary>hnswlib is a header: compiled for this processor, as its users do.</summary>
    private static async Task<string> CompileAsync(Options options)
    {
        string program = Path.Combine(VectorSets.CacheFolder(options), "hnswlib-peer");
        string source = Path.Combine(Folder, "hnswlib.cpp");
        if (File.Exists(program) && File.GetLastWriteTimeUtc(program) > File.GetLastWriteTimeUtc(source))
        {
            return program;
        }

        string headers = Path.Combine(Folder, "node_modules", "hnswlib-node", "src");
        using var compiler = Process.Start("g++", ["-O3", "-march=native", "-DNDEBUG", "-std=c++17", "-pthread", "-I", headers, source, "-o", program]);
        await compiler.WaitForExitAsync();
        return compiler.ExitCode == 0
            ? program
            : throw new InvalidOperationException("hnswlib could not be compiled: cd bench/peers && npm ci, and install g++");
    }
}
