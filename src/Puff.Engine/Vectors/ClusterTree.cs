using Puff.Engine.Numerics;

namespace Puff.Engine.Vectors;

/// <summary>
/// The cluster tree of a vector attribute: a growing list of nodes, node 0 the root. A node has a parent and a centroid in rotated space; it never changes, and
/// a leaf that is split becomes an inner node. Vectors belong to leaves (in old or small segments: to inner nodes). A version of a tree is immutable, so that
/// any number of threads may use it; it is reference-counted, created with one reference, and what it hands out is valid while one is held.
/// </summary>
/// <remarks>
/// A centroid is the 16-bit float that is stored, times the tree's scale, and that value exactly is what vectors are coded against
/// (see <see cref="TreeShape.CentroidScale"/>): everybody who writes or reads a tree must keep the scale with it.
/// </remarks>
internal sealed unsafe partial class ClusterTree
{
    /// <summary>Parent of the root.</summary>
    public const int NoParent = -1;

    /// <summary>Up to so many leaves, or nodes of an upper level, are compared with a query one by one: more take longer than the rest of a search.</summary>
    private const int FlatRoutingLimit = 2_048;

    private static long instances;

    private readonly CentroidBlock[] blocks;
    private readonly Half*[] centroids;
    private readonly int[] parents;
    private readonly int[] depths;
    private readonly int[] childStarts;
    private readonly int[] children;
    private readonly int[] leaves;
    private readonly Lazy<int[]> walk;
    private readonly Lock routing = new();
    private TreeRouter? router;
    private int references = 1;

    private ClusterTree(in TreeShape shape, RandomRotation rotation, CentroidBlock[] blocks, int[] parents)
    {
        Shape = shape;
        Rotation = rotation;
        this.blocks = blocks;
        this.parents = parents;
        centroids = Rows(blocks, parents.Length);
        depths = Depths(parents);
        (childStarts, children) = Children(parents);
        leaves = [.. Enumerable.Range(0, parents.Length).Where(IsLeaf)];
        walk = new Lazy<int[]>(() => TreeWalk.Ranks(this));
    }

    public TreeShape Shape { get; }

    /// <summary>Tells objects in this process apart.</summary>
    public long Instance { get; } = Interlocked.Increment(ref instances);

    public ulong Id => Shape.Id;

    public ulong RotationSeed => Shape.RotationSeed;

    /// <summary>Takes vectors into the space of the centroids.</summary>
    public RandomRotation Rotation { get; }

    public int Dimensions => Shape.Dimensions;

    public int PaddedDimensions => Shape.PaddedDimensions;

    public int NodeCount => parents.Length;

    /// <summary>All leaves, ascending.</summary>
    public ReadOnlySpan<int> Leaves => leaves;

    /// <param name="shape">Of the tree.</param>
    /// <param name="parts">All nodes, from the root on.</param>
    /// <exception cref="ArgumentException">The nodes are no tree, or their centroids have another length.</exception>
    public static ClusterTree Create(in TreeShape shape, params ReadOnlySpan<NodeList> parts)
    {
        int[] parents = CheckedParents(shape, [], parts);
        if (parents.Length == 0)
        {
            throw new ArgumentException($"tree {shape.Id:x16} has no nodes", nameof(parts));
        }

        var blocks = new CentroidBlock[parts.Length];
        for (int i = 0; i < parts.Length; i++)
        {
            blocks[i] = new CentroidBlock(parts[i], shape);
        }

        return new ClusterTree(shape, new RandomRotation(shape.Dimensions, shape.RotationSeed), blocks, parents);
    }

    /// <summary>The tree with more nodes: a new version with a reference of its own. This one stays as it is.</summary>
    /// <exception cref="ArgumentException">A parent is no earlier node, or the centroids have another length.</exception>
    public ClusterTree Append(params ReadOnlySpan<NodeList> parts)
    {
        int[] all = CheckedParents(Shape, parents, parts);
        var more = new CentroidBlock[blocks.Length + parts.Length];
        for (int i = 0; i < blocks.Length; i++)
        {
            more[i] = blocks[i];
            more[i].AddReference();
        }

        for (int i = 0; i < parts.Length; i++)
        {
            more[blocks.Length + i] = new CentroidBlock(parts[i], Shape);
        }

        return new ClusterTree(Shape, Rotation, more, all);
    }

    /// <summary>The node this one was split from, <see cref="NoParent"/> for the root.</summary>
    public int Parent(int node) => parents[node];

    public bool IsLeaf(int node) => childStarts[node] == childStarts[node + 1];

    /// <summary>Steps from the root.</summary>
    public int Depth(int node) => depths[node];

