namespace Puff.Engine.Vectors;

/// <summary>The leaves around a node: of the groups nearest to it, those whose centroids are nearest.</summary>
internal static unsafe class LeafNeighbours
{
    private const int Width = 8;

    /// <summary>The leaves of a node (or itself), and then the leaves nearest to its centroid, ascending by distance.</summary>
    /// <param name="groups">Of the tree, down to the leaves.</param>
    /// <param name="node">Any node.</param>
    /// <param name="count">Leaves wanted; the node's own come first and in any number.</param>
    public static int[] Of(ClusterTree tree, TreeGroups groups, int node, int count)
    {
        List<int> chosen = [.. groups.EndsBelow(node).Order()];
        HashSet<int> known = [.. chosen];
        using var centroid = new FloatBuffer(tree.PaddedDimensions);
        tree.CopyCentroid(node, centroid.Pointer);
        foreach (var (_, leaf) in Around(tree, groups, centroid.Pointer).Order())
        {
            if (chosen.Count >= count)
            {
                break;
            }

            if (known.Add(leaf))
            {
                chosen.Add(leaf);
            }
        }

        return [.. chosen];
    }

    /// <summary>Leaves of the eight groups that a descent from the root finds nearest at each level, with squared distances.</summary>
    private static List<(float Distance, int Leaf)> Around(ClusterTree tree, TreeGroups groups, float* point)
    {
        var leaves = new List<(float, int)>();
        List<int> level = groups.IsEnd(0) ? [] : [0];
        while (level.Count > 0)
        {
            var below = new List<(float Distance, int Group)>();
            foreach (int group in level)
            {
                foreach (int member in groups.Members(group))
                {
                    (groups.IsEnd(member) ? leaves : below).Add((tree.SquaredDistance(point, member), member));
                }
            }

            below.Sort();
            level = [.. below.Take(Width).Select(b => b.Group)];
        }

        return leaves;
    }
}
