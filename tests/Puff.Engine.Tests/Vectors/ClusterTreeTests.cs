using Puff.Engine.Vectors;
using Xunit;

namespace Puff.Engine.Tests.Vectors;

public sealed unsafe class ClusterTreeTests
{
    private static readonly TreeShape Shape = new(7, 11, 2, 0.5f);

    [Fact]
    public void Knows_parents_depths_children_and_leaves()
    {
        var tree = ClusterTree.Create(Shape, Nodes((-1, 0), (0, 10), (0, 20)), Nodes((1, 11), (1, 12)));
        Assert.Equal(5, tree.NodeCount);
        Assert.Equal([-1, 0, 0, 1, 1], Enumerable.Range(0, 5).Select(tree.Parent));
        Assert.Equal([0, 1, 1, 2, 2], Enumerable.Range(0, 5).Select(tree.Depth));
        Assert.Equal([2, 3, 4], tree.Leaves.ToArray());
        Assert.Equal([3, 4], tree.Children(1).ToArray());
        Assert.True(tree.Children(2).IsEmpty);
        Assert.Equal(64, tree.PaddedDimensions);
        Assert.Equal([0f, 10, 20, 11, 12], Enumerable.Range(0, 5).Select(n => tree.CentroidOf(n)[0]));
        fixed (float* root = tree.CentroidOf(0))
        {
            Assert.Equal(100, tree.SquaredDistance(root, 1));
        }

        tree.Release();
    }

    [Fact]
    public void Appending_makes_a_new_version_and_leaves_the_old_one_alone()
    {
        var old = ClusterTree.Create(Shape, Nodes((-1, 0), (0, 10), (0, 20)));
        var tree = old.Append(Nodes((2, 19), (2, 21)));
        Assert.Equal([1, 2], old.Leaves.ToArray());
        Assert.Equal([1, 3, 4], tree.Leaves.ToArray());
        old.Release();
        Assert.Equal(20, tree.CentroidOf(2)[0]);
        Assert.Equal(21, tree.CentroidOf(4)[0]);
        Assert.Throws<ObjectDisposedException>(old.AddReference);
        tree.AddReference();
        tree.Release();
        tree.Release();
        Assert.Throws<ObjectDisposedException>(tree.Release);
    }

    [Fact]
    public void Refuses_what_is_no_tree()
    {
        Assert.Throws<ArgumentException>(() => ClusterTree.Create(Shape));
        Assert.Throws<ArgumentException>(() => ClusterTree.Create(Shape, Nodes((0, 0))));
        Assert.Throws<ArgumentException>(() => ClusterTree.Create(Shape, Nodes((-1, 0), (1, 0))));
        Assert.Throws<ArgumentException>(() => ClusterTree.Create(Shape, Nodes((-1, 0), (-1, 0))));
        Assert.Throws<ArgumentException>(() => ClusterTree.Create(Shape, new NodeList([-1], new Half[63])));
    }

    [Fact]
    public void The_walk_goes_from_neighbour_to_neighbour()
    {
        // Children of the root at 50, 10 and 30; each has a leaf on either side.
        var tree = ClusterTree.Create(
            Shape, Nodes((-1, 0), (0, 50), (0, 10), (0, 30), (1, 55), (1, 45), (2, 5), (2, 15), (3, 35), (3, 25)));
        int[] order = [.. Enumerable.Range(0, tree.NodeCount).OrderBy(tree.WalkRank)];
        Assert.Equal([0, 2, 6, 7, 3, 9, 8, 1, 5, 4], order);
        tree.Release();
    }

    [Theory]
    [InlineData(1e30f)]
    [InlineData(1f)]
    [InlineData(0.037f)]
    [InlineData(1e-20f)]
    public void Centroids_keep_eleven_bits_at_any_magnitude(float largest)
    {
        float scale = CentroidScale.For(largest);
        foreach (float value in new[] { largest, -largest, largest / 3, largest / 1_000, largest * 100 })
        {
            float kept = CentroidScale.Widen(CentroidScale.Shorten(value, scale), scale);
            Assert.InRange(kept / value, 1 - 1f / 2_048, 1 + 1f / 2_048);
        }
    }

    [Fact]
    public void Centroids_are_always_finite()
    {
        foreach (float scale in new[] { CentroidScale.For(float.MaxValue), CentroidScale.For(0), CentroidScale.For(float.Epsilon), CentroidScale.For(float.NaN) })
        {
            foreach (float value in new[] { float.MaxValue, float.PositiveInfinity, float.NegativeInfinity, float.NaN, float.Epsilon })
            {
                Assert.True(float.IsFinite(CentroidScale.Widen(CentroidScale.Shorten(value, scale), scale)));
            }
        }
    }

    /// <summary>Nodes on a line: all coordinates but the first are zero.</summary>
    private static NodeList Nodes(params (int Parent, float Position)[] nodes)
    {
        var centroids = new Half[nodes.Length * Shape.PaddedDimensions];
        for (int i = 0; i < nodes.Length; i++)
        {
            centroids[i * Shape.PaddedDimensions] = CentroidScale.Shorten(nodes[i].Position, Shape.CentroidScale);
        }

        return new NodeList([.. nodes.Select(n => n.Parent)], centroids);
    }
}
