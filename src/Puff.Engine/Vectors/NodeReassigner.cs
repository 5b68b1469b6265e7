using Puff.Engine.Numerics;

namespace Puff.Engine.Vectors;

/// <summary>
/// Moves vectors that were assigned in an older version of a tree to leaves of a newer one, with few comparisons: a vector whose old leaf still exists, or was
/// split, is compared only with that leaf or its parts and with the leaves nearest to it. This is the condition of LIRE (Xu and others, "SPFresh", SOSP 2023)
/// reduced to a bounded check: what a split changes, it changes nearby. Vectors of other nodes are assigned from the root.
/// </summary>
internal static unsafe class NodeReassigner
{
    // With one panel of packed rows, as many comparisons cost as much as one.
    private const int MostCandidates = PackedRows.PanelWidth;
    private const int MostParts = 16;
    private const int RowsPerBatch = 512;
    private const int CandidatesAfterTraining = 2 * PackedRows.PanelWidth;

    /// <summary>
    /// Finds leaves for vectors that a tree was just trained on. Training leaves them in leaves of their own upper node; this lets them move to a nearer
    /// leaf around, whoever's it is: as good as a descent from the root, at a tenth of its comparisons.
    /// </summary>
    /// <param name="tree">The tree.</param>
    /// <param name="source">The vectors.</param>
    /// <param name="nodeOf">The leaf of each after training, negative if none; receives the leaf.</param>
    /// <param name="threads">At least 1.</param>
    public static void Settle(ClusterTree tree, IVectorSource source, int[] nodeOf, int threads) =>
        Reassign(tree, source, nodeOf, threads, CandidatesAfterTraining);

    /// <summary>Finds leaves for vectors of which an old node is known.</summary>
    /// <param name="tree">The newest version of the tree.</param>
    /// <param name="source">The vectors.</param>
    /// <param name="nodeOf">The old node of each, negative if unknown; receives the leaf.</param>
    /// <param name="threads">At least 1.</param>
    public static void Reassign(ClusterTree tree, IVectorSource source, int[] nodeOf, int threads) =>
        Reassign(tree, source, nodeOf, threads, MostCandidates);

    private static void Reassign(ClusterTree tree, IVectorSource source, int[] nodeOf, int threads, int candidates)
    {
        using var groups = new TreeGroups(tree, TreeGroups.AllLevels);
        int[] sizes = new int[tree.NodeCount];
        var unknown = new List<int>();
        for (int i = 0; i < source.Count; i++)
        {
            if (nodeOf[i] >= 0 && groups.Ends(nodeOf[i]) <= MostParts)
            {
                sizes[nodeOf[i]]++;
            }
            else
            {
                nodeOf[i] = -1;
                unknown.Add(i);
            }
        }

        var members = new ClusterMembers(nodeOf.AsSpan(0, source.Count), sizes);
        int[] used = [.. Enumerable.Range(0, tree.NodeCount).Where(node => sizes[node] > 0)];
        WorkerLoop.Run(
            used.Length,
            threads,
            () => new Worker(tree, groups, source, candidates),
            (item, worker) => worker.Run(used[item], members.Of(used[item]), nodeOf));
        AssignUnknown(tree, source, unknown, nodeOf, threads);
    }

    private static void AssignUnknown(ClusterTree tree, IVectorSource source, List<int> unknown, int[] nodeOf, int threads)
    {
        if (unknown.Count == 0)
        {
            return;
        }

        var found = new int[unknown.Count];
        NodeAssigner.Assign(tree, new ChosenVectors(source, [.. unknown]), TreeGroups.AllLevels, found, threads);
        for (int i = 0; i < found.Length; i++)
        {
            nodeOf[unknown[i]] = found[i];
        }
    }

    /// <summary>Checks all vectors of an old node. For one thread.</summary>
    private sealed class Worker(ClusterTree tree, TreeGroups groups, IVectorSource source, int most) : IDisposable
    {
        private readonly RotatedReader reader = new(source, tree.Rotation);
        private readonly FloatBuffer rows = new((long)RowsPerBatch * tree.PaddedDimensions);

        public void Run(int node, ReadOnlySpan<int> members, int[] nodeOf)
        {
            int[] candidates = LeafNeighbours.Of(tree, groups, node, most);
            using var packed = TreeGroups.Pack(tree, candidates);
            int* nearest = stackalloc int[RowsPerBatch];
            for (int start = 0; start < members.Length; start += RowsPerBatch)
            {
                var batch = members.Slice(start, Math.Min(RowsPerBatch, members.Length - start));
                for (int i = 0; i < batch.Length; i++)
                {
                    reader.Read(batch[i], rows.Pointer + (long)i * tree.PaddedDimensions);
                }

                Gemm.Nearest(rows.Pointer, batch.Length, tree.PaddedDimensions, packed, nearest, null);
                for (int i = 0; i < batch.Length; i++)
                {
                    nodeOf[batch[i]] = candidates[nearest[i]];
                }
            }
        }

        public void Dispose()
        {
            reader.Dispose();
            rows.Dispose();
        }
    }
}
