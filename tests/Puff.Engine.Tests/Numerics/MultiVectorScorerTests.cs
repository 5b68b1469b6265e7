using Puff.Engine.Numerics;
using Xunit;

namespace Puff.Engine.Tests.Numerics;

public sealed class MultiVectorScorerTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Sums_the_nearest_of_every_query_vector(bool cosine)
    {
        var random = new Random(4);
        const int Dimensions = 19;
        float[] query = StoredRows.RandomVector(random, ElementType.F32, 5 * Dimensions);
        float[] document = StoredRows.RandomVector(random, ElementType.F32, 8 * Dimensions);
        using var scorer = MultiVectorScorer.Create(Dimensions, cosine, query);
        double expected = query.Chunk(Dimensions).Sum(q => document.Chunk(Dimensions).Min(x => Definition(q, x, cosine)));
        Assert.Equal(expected, scorer.Distance(document), 1e-5);
    }

    [Fact]
    public void A_document_that_holds_every_query_vector_is_at_zero()
    {
        using var scorer = MultiVectorScorer.Create(2, cosine: true, [1, 2, 3, 1]);
        Assert.Equal(0f, scorer.Distance([5, 5, 3, 1, 1, 2]));
    }

    [Fact]
    public void A_document_without_vectors_is_infinitely_far()
    {
        using var scorer = MultiVectorScorer.Create(2, cosine: false, [1, 2]);
        Assert.Equal(float.PositiveInfinity, scorer.Distance([]));
    }

    [Fact]
    public void Incomplete_queries_are_refused()
    {
        Assert.Throws<ArgumentException>(() => MultiVectorScorer.Create(3, true, [1, 2, 3, 4]));
        Assert.Throws<ArgumentException>(() => MultiVectorScorer.Create(3, true, []));
    }

    private static double Definition(float[] query, float[] vector, bool cosine) => cosine
        ? 1 - Dot(query, vector) / Math.Sqrt(Dot(query, query) * Dot(vector, vector))
        : query.Zip(vector, (q, x) => ((double)q - x) * ((double)q - x)).Sum();

    private static double Dot(float[] left, float[] right) => left.Zip(right, (a, b) => (double)a * b).Sum();
}
