using Puff.Engine.Schema;
using Puff.Workloads;
using Puff.Workloads.Vectors;
using Xunit;

namespace Puff.Server.Tests.Workloads;

public sealed class RecallTests : IDisposable
{
    private readonly DirectoryInfo cache = Directory.CreateTempSubdirectory("puff-recall-");

    public void Dispose() => cache.Delete(recursive: true);

    [Fact]
    public void True_neighbours_are_those_of_a_plain_loop_under_every_filter()
    {
        using var set = Generated();
        foreach (var truth in GroundTruth.OfAll(set))
        {
            for (int query = 0; query < set.Queries.Rows; query++)
            {
                var expected = Enumerable.Range(0, set.Documents.Rows).Where(truth.Matches)
                    .OrderBy(d => GroundTruth.Distance(set.Metric, set.Queries.Singles(query), set.Documents.Singles(d))).ThenBy(d => d)
                    .Take(GroundTruth.Neighbors).ToArray();
                Assert.Equal(expected, truth.Ids(query).ToArray());
            }
        }
    }

    [Fact]
    public void The_truth_is_read_back_from_its_files()
    {
        using var set = Generated();
        int[] made = GroundTruth.OfAll(set)[1].Ids(3).ToArray();
        Assert.True(File.Exists(Path.Combine(set.Folder, "truth-50%-ids.vec")));
        Assert.Equal(made, GroundTruth.OfAll(set)[1].Ids(3).ToArray());
    }

    [Fact]
    public void Recall_counts_true_neighbours_once_and_nothing_that_the_filter_refuses()
    {
        using var set = Generated();
        var truth = GroundTruth.OfAll(set)[1];
        int[] right = truth.Ids(0)[..10].ToArray();
        int refused = Enumerable.Range(0, set.Documents.Rows).First(d => !truth.Matches(d));

        Assert.Equal(1.0, RecallOf(set, truth, right));
        Assert.Equal(0.9, RecallOf(set, truth, right[..9]));
        Assert.Equal(0.9, RecallOf(set, truth, [.. right[..9], right[0]]));
        Assert.Equal(0.9, RecallOf(set, truth, [.. right[..9], refused]));
        Assert.Equal(0.9, RecallOf(set, truth, [.. right[..9], -1]));
        Assert.Equal(0.9, RecallOf(set, truth, [.. right[..9], truth.Ids(0)[50], right[9]]));
    }

    [Fact]
    public void A_document_as_near_as_the_last_true_neighbour_counts()
    {
        float[] row = [1, 0];
        string folder = Directory.CreateDirectory(Path.Combine(cache.FullName, "ties")).FullName;
        Write(folder, "base.vec", 5, [.. row, .. row, .. row, 0, 1, 0, 1]);
        Write(folder, "queries.vec", 1, row);
        VectorFile.Write(Path.Combine(folder, "bucket.vec"), VectorFileType.I32, 5, 1, stream => stream.Write(new byte[20]));
        using var set = new VectorSet("ties", folder, DistanceMetric.CosineDistance);
        var truth = GroundTruth.OfAll(set)[0];
        Assert.Equal([0, 1, 2, 3, 4], truth.Ids(0).ToArray());
        Assert.Equal(1.0, RecallOf(set, truth, [2, 1], k: 2));
        Assert.Equal(0.5, RecallOf(set, truth, [2, 3], k: 2));
    }

    private static double RecallOf(VectorSet set, GroundTruth truth, int[] found, int k = 10)
    {
        var count = new RecallCount(set, truth, k);
        count.Add(0, found);
        return count.Recall;
    }

    private static void Write(string folder, string name, int rows, float[] values) => VectorFile.Write(
        Path.Combine(folder, name), VectorFileType.F32, rows, values.Length / rows,
        stream => stream.Write(System.Runtime.InteropServices.MemoryMarshal.AsBytes(values.AsSpan())));

    private VectorSet Generated() => VectorSets.Open(Options.Parse(
        ["--set", "hard", "--documents", "700", "--dimensions", "20", "--queries", "12", "--cache", cache.FullName]));
}
