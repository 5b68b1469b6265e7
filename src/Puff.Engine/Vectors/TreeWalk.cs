namespace Puff.Engine.Vectors;

/// <summary>Orders the nodes of a tree so that neighbours in space become neighbours in the order (<see cref="ClusterTree.WalkRank"/>).</summary>
internal static unsafe class TreeWalk
{
    /// <summary>The rank of each node. Depth first; of the children left, the one nearest to the leaf seen last comes next, of equal ones the first.</summary>
    public static int[] Ranks(ClusterTree tree)
    {
        var ranks = new int[tree.NodeCount];
        var waiting = new Stack<List<int>>();
        int last = 0;
        using var from = new FloatBuffer(tree.PaddedDimensions);
        int rank = 1; // the root has rank 0
        waiting.Push([.. tree.Children(0)]);
        while (waiting.TryPeek(out var siblings))
        {
            if (siblings.Count == 0)
            {
                waiting.Pop();
                continue;
            }

            tree.CopyCentroid(last, from.Pointer);
            int node = TakeNearest(tree, siblings, from.Pointer);
            ranks[node] = rank++;
            if (tree.IsLeaf(node))
            {
                last = node;
            }
            else
            {
                waiting.Push([.. tree.Children(node)]);
            }
        }

        return ranks;
    }

    private static int TakeNearest(ClusterTree tree, List<int> nodes, float* from)
    {
        int nearest = 0;
        float least = float.PositiveInfinity;
        for (int i = 0; i < nodes.Count; i++)
        {
            float distance = tree.SquaredDistance(from, nodes[i]);
            if (distance < least)
            {
                least = distance;
                nearest = i;
            }
        }

        int taken = nodes[nearest];
        nodes.RemoveAt(nearest);
        return taken;
    }
}
