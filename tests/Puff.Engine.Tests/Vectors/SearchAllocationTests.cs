using Puff.Engine.Numerics;
using Puff.Engine.Vectors;
using Xunit;

namespace Puff.Engine.Tests.Vectors;

/// <summary>A search of an index works in memory that is kept from search to search.</summary>
public sealed class SearchAllocationTests
{
    private const int Dimensions = 96;

    [Theory]
    [InlineData(nameof(SearchStrategy.Probe), 1)]
    [InlineData(nameof(SearchStrategy.Probe), 7)]
    [InlineData(nameof(SearchStrategy.Exhaustive), 1)]
    [InlineData(nameof(SearchStrategy.FilterFirst), 20)]
    [InlineData(nameof(SearchStrategy.Exact), 100)]
    public void A_repeated_search_allocates_nothing(string strategy, int oneOf)
    {
        var space = new VectorSpace(ElementType.F32, cosine: true, Dimensions);
        float[][] vectors = TopicVectors.Create(11, 4_001, Dimensions);
        using var tree = new OwnedTree(PlantedTree.Create(space, vectors, 40));
        using var indexed = new IndexedVectors(space, vectors[..4_000], tree.Tree);
        var set = indexed.Where(i => i % oneOf == 0);
        using var scorer = space.Scorer(vectors[^1]);
        var part = new SearchPart
        {
            Strategy = Enum.Parse<SearchStrategy>(strategy), FirstSet = 0, SetCount = 1, Tree = tree.Tree, Probes = ProbeTable.Uncalibrated,
            Codes = indexed.Count, Matches = set.MatchCount,
        };
        var request = new SearchRequest
        {
            Query = space.ToQuery(vectors[^1]), Scorer = scorer, CodeScale = space.CodeScale, Count = 10, Sets = [set], Parts = [part],
        };
        using var scratch = new SearchScratch(space.Rotation.PaddedDimensions);
        VectorSearch.Run(request, scratch);
        Assert.InRange(scratch.Hits.Count, 10, 4_000);
        long before = GC.GetAllocatedBytesForCurrentThread();
        VectorSearch.Run(request, scratch);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }
}
