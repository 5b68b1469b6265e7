using Puff.Engine.Numerics;
using Puff.Engine.Vectors;
using Puff.TestKit.Vectors;
using Xunit;

namespace Puff.Engine.Tests.Vectors;

public sealed unsafe class TreeRouterTests
{
    private static readonly VectorIndexSettings Settings = new() { Threads = 2, LeafTarget = 20, LeafMin = 8, LeafMax = 40, FanOut = 22 };

    [Theory]
    [InlineData(int.MaxValue)]
    [InlineData(100)]
    [InlineData(20)]
    public void Finds_nearly_the_leaves_that_comparing_all_finds(int flatLimit)
    {
        var source = new ClusteredVectors(8_000, 96, 6);
        var queries = new ClusteredVectors(60, 96, 6, salt: 1);
        using var assigned = new AssignedTree(source, Settings, 5);
        using var router = new TreeRouter(assigned.Tree, flatLimit);
        Assert.Equal(2, assigned.Tree.Leaves.ToArray().Max(assigned.Tree.Depth));
        foreach (int count in new[] { 1, 10, 40 })
        {
            double found = 0;
            for (int q = 0; q < queries.Count; q++)
            {
                var (leaves, distances, exact) = Route(router, assigned.Tree, queries, q, count);
                Assert.Equal(count, leaves.Length);
                Assert.Equal(count, leaves.Distinct().Count());
                Assert.Equal(distances.Order(), distances);
                Assert.All(leaves.Zip(distances), pair => Assert.Equal(exact[pair.First], pair.Second, exact[pair.First] * 1e-5));
                found += exact.OrderBy(e => e.Value).ThenBy(e => e.Key).Take(count).Count(e => leaves.Contains(e.Key)) / (double)count;
            }

            double share = found / queries.Count;
            Assert.True(share >= (flatLimit == int.MaxValue ? 0.98 : 0.95), $"{share} of the {count} nearest leaves were found");
        }
    }

    [Theory]
    [InlineData(int.MaxValue)]
    [InlineData(20)]
    public void Can_return_all_leaves(int flatLimit)
    {
        var source = new ClusteredVectors(4_000, 40, 6);
        using var assigned = new AssignedTree(source, Settings, 5);
        using var router = new TreeRouter(assigned.Tree, flatLimit);
        var (leaves, _, exact) = Route(router, assigned.Tree, source, 0, assigned.Tree.Leaves.Length + 10);
        Assert.Equal(exact.OrderBy(e => e.Value).ThenBy(e => e.Key).Select(e => e.Key), leaves);
        Assert.Empty(Route(router, assigned.Tree, source, 0, 0).Leaves);
    }

    [Theory]
    [InlineData(0f)]
    [InlineData(1e20f)]
    [InlineData(1e30f)]
    [InlineData(float.NaN)]
    public void A_strange_query_gets_leaves_all_the_same(float magnitude)
    {
        var source = new ClusteredVectors(4_000, 40, 6);
        var queries = new ClusteredVectors(3, 40, 6, magnitude: magnitude);
        using var assigned = new AssignedTree(source, Settings, 5);
        foreach (int flatLimit in new[] { int.MaxValue, 20 })
        {
            using var router = new TreeRouter(assigned.Tree, flatLimit);
            Assert.Equal(15, Route(router, assigned.Tree, queries, 1, 15).Leaves.Distinct().Count());
        }
    }

    [Fact]
    public void A_tree_of_one_node_and_one_with_split_leaves_are_routed_through_the_tree()
    {
        var source = new ClusteredVectors(3_000, 40, 6);
        using var assigned = new AssignedTree(source, TreeTrainer.Train(new ClusteredVectors(5, 40, 6), 40, 1, 99, Settings, 5).Open(), Settings);
        Assert.Equal([0], Route(assigned.Tree, source, 7, 5).Leaves);
        var root = assigned.Tree;
        assigned.Tree = LeafSplitter.Split(root, source, assigned.NodeOf, Settings, 5)!.Value.Tree;
        root.Release();
        for (int i = 0; i < source.Count; i += 100)
        {
            Assert.Contains(assigned.NodeOf[i], Route(assigned.Tree, source, i, 3).Leaves);
        }
    }

    private static (int[] Leaves, float[] Distances, Dictionary<int, float> Exact) Route(ClusterTree tree, IVectorSource source, int index, int count)
    {
        using var router = new TreeRouter(tree, int.MaxValue);
        var direct = Route(router, tree, source, index, count);
        using var query = Prepare(tree, source, index);
        var leaves = new int[count];
        int found = tree.Route(query, new RouteScratch(), count, leaves, new float[count]);
        Assert.Equal(direct.Leaves, leaves[..found]);
        return direct;
    }

    private static (int[] Leaves, float[] Distances, Dictionary<int, float> Exact) Route(
        TreeRouter router, ClusterTree tree, IVectorSource source, int index, int count)
    {
        using var query = Prepare(tree, source, index);
        var leaves = new int[count];
        var distances = new float[count];
        int found = router.Route(query, new RouteScratch(), count, leaves, distances);
        var exact = new Dictionary<int, float>();
        foreach (int leaf in tree.Leaves)
        {
            exact[leaf] = tree.SquaredDistance(query.Rotated, leaf);
        }

        return (leaves[..found], distances[..found], exact);
    }

    private static CodeQuery Prepare(ClusterTree tree, IVectorSource source, int index)
    {
        float* plain = stackalloc float[tree.Dimensions];
        float* rotated = stackalloc float[tree.PaddedDimensions];
        source.Read(index, plain);
        tree.Rotation.Apply(plain, rotated);
        var query = new CodeQuery(tree.PaddedDimensions);
        query.Prepare(rotated);
        return query;
    }
}
