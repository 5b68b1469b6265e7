namespace Puff.Engine.Vectors;

/// <summary>
/// Puts vectors into the nodes of a tree: level by level, each time comparing a vector with the children of the six nodes that were nearest one
/// level above. Vectors that are zero or whose norm single precision cannot hold are put where a zero vector belongs. No result depends on the number of
/// threads.
/// </summary>
internal static unsafe class NodeAssigner
{
    private const long ChunkBytes = 16L << 20;
    private const int LargestChunk = 4_096;
    private const int SmallestChunk = 64;

    /// <summary>
    /// The deepest depth at which nodes get <paramref name="leastMean"/> of <paramref name="count"/> vectors on average; the root's, 0, if none does.
    /// </summary>
    public static int DepthFor(ClusterTree tree, int count, int leastMean)
    {
        int[] nodesAt = EndsByDepth(tree);
        int depth = nodesAt.Length - 1;
        while (depth > 0 && (long)nodesAt[depth] * leastMean > count)
        {
            depth--;
        }

        return depth;
    }

    /// <summary>How many nodes vectors are put into at each depth: those of the depth, and leaves above.</summary>
    public static int[] EndsByDepth(ClusterTree tree)
    {
        var nodesAt = new int[Enumerable.Range(0, tree.NodeCount).Max(tree.Depth) + 1];
        for (int node = 0; node < tree.NodeCount; node++)
        {
            int last = tree.IsLeaf(node) ? nodesAt.Length - 1 : tree.Depth(node);
            for (int depth = tree.Depth(node); depth <= last; depth++)
            {
                nodesAt[depth]++;
            }
        }

        return nodesAt;
    }

    /// <summary>Finds a near leaf for each vector, or a near node of a given depth (a leaf if it lies above).</summary>
    /// <param name="tree">A version of the tree.</param>
    /// <param name="source">The vectors.</param>
    /// <param name="depth">Of the nodes wanted, or <see cref="TreeGroups.AllLevels"/> for leaves.</param>
    /// <param name="nodeOf">Receives a node for each vector.</param>
    /// <param name="threads">At least 1.</param>
    public static void Assign(ClusterTree tree, IVectorSource source, int depth, int[] nodeOf, int threads)
    {
        using var groups = new TreeGroups(tree, depth);
        if (groups.IsEnd(0))
        {
            Array.Clear(nodeOf, 0, source.Count);
            return;
        }

        int chunk = (int)Math.Clamp(ChunkBytes / (tree.PaddedDimensions * sizeof(float)), SmallestChunk, LargestChunk);
        WorkerLoop.Run(
            (source.Count + chunk - 1) / chunk,
            threads,
            () => new TreeDescent(tree, groups, source, Math.Min(chunk, source.Count)),
            (item, descent) =>
            {
                int first = item * chunk;
                descent.Run(first, nodeOf.AsSpan(first, Math.Min(chunk, source.Count - first)));
            });
    }
}
