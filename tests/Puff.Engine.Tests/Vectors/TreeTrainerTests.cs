using Puff.Engine.Vectors;
using Puff.TestKit.Vectors;
using Xunit;

namespace Puff.Engine.Tests.Vectors;

public sealed unsafe class TreeTrainerTests
{
    private static readonly VectorIndexSettings Settings = new() { Threads = 2 };

    private readonly ITestOutputHelper output;

    public TreeTrainerTests(ITestOutputHelper output) => this.output = output;

    [Fact]
    public void Leaves_are_balanced()
    {
        var source = new ClusteredVectors(20_000, 64, 1);
        using var trained = new AssignedTree(source, Settings with { FanOut = 10 }, 5);
        int[] sizes = trained.LeafSizes();
        int good = sizes.Count(s => s is >= 48 and <= 256);
        output.WriteLine($"{sizes.Length} leaves, {good} of them within 48..256, least {sizes.Min()}, greatest {sizes.Max()}");
        Assert.Equal(20_000, sizes.Sum());
        Assert.InRange(sizes.Length, 20_000 / 200, 20_000 / 90);
        Assert.True(good >= 0.9 * sizes.Length, $"{good} of {sizes.Length} leaves have 48 to 256 vectors");
        Assert.Equal(2, trained.Tree.Leaves.ToArray().Max(trained.Tree.Depth));
    }

    [Theory]
    [InlineData(32)]
    [InlineData(600)]
    public void The_nearest_vectors_are_in_the_nearest_leaves(int dimensions)
    {
        int count = dimensions > 100 ? 6_000 : 20_000;
        var source = new ClusteredVectors(count, dimensions, 2);
        var queries = new ClusteredVectors(200, dimensions, 2, salt: 1);
        using var trained = new AssignedTree(source, Settings, 5);
        double recall = trained.Recall(queries, 10, 0.05);
        output.WriteLine($"{dimensions}: {recall}");
        Assert.True(recall >= 0.95, $"recall {recall}");
    }

    [Fact]
    public void Threads_make_no_difference()
    {
        var source = new ClusteredVectors(9_000, 48, 3);
        var settings = Settings with { FanOut = 5 };
        var first = TreeTrainer.Train(source, 48, 1, 99, settings with { Threads = 1 }, 5);
        var second = TreeTrainer.Train(source, 48, 1, 99, settings with { Threads = 2 }, 5);
        Assert.Equal(first.Shape, second.Shape);
        Assert.Equal(first.Nodes.Parents, second.Nodes.Parents);
        Assert.Equal(first.Nodes.Centroids, second.Nodes.Centroids);
        using var one = new AssignedTree(source, first.Open(), settings with { Threads = 1 });
        using var two = new AssignedTree(source, second.Open(), settings with { Threads = 2 });
        Assert.Equal(one.NodeOf, two.NodeOf);
    }

    [Fact]
    public void Small_fan_out_makes_three_levels()
    {
        var source = new ClusteredVectors(8_000, 32, 3);
        using var trained = new AssignedTree(source, Settings with { FanOut = 1, LeafTarget = 80, LeafMin = 30, LeafMax = 160 }, 5);
        Assert.Equal(3, trained.Tree.Leaves.ToArray().Max(trained.Tree.Depth));
        Assert.All(Enumerable.Range(0, trained.Tree.NodeCount), node => Assert.InRange(trained.Tree.Children(node).Length, 0, 30));
        Assert.Equal(0, NodeAssigner.DepthFor(trained.Tree, 30, 24));
        Assert.Equal(1, NodeAssigner.DepthFor(trained.Tree, 800, 24));
        Assert.Equal(3, NodeAssigner.DepthFor(trained.Tree, 8_000, 24));
        Assert.True(trained.InNearestLeaf() >= 0.9);
        var upper = new int[source.Count];
        NodeAssigner.Assign(trained.Tree, source, 1, upper, 2);
        Assert.All(upper, node => Assert.Equal(1, trained.Tree.Depth(node)));
        NodeAssigner.Assign(trained.Tree, source, 0, upper, 2);
        Assert.All(upper, node => Assert.Equal(0, node));
    }

    [Theory]
    [InlineData(1e14f)]
    [InlineData(1e-13f)]
    [InlineData(70_000f)]
    public void Magnitude_makes_no_difference(float magnitude)
    {
        var source = new ClusteredVectors(4_000, 32, 3, magnitude: magnitude);
        using var trained = new AssignedTree(source, Settings, 5);
        Assert.InRange(trained.Tree.Leaves.Length, 4_000 / 200, 4_000 / 80);
        Assert.True(trained.InNearestLeaf() >= 0.9);
    }

    [Theory]
    [InlineData(0f)]
    [InlineData(1e-20f)]
    [InlineData(1e30f)]
    [InlineData(float.NaN)]
    public void Vectors_that_say_nothing_make_a_tree_of_one_node(float magnitude)
    {
        var source = new ClusteredVectors(2_000, 32, 3, magnitude: magnitude);
        using var trained = new AssignedTree(source, Settings, 5);
        Assert.Equal(1, trained.Tree.NodeCount);
        Assert.All(trained.NodeOf, node => Assert.Equal(0, node));
        Assert.All(trained.Tree.CentroidOf(0), c => Assert.Equal(0, c));
    }

    [Fact]
    public void Fewer_vectors_than_centres_are_no_trouble()
    {
        var settings = Settings with { LeafTarget = 1, LeafMin = 0, LeafMax = 1, FanOut = 10 };
        for (int count = 1; count <= 20; count++)
        {
            using var trained = new AssignedTree(new ClusteredVectors(count, 8, count), settings, 5);
            Assert.Equal(count, trained.LeafSizes().Sum());
        }
    }

    [Fact]
    public void Trees_are_wide_at_the_top()
    {
        Assert.Equal(
            [(1, 1), (1_000, 1), (250, 2), (250, 2), (791, 2), (2_500, 3)],
            new[] { 1, 1_000, 1_001, 10_000, 100_000, 1_000_000 }.Select(n => TreeTrainer.Shape(n, 100)));
    }

    /// <summary>More clusters than the upper level of a balanced tree would have nodes; such a tree finds 0.90 here.</summary>
    [Fact]
    public void Natural_clusters_are_not_divided_among_upper_nodes()
    {
        var source = new ClusteredVectors(40_000, 64, 4, topics: 100, subtopics: 2);
        var queries = new ClusteredVectors(200, 64, 4, topics: 100, subtopics: 2, salt: 1);
        using var trained = new AssignedTree(source, Settings with { FanOut = 30, LeafTarget = 128 }, 5);
        double recall = trained.Recall(queries, 10, 0.01);
        output.WriteLine($"{recall}");
        Assert.Equal(2, trained.Tree.Leaves.ToArray().Max(trained.Tree.Depth));
        Assert.True(recall >= 0.92, $"recall {recall}");
    }
}
