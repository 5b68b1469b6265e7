using Puff.Engine.Numerics;

namespace Puff.Engine.Vectors;

/// <summary>
/// A tree as assignment and routing descend it. Its *ends* are the nodes that vectors are put into: the leaves, or all nodes of a given depth with the leaves
/// above. A *group* is an inner node with enough ends below, and has as members the groups and ends right below it. Inner nodes with few ends, such as leaves
/// that were split, are passed over: their children are members of the group above, so that comparisons stay batched.
/// </summary>
internal sealed unsafe class TreeGroups : IDisposable
{
    /// <summary>Depth for "down to the leaves".</summary>
    public const int AllLevels = int.MaxValue;

    private const int LeastEnds = 4;

    private readonly ClusterTree tree;
    private readonly int depth;
    private readonly int[] ends;
    private readonly int[]?[] members;
    private readonly bool[] endsOnly;
    private readonly PackedRows?[] packed;
    private readonly Lock packing = new();

    public TreeGroups(ClusterTree tree, int depth)
    {
        this.tree = tree;
        this.depth = depth;
        ends = new int[tree.NodeCount];
        members = new int[]?[tree.NodeCount];
        endsOnly = new bool[tree.NodeCount];
        packed = new PackedRows?[tree.NodeCount];
        for (int node = tree.NodeCount - 1; node >= 0; node--)
        {
            ends[node] = IsEnd(node) ? 1 : ends[node];
            if (node > 0 && tree.Depth(node) <= depth)
            {
                ends[tree.Parent(node)] += ends[node];
            }
        }

        for (int node = 0; node < tree.NodeCount; node++)
        {
            if (IsGroup(node))
            {
                members[node] = [.. Below(node)];
                endsOnly[node] = members[node]!.All(IsEnd);
            }
        }
    }

    public bool IsEnd(int node) => tree.Depth(node) == depth || (tree.IsLeaf(node) && tree.Depth(node) < depth);

    public bool IsGroup(int node) => !IsEnd(node) && tree.Depth(node) < depth && (node == 0 || ends[node] >= LeastEnds);

    /// <summary>Ends at or below a node.</summary>
    public int Ends(int node) => ends[node];

    /// <summary>Members of a group: ends and groups.</summary>
    public int[] Members(int group) => members[group]!;

    /// <summary>Whether no member of a group is itself a group.</summary>
    public bool HasOnlyEnds(int group) => endsOnly[group];

    /// <summary>The members' centroids, packed when first asked for.</summary>
    public PackedRows Packed(int group)
    {
        var known = Volatile.Read(ref packed[group]);
        if (known != null)
        {
            return known;
        }

        lock (packing)
        {
            return packed[group] ??= Pack(tree, Members(group));
        }
    }

    public static PackedRows Pack(ClusterTree tree, ReadOnlySpan<int> nodes)
    {
        int padded = tree.PaddedDimensions;
        using var rows = new FloatBuffer((long)nodes.Length * padded);
        for (int i = 0; i < nodes.Length; i++)
        {
            tree.CopyCentroid(nodes[i], rows.Pointer + (long)i * padded);
        }

        return PackedRows.Pack(rows.Pointer, nodes.Length, padded, padded);
    }

    /// <summary>Ends below a node, or itself if it is one.</summary>
    public IEnumerable<int> EndsBelow(int node)
    {
        var waiting = new Stack<int>([node]);
        while (waiting.TryPop(out int next))
        {
            if (IsEnd(next))
            {
                yield return next;
                continue;
            }

            foreach (int child in tree.Children(next).ToArray())
            {
                waiting.Push(child);
            }
        }
    }

    public void Dispose()
    {
        foreach (var rows in packed)
        {
            rows?.Dispose();
        }
    }

    private IEnumerable<int> Below(int group)
    {
        var waiting = new Queue<int>(tree.Children(group).ToArray());
        while (waiting.TryDequeue(out int node))
        {
            if (IsEnd(node) || IsGroup(node))
            {
                yield return node;
                continue;
            }

            foreach (int child in tree.Children(node).ToArray())
            {
                waiting.Enqueue(child);
            }
        }
    }
}
