using System.IO.Compression;
using System.Text;
using System.Text.Json;
using Puff.Engine.Schema;

namespace Puff.Workloads.Sparse;

/// <summary>Documents and queries of the sparse workload.</summary>
internal interface ISparseData
{
    string Name { get; }

    int Documents { get; }

    SparseVector Document(int number);

    IReadOnlyList<SparseVector> Queries { get; }
}

/// <summary>
/// Vectors shaped like learned term weights (SPLADE): 30,522 dimensions drawn by Zipf's law with exponent 0.9, 30 to 120 a document, weights up to 3
/// that are larger for rarer dimensions and vary from document to document. A query is half of the dimensions of a document nobody stored, at most 48.
/// </summary>
internal sealed class GeneratedSparseData : ISparseData
{
    private const int Dimensions = 30_522;
    private const double Exponent = 0.9;

    private readonly byte[][] keys = [.. Enumerable.Range(0, Dimensions).Select(d => Encoding.UTF8.GetBytes($"t{d}"))];
    private readonly double[] cumulative = new double[Dimensions];
    private readonly int seed;

    public GeneratedSparseData(int documents, int queries, int seed)
    {
        this.seed = seed;
        Documents = documents;
        double sum = 0;
        for (int rank = 0; rank < Dimensions; rank++)
        {
            cumulative[rank] = sum += 1 / Math.Pow(rank + 1, Exponent);
        }

        Queries = [.. Enumerable.Range(0, queries).Select(Query)];
    }

    public string Name => "generated";

    public int Documents { get; }

    public IReadOnlyList<SparseVector> Queries { get; }

    public SparseVector Document(int number)
    {
        var random = new Random(unchecked(seed * 1_000_003 + number));
        return Make(random, 30 + random.Next(91));
    }

    private SparseVector Query(int number)
    {
        var random = new Random(unchecked(-seed * 1_000_003 - number - 1));
        var whole = Make(random, 30 + random.Next(91));
        int[] kept = [.. Enumerable.Range(0, whole.Keys.Length).Where(_ => random.Next(2) == 0).OrderByDescending(i => whole.Weights[i]).Take(48).Order()];
        return new SparseVector([.. kept.Select(i => whole.Keys[i])], [.. kept.Select(i => whole.Weights[i])]);
    }

    private SparseVector Make(Random random, int entries)
    {
        var chosen = new HashSet<int>(entries);
        while (chosen.Count < entries)
        {
            int found = Array.BinarySearch(cumulative, random.NextDouble() * cumulative[^1]);
            chosen.Add(Math.Min(found < 0 ? ~found : found, Dimensions - 1));
        }

        int[] ranks = [.. chosen.OrderBy(r => keys[r], Comparer<byte[]>.Create(static (left, right) => left.AsSpan().SequenceCompareTo(right)))];
        return new SparseVector([.. ranks.Select(r => keys[r])], [.. ranks.Select(r => Weight(random, r))]);
    }

    private static float Weight(Random random, int rank)
    {
        double rarity = Math.Log(rank + 2) / Math.Log(Dimensions);
        double chance = random.NextDouble();
        return (float)(Half)Math.Min(3, (0.1 + 1.4 * rarity * rarity) * (0.2 + 1.6 * chance * chance));
    }
}

/// <summary>Titles of questions as word pieces with weights, and questions people asked: `samples/stackexchange`.</summary>
internal sealed class SampleSparseData : ISparseData
{
    private readonly SparseVector[] documents = Read("documents-sparse");

    public string Name => "stackexchange";

    public int Documents => documents.Length;

    public IReadOnlyList<SparseVector> Queries { get; } = Read("queries-sparse");

    public SparseVector Document(int number) => documents[number];

    private static SparseVector[] Read(string file)
    {
        using var content = File.OpenRead(Path.Combine(Repository.Root, "samples", "stackexchange", $"{file}.ndjson.gz"));
        using var reader = new StreamReader(new GZipStream(content, CompressionMode.Decompress));
        var vectors = new List<SparseVector>();
        while (reader.ReadLine() is { } line)
        {
            using var row = JsonDocument.Parse(line);
            var entries = row.RootElement.GetProperty("sparse").EnumerateObject()
                .Select(e => (Key: Encoding.UTF8.GetBytes(e.Name), Weight: e.Value.GetSingle()))
                .OrderBy(e => e.Key, Comparer<byte[]>.Create(static (left, right) => left.AsSpan().SequenceCompareTo(right))).ToArray();
            vectors.Add(new SparseVector([.. entries.Select(e => e.Key)], [.. entries.Select(e => e.Weight)]));
        }

        return [.. vectors];
    }
}
