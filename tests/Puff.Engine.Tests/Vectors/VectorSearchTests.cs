using Puff.Engine.Numerics;
using Puff.Engine.Vectors;
using Xunit;

namespace Puff.Engine.Tests.Vectors;

/// <summary>The search itself, on codes in memory: every strategy, type, metric and mask against exact search.</summary>
public sealed class VectorSearchTests(SharedIndex shared) : IClassFixture<SharedIndex>
{
    private const int Dimensions = 96;

    // 1, and what adding up shares may make of it.
    private const double Whole = 1 + 1e-9;

    [Theory]
    [InlineData(nameof(SearchStrategy.Exact), 10)]
    [InlineData(nameof(SearchStrategy.FilterFirst), 10)]
    [InlineData(nameof(SearchStrategy.Exhaustive), 1)]
    [InlineData(nameof(SearchStrategy.Exhaustive), 10)]
    [InlineData(nameof(SearchStrategy.Exhaustive), 100)]
    [InlineData(nameof(SearchStrategy.Exhaustive), 1_200)]
    public void What_looks_at_everything_finds_the_nearest(string strategy, int count)
    {
        var space = new VectorSpace(ElementType.F32, cosine: true, Dimensions);
        float[][] vectors = TopicVectors.Create(1, 5_000, Dimensions);
        using var tree = new OwnedTree(PlantedTree.Create(space, vectors, 50));
        using var indexed = new IndexedVectors(space, vectors[..4_900], tree.Tree);
        Assert.InRange(TestSearch.Recall(space, vectors[4_900..], count, [indexed.All()], Enum.Parse<SearchStrategy>(strategy), tree.Tree), 0.999, Whole);
    }

    [Theory]
    [InlineData(nameof(ElementType.F32), false)]
    [InlineData(nameof(ElementType.F16), true)]
    [InlineData(nameof(ElementType.F16), false)]
    [InlineData(nameof(ElementType.I8), true)]
    [InlineData(nameof(ElementType.I8), false)]
    public void Every_type_and_metric_is_searched(string type, bool cosine)
    {
        var element = Enum.Parse<ElementType>(type);
        var space = new VectorSpace(element, cosine, Dimensions);
        float[][] vectors = TopicVectors.Create(2, 4_000, Dimensions, element == ElementType.I8 ? 150 : 1);
        vectors = element == ElementType.I8 ? [.. vectors.Select(v => Array.ConvertAll(v, x => MathF.Round(Math.Clamp(x, -128, 127))))] : vectors;
        using var tree = new OwnedTree(PlantedTree.Create(space, vectors, 50));
        using var indexed = new IndexedVectors(space, vectors[..3_900], tree.Tree);
        Assert.InRange(TestSearch.Recall(space, vectors[3_900..], 10, [indexed.All()], SearchStrategy.Exhaustive, tree.Tree), 0.999, Whole);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(64)]
    [InlineData(100)]
    public void Few_dimensions_are_searched(int dimensions)
    {
        var space = new VectorSpace(ElementType.F32, cosine: false, dimensions);
        float[][] vectors = TopicVectors.Create(3, 2_000, dimensions);
        using var tree = new OwnedTree(PlantedTree.Create(space, vectors, 50));
        using var indexed = new IndexedVectors(space, vectors[..1_950], tree.Tree);
        Assert.InRange(TestSearch.Recall(space, vectors[1_950..], 10, [indexed.All()], SearchStrategy.Exhaustive, tree.Tree), 0.999, Whole);
    }

