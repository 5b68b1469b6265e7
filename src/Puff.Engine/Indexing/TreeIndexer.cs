using Puff.Engine.Diagnostics;
using Puff.Engine.Formats;
using Puff.Engine.Namespaces;
using Puff.Engine.Schema;
using Puff.Engine.Segments;
using Puff.Engine.Vectors;

namespace Puff.Engine.Indexing;

/// <summary>
/// Decides how the vectors of merged segments are grouped, and does it: flat, by a newly trained tree, or by the tree there is, with new leaves where some have
/// become too large. Writes the new tree objects; they become visible with the segment. Holds no lock.
/// </summary>
/// <param name="context">Of the node.</param>
/// <param name="target">The namespace.</param>
/// <param name="poorTree">A tree in which too little is found; 0 for none.</param>
internal sealed class TreeIndexer(EngineContext context, Namespace target, ulong poorTree)
{
    /// <summary>Opening a tree costs a request an object, so long chains are written anew as one.</summary>
    private const int MaxParts = 16;

    private VectorIndexSettings Settings => context.Settings.VectorIndex;

    /// <param name="state">What is merged, and the trees there are. Pinned.</param>
    /// <param name="inputs">The segments that are merged.</param>
    /// <param name="source">Their documents.</param>
    /// <param name="cancellation">Stops between steps.</param>
    public async Task<MergedTrees> PlanAsync(NamespaceState state, SegmentReader[] inputs, MergeSource source, CancellationToken cancellation)
    {
        var trees = new MergedTrees();
        try
        {
            var groupings = new List<VectorGrouping>();
            foreach (var vectors in SegmentVectors.OfAll(source, state.Manifest.Schema, Settings))
            {
                groupings.Add(await GroupAsync(trees, state, new MergedVectors(vectors, source, inputs), cancellation));
            }

            var tokens = LateInteractionVectors.OfAll(source, state.Manifest.Schema, Settings);
            trees.Layout = SegmentLayout.Create(
                source.Count, groupings, [.. tokens.Select(t => t with { Clusters = t.Count > Settings.FlatLimit ? Settings : null })]);
            return trees;
        }
        catch
        {
            trees.Dispose();
            throw;
        }
    }

    private async Task<VectorGrouping> GroupAsync(MergedTrees trees, NamespaceState state, MergedVectors merged, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        var known = state.Trees.LastOrDefault(t => t.Descriptor.Attribute == merged.Attribute);
        int total = (int)Math.Min(int.MaxValue, merged.Count + merged.CountElsewhere(state.Segments));
        var condition = ConditionOf(known);
        switch (TreePlanner.Decide(merged.Count, total, condition, Settings))
        {
            case TreePlan.Flat:
                return VectorGrouping.Flat(merged.Vectors);
            case TreePlan.Train:
                return await TrainAsync(trees, merged, condition is { IsRecallLow: true, Rebuilds: var rebuilds } ? rebuilds + 1 : 0, cancellation);
            default:
                return await AssignAsync(trees, known!, merged, isMost: merged.Count >= total - merged.Count, cancellation);
        }
    }

    private TreeCondition? ConditionOf(IndexTree? tree) => tree is null ? null : new TreeCondition(
        tree.Descriptor.TrainedOn,
        tree.Descriptor.ProbesWhenTrained,
        TreeCalibrator.ProbesOf(tree.Descriptor.Calibration),
        tree.Descriptor.Id == poorTree,
        tree.Descriptor.Rebuilds);

    private async Task<VectorGrouping> TrainAsync(MergedTrees trees, MergedVectors merged, int rebuilds, CancellationToken cancellation)
    {
        var vectors = merged.Vectors;
        ulong id = context.NextUInt64() | 1;
        var trained = TreeTrainer.Train(vectors, vectors.Dimensions, id, VectorGrouping.RotationSeed, Settings, context.NextUInt64());
        var tree = trees.Own(ClusterTree.Create(trained.Shape, trained.Nodes));
        int[] nodeOf = trained.LeafOf;
        NodeReassigner.Settle(tree, vectors, nodeOf, Settings.Threads);
        var part = await WriteAsync(tree.Shape, vectors.Metric, 0, trained.Nodes, cancellation);
        var descriptor = new TreeDescriptor { Id = id, Attribute = merged.Attribute, Parts = [part], TrainedOn = vectors.Count, Rebuilds = rebuilds };
        trees.Add(descriptor);
        trees.ToCalibrate.Add(new IndexTree(descriptor, tree));
        LogMessages.TreeTrained(context.Log, target.Name, vectors.Attribute.Name, vectors.Count, tree.NodeCount);
        return VectorGrouping.Of(vectors, tree, nodeOf);
    }

