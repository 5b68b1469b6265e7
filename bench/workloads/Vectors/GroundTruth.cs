using System.Runtime.InteropServices;
using Puff.Engine.Schema;

namespace Puff.Workloads.Vectors;

/// <summary>The true neighbours of every query among the documents that a filter matches.</summary>
internal sealed class GroundTruth
{
    public const int Neighbors = 100;

    private readonly int[] ids;
    private readonly float[] distances;
    private readonly int[] buckets;
    private readonly Selectivity selectivity;

    /// <param name="ids">Queries × <see cref="Neighbors"/> document numbers, nearest first, -1 where there are no more.</param>
    /// <param name="distances">Of the same shape.</param>
    /// <param name="buckets">The attribute of every document.</param>
    /// <param name="selectivity">The filter on it.</param>
    public GroundTruth(int[] ids, float[] distances, int[] buckets, Selectivity selectivity)
    {
        this.ids = ids;
        this.distances = distances;
        this.buckets = buckets;
        this.selectivity = selectivity;
    }

    public Selectivity Selectivity => selectivity;

    /// <summary>Documents that the filter matches.</summary>
    public int MatchCount => buckets.Count(b => b < selectivity.Below);

    /// <summary>Fewer than <see cref="Neighbors"/> when the filter matches fewer.</summary>
    public ReadOnlySpan<int> Ids(int query)
    {
        var row = ids.AsSpan(query * Neighbors, Neighbors);
        int end = row.IndexOf(-1);
        return end < 0 ? row : row[..end];
    }

    public ReadOnlySpan<float> Distances(int query) => distances.AsSpan(query * Neighbors, Ids(query).Length);

    public bool Matches(int document) => buckets[document] < selectivity.Below;

    /// <summary>The distance by definition, in double precision: 1 − cosine, or the sum of squared differences.</summary>
    public static double Distance(DistanceMetric metric, ReadOnlySpan<float> left, ReadOnlySpan<float> right)
    {
        double dot = 0, leftSquares = 0, rightSquares = 0, differences = 0;
        for (int d = 0; d < left.Length; d++)
        {
            double x = left[d], y = right[d];
            dot += x * y;
            leftSquares += x * x;
            rightSquares += y * y;
            differences += (x - y) * (x - y);
        }

        return metric == DistanceMetric.CosineDistance ? 1 - dot / Math.Sqrt(leftSquares * rightSquares) : differences;
    }

    /// <summary>One for each of <see cref="Selectivity.All"/>, from the files beside the vectors; the first time they are made.</summary>
    public static IReadOnlyList<GroundTruth> OfAll(VectorSet set)
    {
        int[] buckets = set.Buckets;
        if (!Selectivity.All.All(s => File.Exists(PathOf(set, s, "distances"))))
        {
            foreach (var truth in BruteForce.Find(set, buckets, Selectivity.All))
            {
                Save(PathOf(set, truth.selectivity, "ids"), VectorFileType.I32, MemoryMarshal.AsBytes(truth.ids.AsSpan()).ToArray());
                Save(PathOf(set, truth.selectivity, "distances"), VectorFileType.F32, MemoryMarshal.AsBytes(truth.distances.AsSpan()).ToArray());
            }
        }

        return Array.ConvertAll(Selectivity.All, s => Load(set, s, buckets));
    }

    private static GroundTruth Load(VectorSet set, Selectivity selectivity, int[] buckets)
    {
        using var ids = VectorFile.Open(PathOf(set, selectivity, "ids"));
        using var distances = VectorFile.Open(PathOf(set, selectivity, "distances"));
        return new GroundTruth(ids.AllIntegers(), distances.AllSingles(), buckets, selectivity);
    }

    private static void Save(string path, VectorFileType type, byte[] elements) =>
        VectorFile.Write(path, type, elements.Length / sizeof(int) / Neighbors, Neighbors, stream => stream.Write(elements));

    private static string PathOf(VectorSet set, Selectivity selectivity, string part) => Path.Combine(set.Folder, $"truth-{selectivity.Name}-{part}.vec");
}