    [Fact]
    public void A_flat_segment_is_searched_without_a_tree()
    {
        var space = new VectorSpace(ElementType.F32, cosine: true, Dimensions);
        float[][] vectors = TopicVectors.Create(4, 3_000, Dimensions);
        using var aligned = new IndexedVectors(space, vectors[..1_000], tree: null);
        using var unaligned = new IndexedVectors(space, vectors[1_000..2_900], tree: null, aligned: false);
        foreach (var indexed in new[] { aligned, unaligned })
        {
            var set = indexed.Where(i => i % 3 != 0);
            Assert.InRange(TestSearch.Recall(space, vectors[2_900..], 10, [set], SearchStrategy.Exhaustive, null), 0.999, Whole);
            Assert.InRange(TestSearch.Recall(space, vectors[2_900..], 10, [set], SearchStrategy.FilterFirst, null), 0.999, Whole);
        }
    }

    [Fact]
    public void Segments_grouped_at_any_level_of_a_tree_are_probed_together()
    {
        var space = new VectorSpace(ElementType.F32, cosine: true, Dimensions);
        float[][] vectors = TopicVectors.Create(5, 9_000, Dimensions);
        using var tree = new OwnedTree(PlantedTree.Create(space, vectors[..8_000], 50));
        using var large = new IndexedVectors(space, vectors[..6_000], tree.Tree);
        using var upper = new IndexedVectors(space, vectors[6_000..8_000], tree.Tree, depth: 1);
        using var root = new IndexedVectors(space, vectors[8_000..8_400], tree.Tree, depth: 0);
        using var unaligned = new IndexedVectors(space, vectors[8_400..8_900], tree.Tree, aligned: false);
        SearchSet[] sets = [large.All(0), upper.Where(i => i % 2 == 0, 1), root.All(2), unaligned.Where(i => i % 5 != 0, 3)];
        Assert.InRange(TestSearch.Recall(space, vectors[8_900..], 10, sets, SearchStrategy.Probe, tree.Tree), 0.95, Whole);
        Assert.InRange(TestSearch.Recall(space, vectors[8_900..], 10, sets, SearchStrategy.Exhaustive, tree.Tree), 0.999, Whole);
        Assert.InRange(TestSearch.Recall(space, vectors[8_900..], 10, sets, SearchStrategy.FilterFirst, tree.Tree), 0.999, Whole);
    }

    [Fact]
    public void A_later_version_of_the_tree_finds_the_groups_of_leaves_that_were_split()
    {
        var space = new VectorSpace(ElementType.F32, cosine: true, Dimensions);
        float[][] vectors = TopicVectors.Create(6, 4_000, Dimensions);
        using var tree = new OwnedTree(PlantedTree.Create(space, vectors, 100));
        using var older = new IndexedVectors(space, vectors[..3_000], tree.Tree);
        using var split = new OwnedTree(PlantedTree.Split(tree.Tree, every: 3));
        using var newer = new IndexedVectors(space, vectors[3_000..3_900], split.Tree);
        SearchSet[] sets = [older.All(0), newer.All(1)];
        Assert.True(split.Tree.Leaves.Length > tree.Tree.Leaves.Length);
        Assert.InRange(TestSearch.Recall(space, vectors[3_900..], 10, sets, SearchStrategy.Probe, split.Tree), 0.95, Whole);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(10)]
    [InlineData(100)]
    [InlineData(1_200)]
    [InlineData(10_000)]
    public void As_many_as_wanted_come_back_however_few_are_left_near_the_query(int count)
    {
        Assert.InRange(shared.Recall(count, (_, place) => place >= 500, probes: null), 0.9, Whole);
    }

    [Fact]
    public void Equal_vectors_all_come_so_that_the_caller_can_choose_by_id()
    {
        var space = new VectorSpace(ElementType.F32, cosine: false, Dimensions);
        float[][] vectors = TopicVectors.Create(8, 2_000, Dimensions);
        for (int i = 0; i < 40; i++)
        {
            vectors[i * 50] = vectors[0];
        }

        using var tree = new OwnedTree(PlantedTree.Create(space, vectors, 50));
        using var indexed = new IndexedVectors(space, vectors, tree.Tree);
        foreach (var strategy in new[] { SearchStrategy.Probe, SearchStrategy.Exhaustive, SearchStrategy.FilterFirst, SearchStrategy.Exact })
        {
            var hits = TestSearch.Hits(space, vectors[0], 10, [indexed.All()], strategy, tree.Tree);
            Assert.Equal(40, hits.Count(h => h.Distance == 0));
        }
    }

