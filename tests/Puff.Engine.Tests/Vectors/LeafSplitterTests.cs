using Puff.Engine.Vectors;
using Puff.TestKit.Vectors;
using Xunit;

namespace Puff.Engine.Tests.Vectors;

public sealed class LeafSplitterTests
{
    private static readonly VectorIndexSettings Settings = new() { Threads = 2, LeafTarget = 32, LeafMin = 12, LeafMax = 64, FanOut = 20 };

    [Fact]
    public void Splitting_keeps_vectors_in_their_nearest_leaves()
    {
        // Trained on a sixth of the vectors: with all of them, most leaves are far too large.
        var few = new ClusteredVectors(1_500, 48, 4);
        var all = new ClusteredVectors(9_000, 48, 4, salt: 1);
        var trained = TreeTrainer.Train(few, 48, 1, 99, Settings, 5);
        using var tree = new AssignedTree(all, trained.Open(), Settings);
        double before = tree.InNearestLeaf();
        int leaves = tree.Tree.Leaves.Length;
        var old = tree.Tree;

        var split = LeafSplitter.Split(tree.Tree, all, tree.NodeOf, Settings, 7);

        Assert.NotNull(split);
        tree.Tree = split.Value.Tree;
        Assert.Equal(old.NodeCount + split.Value.Added.Count, tree.Tree.NodeCount);
        old.Release();
        Assert.True(tree.Tree.Leaves.Length > 2 * leaves, $"{leaves} leaves became {tree.Tree.Leaves.Length}");
        Assert.All(tree.NodeOf, node => Assert.True(tree.Tree.IsLeaf(node)));
        Assert.True(tree.LeafSizes().Count(size => size > Settings.LeafMax) <= tree.Tree.Leaves.Length / 20, "many leaves are still too large");
        double after = tree.InNearestLeaf();
        Assert.True(after >= 0.9, $"{before} of the vectors were in their nearest leaf, now {after}");
    }

    [Fact]
    public void Nothing_to_split_gives_no_new_version()
    {
        var source = new ClusteredVectors(1_000, 48, 4);
        var settings = Settings with { LeafMax = 1_000 };
        using var tree = new AssignedTree(source, settings, 5);
        int[] before = [.. tree.NodeOf];
        Assert.Null(LeafSplitter.Split(tree.Tree, source, tree.NodeOf, settings, 7));
        Assert.Equal(before, tree.NodeOf);
    }

    [Fact]
    public void Vectors_that_are_all_the_same_stay_together()
    {
        var source = new ClusteredVectors(10_000, 16, 4, isOne: true);
        using var tree = new AssignedTree(source, Settings, 5);
        Assert.Single(tree.NodeOf.Distinct());
        Assert.Null(LeafSplitter.Split(tree.Tree, source, tree.NodeOf, Settings, 7));
        Assert.True(tree.Tree.IsLeaf(tree.NodeOf[0]));
    }

    [Fact]
    public void Splits_a_tree_that_is_only_a_root()
    {
        var source = new ClusteredVectors(3_000, 16, 4);
        var trained = TreeTrainer.Train(new ClusteredVectors(10, 16, 4), 16, 1, 99, Settings, 5);
        Assert.Equal(1, trained.Nodes.Count);
        using var tree = new AssignedTree(source, trained.Open(), Settings);
        Assert.All(tree.NodeOf, node => Assert.Equal(0, node));
        var old = tree.Tree;
        tree.Tree = LeafSplitter.Split(old, source, tree.NodeOf, Settings, 7)!.Value.Tree;
        old.Release();
        Assert.InRange(tree.Tree.Leaves.Length, 3_000 / 64, 3_000 / 12);
        Assert.True(tree.InNearestLeaf() >= 0.9);
    }

    [Fact]
    public void Threads_make_no_difference()
    {
        var all = new ClusteredVectors(5_000, 48, 4);
        var trained = TreeTrainer.Train(new ClusteredVectors(800, 48, 4), 48, 1, 99, Settings, 5);
        using var one = new AssignedTree(all, trained.Open(), Settings);
        using var two = new AssignedTree(all, trained.Open(), Settings);
        var first = LeafSplitter.Split(one.Tree, all, one.NodeOf, Settings with { Threads = 1 }, 7)!.Value;
        var second = LeafSplitter.Split(two.Tree, all, two.NodeOf, Settings with { Threads = 2 }, 7)!.Value;
        Assert.Equal(first.Added.Parents, second.Added.Parents);
        Assert.Equal(first.Added.Centroids, second.Added.Centroids);
        Assert.Equal(one.NodeOf, two.NodeOf);
        first.Tree.Release();
        second.Tree.Release();
    }

    [Fact]
    public void Reassigning_from_older_nodes_finds_near_leaves()
    {
        var source = new ClusteredVectors(6_000, 48, 4);
        using var tree = new AssignedTree(source, Settings, 5);
        int[] assigned = [.. tree.NodeOf];

        using var groups = new TreeGroups(tree.Tree, TreeGroups.AllLevels);

        // Some come from an upper node, some are new, the rest from the leaf next to theirs.
        for (int i = 0; i < source.Count; i++)
        {
            tree.NodeOf[i] = (i % 10) switch
            {
                0 => tree.Tree.Parent(assigned[i]),
                1 => -1,
                _ => LeafNeighbours.Of(tree.Tree, groups, assigned[i], 2)[1],
            };
        }

        NodeReassigner.Reassign(tree.Tree, source, tree.NodeOf, 2);
        Assert.All(tree.NodeOf, node => Assert.True(tree.Tree.IsLeaf(node)));
        Assert.True(tree.InNearestLeaf() >= 0.9);
    }
}
