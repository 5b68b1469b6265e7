using Puff.Engine.Numerics;
using Xunit;

namespace Puff.Engine.Tests.Numerics;

public sealed unsafe class ExactScorerTests
{
    public static TheoryData<string, bool> Metrics
    {
        get
        {
            var data = new TheoryData<string, bool>();
            foreach (string type in Enum.GetNames<ElementType>())
            {
                data.Add(type, false);
                data.Add(type, true);
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Metrics))]
    public void Distances_equal_the_definition(string typeName, bool cosine)
    {
        var type = Enum.Parse<ElementType>(typeName);
        var random = new Random(5);
        foreach (int dimensions in new[] { 1, 2, 3, 7, 16, 31, 100, 768, 1_537 })
        {
            float[] query = StoredRows.RandomVector(random, type, dimensions);
            float[][] vectors = [.. Enumerable.Range(0, 23).Select(_ => StoredRows.RandomVector(random, type, dimensions))];
            using var rows = new StoredRows(type, dimensions, vectors, misalignment: 3);
            using var scorer = ExactScorer.Create(type, dimensions, cosine, query);
            var all = new float[vectors.Length];
            scorer.Distances(rows.Pointer, rows.RowBytes, vectors.Length, all);
            for (int i = 0; i < vectors.Length; i++)
            {
                double expected = Definition(type, query, vectors[i], cosine);
                Assert.Equal(expected, all[i], 2e-6 * Math.Max(1, expected));
                Assert.Equal(all[i], scorer.Distance(rows.Pointer + (long)i * rows.RowBytes));
            }
        }
    }

    [Theory]
    [MemberData(nameof(Metrics))]
    public void Chosen_rows_have_the_same_distances_as_a_scan(string typeName, bool cosine)
    {
        var type = Enum.Parse<ElementType>(typeName);
        var random = new Random(6);
        float[][] vectors = [.. Enumerable.Range(0, 40).Select(_ => StoredRows.RandomVector(random, type, 33))];
        using var rows = new StoredRows(type, 33, vectors);
        using var scorer = ExactScorer.Create(type, 33, cosine, StoredRows.RandomVector(random, type, 33));
        var all = new float[40];
        scorer.Distances(rows.Pointer, rows.RowBytes, 40, all);
        int[] chosen = [39, 0, 7, 7, 12, 38, 1];
        var some = new float[chosen.Length];
        scorer.Distances(rows.Pointer, rows.RowBytes, chosen, some);
        Assert.Equal(chosen.Select(i => all[i]), some);
    }

    [Fact]
    public void Rows_may_be_farther_apart_than_they_are_long()
    {
        float[] padded = [1, 2, 99, 3, 4, 99];
        using var rows = new StoredRows(ElementType.F32, 6, [padded]);
        using var scorer = ExactScorer.Create(ElementType.F32, 2, cosine: false, [1, 1]);
        var distances = new float[2];
        scorer.Distances(rows.Pointer, 3 * sizeof(float), 2, distances);
        Assert.Equal([1f, 13f], distances);
    }

    [Theory]
    [InlineData(0.7f, 0.7f, 0.01)]
    [InlineData(1.0f, 1.0f, 0.13)]
    [InlineData(1.1f, 1.1f, 0.25)]
    [InlineData(0.3f, 0.3f, 0.41)]
    public void Euclidean_reference_points(float x, float y, double expected) =>
        Assert.Equal(expected, Distance(false, [0.8f, 0.7f], [x, y]), 1e-6);

    [Fact]
    public void Cosine_of_equal_opposite_and_orthogonal_vectors_is_exact()
    {
        var random = new Random(9);
        foreach (int dimensions in new[] { 1, 2, 5, 64, 768, 1_001 })
        {
            float[] vector = StoredRows.RandomVector(random, ElementType.F32, dimensions);
            Assert.Equal(0f, Distance(true, vector, vector));
            Assert.Equal(2f, Distance(true, vector, [.. vector.Select(v => -v)]));
            Assert.Equal(0f, Distance(true, vector, [.. vector.Select(v => v * 4)]));
        }

        Assert.Equal(1f, Distance(true, [3, 0], [0, 5]));
    }

    [Fact]
    public void Cosine_with_a_zero_vector_is_one()
    {
        Assert.Equal(1f, Distance(true, [0, 0, 0], [1, 2, 3]));
        Assert.Equal(1f, Distance(true, [1, 2, 3], [0, 0, 0]));
        Assert.Equal(1f, Distance(true, [0, 0, 0], [0, 0, 0]));
    }

    [Theory]
    [InlineData(1e-45f)]
    [InlineData(1e-30f)]
    [InlineData(1e30f)]
    [InlineData(3e38f)]
    public void Magnitude_does_not_matter_to_cosine(float size)
    {
        Assert.Equal(0f, Distance(true, [size, size], [size, size]), 1e-6f);
        Assert.Equal(2f, Distance(true, [size, 0], [-1, 0]), 1e-6f);
        Assert.Equal(1f, Distance(true, [1, 0], [0, size]), 1e-6f);
        Assert.Equal(1 - Math.Sqrt(0.5), Distance(true, [1, 1], [size, 0]), 1e-6);
    }

    [Fact]
    public void Overflowing_distances_are_the_largest_number() =>
        Assert.Equal(float.MaxValue, Distance(false, [3e38f, 1], [-3e38f, 1]));

    [Fact]
    public void Queries_beyond_the_range_of_halves_work()
    {
        using var rows = new StoredRows(ElementType.F16, 2, [[60_000, 1]]);
        using var scorer = ExactScorer.Create(ElementType.F16, 2, cosine: false, [1e10f, 1]);
        Assert.Equal(1.0, scorer.Distance(rows.Pointer) / Math.Pow(1e10 - 60_000, 2), 1e-6);
    }

    [Fact]
    public void Wrong_queries_are_refused()
    {
        Assert.Throws<ArgumentException>(() => ExactScorer.Create(ElementType.F32, 3, true, [1, 2]));
        Assert.Throws<ArgumentOutOfRangeException>(() => ExactScorer.Create(ElementType.F32, 0, true, []));
        Assert.Throws<ArgumentOutOfRangeException>(() => ExactScorer.Create((ElementType)9, 1, true, [1]));
    }

    private static float Distance(bool cosine, float[] query, float[] vector)
    {
        using var row = new StoredRows(ElementType.F32, vector.Length, [vector]);
        using var scorer = ExactScorer.Create(ElementType.F32, query.Length, cosine, query);
        return scorer.Distance(row.Pointer);
    }

    private static double Definition(ElementType type, float[] query, float[] vector, bool cosine)
    {
        double[] stored = [.. vector.Select(v => type == ElementType.F16 ? (double)(Half)v : v)];
        if (!cosine)
        {
            return query.Zip(stored, (q, x) => (q - x) * (q - x)).Sum();
        }

        double dot = query.Zip(stored, (q, x) => q * x).Sum();
        return 1 - dot / Math.Sqrt(query.Sum(q => (double)q * q) * stored.Sum(x => x * x));
    }
}