    /// <param name="trees">Collects what is made.</param>
    /// <param name="known">The tree there is.</param>
    /// <param name="merged">The vectors.</param>
    /// <param name="isMost">They are most of the attribute's.</param>
    /// <param name="cancellation">Stops between steps.</param>
    private async Task<VectorGrouping> AssignAsync(
        MergedTrees trees, IndexTree known, MergedVectors merged, bool isMost, CancellationToken cancellation)
    {
        var vectors = merged.Vectors;
        trees.BuildOn(known.Descriptor);
        int depth = NodeAssigner.DepthFor(known.Tree, vectors.Count, Settings.GroupMean);
        if (known.Tree.Leaves.ToArray().Any(leaf => known.Tree.Depth(leaf) > depth))
        {
            var upper = new int[vectors.Count];
            NodeAssigner.Assign(known.Tree, vectors, depth, upper, Settings.Threads);
            return VectorGrouping.Of(vectors, known.Tree, upper);
        }

        int[] nodeOf = merged.NodesIn(known.Tree);
        NodeReassigner.Reassign(known.Tree, vectors, nodeOf, Settings.Threads);
        var newest = known;
        if (LeafSplitter.Split(known.Tree, vectors, nodeOf, Settings, context.NextUInt64()) is { } split)
        {
            var descriptor = known.Descriptor with { Parts = await ExtendAsync(known, split, vectors.Metric, cancellation) };
            newest = new IndexTree(descriptor, trees.Own(split.Tree));
            trees.Add(descriptor);

            // The splitter has looked at the neighbourhoods of split leaves only; where many were split, what is near has changed for all.
            NodeReassigner.Reassign(split.Tree, vectors, nodeOf, Settings.Threads);
            LogMessages.TreeGrew(context.Log, target.Name, vectors.Attribute.Name, split.Added.Count, split.Tree.NodeCount);
        }

        if (isMost)
        {
            trees.ToCalibrate.Add(newest);
        }

        return VectorGrouping.Of(vectors, newest.Tree, nodeOf);
    }

    private async Task<IReadOnlyList<TreePart>> ExtendAsync(IndexTree known, SplitTree split, DistanceMetric metric, CancellationToken cancellation) =>
        known.Descriptor.Parts.Count < MaxParts
            ? [.. known.Descriptor.Parts, await WriteAsync(split.Tree.Shape, metric, known.Tree.NodeCount, split.Added, cancellation)]
            : [await WriteAsync(split.Tree.Shape, metric, 0, AllNodes(split.Tree), cancellation)];

    /// <summary>The stored numbers come back exactly: centroids in memory are those, times a power of two.</summary>
    private static unsafe NodeList AllNodes(ClusterTree tree)
    {
        var nodes = new NodeListBuilder(tree.Shape.CentroidScale);
        using var centroid = new FloatBuffer(tree.PaddedDimensions);
        for (int node = 0; node < tree.NodeCount; node++)
        {
            tree.CopyCentroid(node, centroid.Pointer);
            nodes.Add(tree.Parent(node), new ReadOnlySpan<float>(centroid.Pointer, tree.PaddedDimensions));
        }

        return nodes.Build();
    }

    private ValueTask<TreePart> WriteAsync(TreeShape shape, DistanceMetric metric, int firstNode, NodeList nodes, CancellationToken cancellation)
    {
        string key = target.Keys.TreePart(shape.Id, firstNode, context.NextUInt64());
        return TreeObject.WriteAsync(context.Store, key, shape, metric, firstNode, nodes, cancellation);
    }
}
