using System.Runtime.InteropServices;
using Puff.Engine.Schema;

namespace Puff.Workloads.Vectors;

/// <summary>Makes or finds a set by name: generated ("easy", "hard"), from samples/ ("stackexchange", "mnist"), or any folder with packed matrices.</summary>
internal static class VectorSets
{
    /// <summary>Part of every folder name: raise it when the same name would give other vectors.</summary>
    private const int Version = 1;

    private static readonly string[] BaseNames = ["documents.vec.gz", "base.vec.gz"];

    public static VectorSet Open(Options options)
    {
        string kind = options.Text("set", "easy");
        int documents = options.Number("documents", 100_000);
        int dimensions = options.Number("dimensions", 768);
        int queries = options.Number("queries", 1_000);
        ulong seed = (ulong)options.Number("seed", 1);
        return kind switch
        {
            "easy" => Generated(options, kind, GeneratorShape.Easy, documents, dimensions, queries, seed),
            "hard" => Generated(options, kind, GeneratorShape.Hard, documents, dimensions, queries, seed),
            "stackexchange" => Packed(options, kind, SampleFolder(kind), DistanceMetric.CosineDistance, documents, queries, seed),
            "mnist" => Packed(options, kind, SampleFolder(kind), DistanceMetric.EuclideanSquared, documents, queries, seed),
            _ when Directory.Exists(kind) => Packed(options, new DirectoryInfo(kind).Name, kind, MetricOf(options), documents, queries, seed),
            _ => throw new ArgumentException($"--set {kind}: easy, hard, stackexchange, mnist or a folder with base.vec.gz and queries.vec.gz"),
        };
    }

    public static string CacheFolder(Options options) => options.Text("cache", Path.Combine(Path.GetTempPath(), "puff-bench"));

    private static VectorSet Generated(Options options, string kind, GeneratorShape shape, int documents, int dimensions, int queries, ulong seed)
    {
        string name = $"{kind}-{dimensions}-{documents}-q{queries}-s{seed}-v{Version}";
        return Make(options, name, DistanceMetric.CosineDistance, seed, folder =>
        {
            var generator = new VectorGenerator(shape, dimensions, seed);
            generator.WriteQueries(Path.Combine(folder, "queries.vec"), queries);
            generator.WriteDocuments(Path.Combine(folder, "base.vec"), documents);
        });
    }

    private static VectorSet Packed(Options options, string kind, string source, DistanceMetric metric, int documents, int queries, ulong seed)
    {
        string name = $"{kind}-{documents}-q{queries}-s{seed}-v{Version}";
        return Make(options, name, metric, seed, folder =>
        {
            string packed = BaseNames.Select(n => Path.Combine(source, n)).FirstOrDefault(File.Exists)
                ?? throw new FileNotFoundException($"{source} has no {string.Join(" or ", BaseNames)}");
            VectorFile.Unpack(Path.Combine(source, "queries.vec.gz"), Path.Combine(folder, "queries.vec"), queries);
            VectorFile.Unpack(packed, Path.Combine(folder, "base.vec"), documents);
        });
    }

    private static VectorSet Make(Options options, string name, DistanceMetric metric, ulong seed, Action<string> make)
    {
        string folder = Path.Combine(CacheFolder(options), name);
        string last = Path.Combine(folder, "bucket.vec");
        if (!File.Exists(last))
        {
            Directory.CreateDirectory(folder);
            make(folder);
            WriteBuckets(folder, seed, last);
        }

        return new VectorSet(name, folder, metric);
    }

    private static void WriteBuckets(string folder, ulong seed, string path)
    {
        using var documents = VectorFile.Open(Path.Combine(folder, "base.vec"));
        int[] buckets = VectorGenerator.Buckets(documents.Rows, seed);
        VectorFile.Write(path, VectorFileType.I32, buckets.Length, 1, stream => stream.Write(MemoryMarshal.AsBytes(buckets.AsSpan())));
    }

    private static DistanceMetric MetricOf(Options options) =>
        options.Text("metric", "cosine") == "euclidean" ? DistanceMetric.EuclideanSquared : DistanceMetric.CosineDistance;

    private static string SampleFolder(string name) => Path.Combine(Repository.Root, "samples", name);
}
