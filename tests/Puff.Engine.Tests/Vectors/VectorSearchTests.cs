using Puff.Engine.Numerics;
using Puff.Engine.Vectors;
using Xunit;

namespace Puff.Engine.Tests.Vectors;

/// <summary>The search itself, on codes in memory: every strategy against exact search.</summary>
public sealed unsafe class VectorSearchTests
{
    private const int Dimensions = 96;

    [Theory]
    [InlineData(nameof(SearchStrategy.Exact), 1)]
    [InlineData(nameof(SearchStrategy.FilterFirst), 10)]
    [InlineData(nameof(SearchStrategy.Exhaustive), 1)]
    [InlineData(nameof(SearchStrategy.Exhaustive), 10)]
    [InlineData(nameof(SearchStrategy.Exhaustive), 100)]
    [InlineData(nameof(SearchStrategy.Exhaustive), 1_200)]
    public void What_looks_at_everything_finds_the_nearest(string strategy, int count)
    {
        var space = new VectorSpace(ElementType.F32, cosine: true, Dimensions);
        float[][] vectors = TopicVectors.Create(1, 5_000, Dimensions);
        var tree = PlantedTree.Create(space, vectors, 50);
        using var indexed = new IndexedVectors(space, vectors[..4_900], tree);
        double recall = vectors[4_900..].Average(q => Recall(space, q, count, [indexed.All()], Enum.Parse<SearchStrategy>(strategy), tree, out _));
        Assert.InRange(recall, 0.999, 1);
    }

    private static double Recall(
        VectorSpace space, float[] query, int count, SearchSet[] sets, SearchStrategy strategy, ClusterTree? tree, out SearchStatistics statistics)
    {
        var truth = TestSearch.Exact(space, query, count, sets);
        var found = TestSearch.Run(space, query, count, sets, strategy, tree, out statistics);
        return truth.Length == 0 ? 1 : (double)truth.Intersect(found).Count() / truth.Length;
    }
}