    /// <summary>Ascending; empty for a leaf.</summary>
    public ReadOnlySpan<int> Children(int node) => children.AsSpan(childStarts[node]..childStarts[node + 1]);

    /// <summary>Writes a node's centroid, in rotated space, <see cref="PaddedDimensions"/> numbers.</summary>
    public void CopyCentroid(int node, float* target) => ScaledHalves.Widen(centroids[node], Shape.CentroidScale, target, PaddedDimensions);

    /// <summary>Squared distance of a rotated vector to a node's centroid.</summary>
    public float SquaredDistance(float* rotated, int node) =>
        ScaledHalves.SquaredDistance(centroids[node], Shape.CentroidScale, rotated, PaddedDimensions);

    /// <summary>
    /// Position of a node in a walk through the tree that goes from each node to the nearest sibling not yet seen and from a parent to its children: nodes with
    /// close ranks are close to one another. A parent comes right before its descendants. Computed when first asked for.
    /// </summary>
    public int WalkRank(int node) => walk.Value[node];

    /// <summary>
    /// Finds the leaves whose centroids are nearest to a query: the nearest but for rare misses, since most are judged by their codes. A code is made when it
    /// is first needed, which takes a few microseconds.
    /// </summary>
    /// <param name="query">Prepared with a vector in rotated space.</param>
    /// <param name="scratch">Reusable.</param>
    /// <param name="count">Leaves wanted.</param>
    /// <param name="leaves">Receives leaves by ascending distance, then number.</param>
    /// <param name="squaredDistances">Receives the squared distances of the leaves' centroids, exact but for rounding.</param>
    /// <returns>How many: <paramref name="count"/>, or all the tree has.</returns>
    public int Route(CodeQuery query, RouteScratch scratch, int count, Span<int> leaves, Span<float> squaredDistances) =>
        Router().Route(query, scratch, count, leaves, squaredDistances);

    /// <summary>Makes all that <see cref="Route"/> needs for any query, so that none has to wait for it.</summary>
    public void PrepareRouting() => Router().Prepare();

    public void AddReference()
    {
        if (Interlocked.Increment(ref references) <= 1)
        {
            throw new ObjectDisposedException(nameof(ClusterTree), "the tree was already closed");
        }
    }

    public void Release()
    {
        int left = Interlocked.Decrement(ref references);
        if (left < 0)
        {
            throw new ObjectDisposedException(nameof(ClusterTree), "released more often than referenced");
        }

        if (left == 0)
        {
            router?.Dispose();
            Array.ForEach(blocks, b => b.Release());
        }
    }

    private TreeRouter Router()
    {
        if (Volatile.Read(ref router) is { } known)
        {
            return known;
        }

        lock (routing)
        {
            if (router == null)
            {
                Volatile.Write(ref router, new TreeRouter(this, FlatRoutingLimit));
            }

            return router!;
        }
    }

    private static int[] CheckedParents(in TreeShape shape, int[] first, ReadOnlySpan<NodeList> parts)
    {
        var all = new List<int>(first);
        foreach (var part in parts)
        {
            if (part.Centroids.Length != (long)part.Count * shape.PaddedDimensions)
            {
                throw new ArgumentException($"{part.Centroids.Length} coordinates for {part.Count} nodes of {shape.PaddedDimensions}", nameof(parts));
            }

            foreach (int parent in part.Parents)
            {
                if (all.Count == 0 ? parent != NoParent : (uint)parent >= (uint)all.Count)
                {
                    throw new ArgumentException($"node {all.Count} of tree {shape.Id:x16} has parent {parent}", nameof(parts));
                }

                all.Add(parent);
            }
        }

        return [.. all];
    }

    private static Half*[] Rows(CentroidBlock[] blocks, int nodes)
    {
        var rows = new Half*[nodes];
        int node = 0;
        foreach (var block in blocks)
        {
            for (int i = 0; i < block.Count; i++)
            {
                rows[node++] = block.Row(i);
            }
        }

        return rows;
    }

    private static int[] Depths(int[] parents)
    {
        var depths = new int[parents.Length];
        for (int node = 1; node < parents.Length; node++)
        {
            depths[node] = depths[parents[node]] + 1;
        }

        return depths;
    }

    private static (int[] Starts, int[] Children) Children(int[] parents)
    {
        var starts = new int[parents.Length + 1];
        for (int node = 1; node < parents.Length; node++)
        {
            starts[parents[node] + 1]++;
        }

        for (int node = 0; node < parents.Length; node++)
        {
            starts[node + 1] += starts[node];
        }

        int[] next = [.. starts];
        var children = new int[parents.Length - 1];
        for (int node = 1; node < parents.Length; node++)
        {
            children[next[parents[node]]++] = node;
        }

        return (starts, children);
    }
}
