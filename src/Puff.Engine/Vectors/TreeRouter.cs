using Puff.Engine.Numerics;

namespace Puff.Engine.Vectors;

/// <summary>
/// Finds the leaves nearest to a query. Up to a limit the codes of all leaves are scanned; above it, those of the deepest level that has few enough nodes, and
/// then those of the leaves below the nearest of its nodes. Either way the centroids themselves have the last word.
/// </summary>
internal sealed unsafe class TreeRouter : IDisposable
{
    // Codes order nodes roughly, those of a single level, which are relative to the root, most roughly: so many more than wanted are compared exactly: up
    // to one for each, but of many one for each of these, because the last ones matter little; and some.
    private const int Oversampling = 8;
    private const int FullyOversampled = 32;
    private const int MoreCandidates = 16;

    // Of the upper level, nodes with twice the leaves wanted are followed, and at least these: a near leaf may lie below a node that is not so near.
    private const int LeafSurplus = 2;
    private const int MoreUpper = 16;

    private readonly ClusterTree tree;
    private readonly RoutingCodes top;
    private readonly RoutingCodes? leaves;
    private readonly int[] sectionOf;

    public TreeRouter(ClusterTree tree, int flatLimit)
    {
        this.tree = tree;
        sectionOf = [];
        int depth = TopDepth(tree, flatLimit);
        using var groups = new TreeGroups(tree, depth);
        top = new RoutingCodes(tree, ByAnchor(groups));
        if (depth != TreeGroups.AllLevels)
        {
            sectionOf = new int[tree.NodeCount];
            leaves = new RoutingCodes(tree, BelowTop(groups));
        }
    }

    /// <summary>See <see cref="ClusterTree.Route"/>.</summary>
    public int Route(CodeQuery query, RouteScratch scratch, int count, Span<int> nearest, Span<float> squaredDistances)
    {
        count = Math.Min(count, tree.Leaves.Length);
        if (count <= 0)
        {
            return 0;
        }

        // Nodes are taken by their estimates, and a scan that allowed for errors would name many more.
        float epsilon = query.Epsilon;
        query.Epsilon = 0;
        if (leaves == null)
        {
            top.Scan(query, scratch, Candidates(count));
        }
        else
        {
            ScanBelow(query, scratch, count);
        }

        query.Epsilon = epsilon;
        return scratch.Nearest(tree, query, scratch.Near.Nodes(), nearest[..count], squaredDistances);
    }

    /// <summary>Makes the codes of all nodes.</summary>
    public void Prepare()
    {
        top.Prepare();
        leaves?.Prepare();
    }

    public void Dispose()
    {
        top.Dispose();
        leaves?.Dispose();
    }

    /// <summary>The deepest level that has no more nodes, leaves above included, than the limit.</summary>
    private static int TopDepth(ClusterTree tree, int limit)
    {
        if (tree.Leaves.Length <= limit)
        {
            return TreeGroups.AllLevels;
        }

        int[] ends = NodeAssigner.EndsByDepth(tree);
        int depth = 1;
        while (depth + 1 < ends.Length && ends[depth + 1] <= limit)
        {
            depth++;
        }

        return depth;
    }

    /// <summary>The ends, each with the nearest ancestor that has enough of them below: blocks are filled, and codes stay short.</summary>
    private List<(int Anchor, int[] Nodes)> ByAnchor(TreeGroups groups)
    {
        var sections = new List<(int, int[])>();
        if (groups.IsEnd(0))
        {
            return [(0, [0])];
        }

        for (int node = 0; node < tree.NodeCount; node++)
        {
            if (groups.IsGroup(node))
            {
                int[] own = [.. groups.Members(node).Where(groups.IsEnd)];
                if (own.Length > 0)
                {
                    sections.Add((node, own));
                }
            }
        }

        return sections;
    }

    private List<(int Anchor, int[] Nodes)> BelowTop(TreeGroups upper)
    {
        using var all = new TreeGroups(tree, TreeGroups.AllLevels);
        var sections = new List<(int, int[])>();
        for (int node = 0; node < tree.NodeCount; node++)
        {
            if (upper.IsEnd(node))
            {
                sectionOf[node] = sections.Count;
                sections.Add((node, [.. all.EndsBelow(node)]));
            }
        }

        return sections;
    }

    private static int Candidates(int count) => count + Math.Min(count, FullyOversampled + count / Oversampling) + MoreCandidates;

    /// <summary>Scans the leaves below the nearest nodes of the top, as many as it takes.</summary>
    private void ScanBelow(CodeQuery query, RouteScratch scratch, int count)
    {
        int mean = Math.Max(1, tree.Leaves.Length / top.Count);
        int wanted = Math.Min(top.Count, LeafSurplus * count / mean + MoreUpper);
        while (true)
        {
            scratch.EnsureUpper(wanted);
            var upper = scratch.Upper.AsSpan(0, wanted);
            var upperDistances = scratch.UpperDistances.AsSpan(0, wanted);
            top.Scan(query, scratch, Candidates(wanted));
            int found = scratch.Nearest(tree, query, scratch.Near.Nodes(), upper, upperDistances);
            int below = 0;
            foreach (int node in upper[..found])
            {
                below += leaves!.Nodes(sectionOf[node]).Length;
            }

            if (below < count && wanted < top.Count)
            {
                // Nodes with few leaves: rare, and then more of them are needed.
                wanted = Math.Min(top.Count, 2 * wanted);
                continue;
            }

            scratch.Near.Start(Candidates(count), upperDistances[0]);
            for (int i = 0; i < found; i++)
            {
                leaves!.Scan(query, sectionOf[upper[i]], upperDistances[i], scratch.Near);
            }

            return;
        }
    }
}