    [Fact]
    public void Huge_tiny_and_zero_vectors_are_found_where_they_belong()
    {
        var space = new VectorSpace(ElementType.F32, cosine: false, Dimensions);
        float[][] vectors = TopicVectors.Create(9, 2_000, Dimensions);
        for (int i = 0; i < 1_900; i++)
        {
            float scale = i % 10 == 0 ? 1e-20f : i % 10 == 1 ? 1e18f : i % 10 == 2 ? 0 : 1;
            vectors[i] = Array.ConvertAll(vectors[i], x => x * scale);
        }

        using var tree = new OwnedTree(PlantedTree.Create(space, [.. vectors.Where((_, i) => i % 10 > 2)], 50));
        using var indexed = new IndexedVectors(space, vectors[..1_900], tree.Tree);
        foreach (float scale in new[] { 0, 1e-20f, 1, 1e18f, 1e30f })
        {
            float[] query = Array.ConvertAll(vectors[1_950], x => x * scale);
            var truth = TestSearch.Exact(space, query, 600, [indexed.All()]);
            var found = TestSearch.Run(space, query, 600, [indexed.All()], SearchStrategy.Exhaustive, tree.Tree, out _);
            Assert.InRange(truth.Intersect(found).Count() / 600.0, 0.999, Whole);
        }
    }

    [Fact]
    public void What_is_known_elsewhere_bounds_the_search()
    {
        var space = new VectorSpace(ElementType.F32, cosine: true, Dimensions);
        float[][] vectors = TopicVectors.Create(10, 3_000, Dimensions);
        using var tree = new OwnedTree(PlantedTree.Create(space, vectors, 50));
        using var indexed = new IndexedVectors(space, vectors[..2_900], tree.Tree);
        foreach (float[] query in vectors[2_900..2_920])
        {
            var all = TestSearch.Hits(space, query, 10, [indexed.All()], SearchStrategy.Exhaustive, tree.Tree).OrderBy(h => h.Distance).ToArray();
            var bounded = TestSearch.Hits(space, query, 10, [indexed.All()], SearchStrategy.Exhaustive, tree.Tree, all[4].Distance);
            Assert.Equal(all[..5].Select(h => h.Document).Order(), bounded.Select(h => h.Document).Order());
        }
    }

    [Fact]
    public void Calibrated_probes_keep_recall_under_every_filter()
    {
        Assert.InRange(shared.Probes.ProbesFor(1), 1, shared.Tree.Leaves.Length / 4);
        Assert.InRange(shared.Probes.ProbesFor(0.01), shared.Probes.ProbesFor(1), shared.Tree.Leaves.Length);
        var random = new Random(12);
        double[] draws = [.. Enumerable.Range(0, shared.Indexed.Count).Select(_ => random.NextDouble())];
        foreach (double share in new[] { 1, 0.5, 0.1, 0.01, 0.002 })
        {
            Assert.InRange(shared.Recall(10, (query, place) => draws[shared.Orders[query][place]] < share, shared.Probes), 0.95, Whole);
        }
    }

    [Theory]
    [InlineData(0, 2_000)]
    [InlineData(0, 10_000)]
    [InlineData(500, 10_000)]
    [InlineData(2_000, 10_000)]
    [InlineData(10_000, 10_001)]
    [InlineData(18_000, 20_000)]
    public void Filters_that_go_with_the_query_or_against_it_keep_recall(int first, int end)
    {
        Assert.InRange(shared.Recall(10, (_, place) => place >= first && place < end, shared.Probes), 0.95, Whole);
    }
}
