using System.Numerics.Tensors;
using Puff.Engine.Vectors;

namespace Puff.TestKit.Vectors;

/// <summary>A tree trained on vectors, and the leaf of each.</summary>
internal sealed unsafe class AssignedTree : IDisposable
{
    private readonly IVectorSource source;

    /// <summary>Trains as a merge does.</summary>
    public AssignedTree(ClusteredVectors source, VectorIndexSettings settings, ulong seed)
    {
        this.source = source;
        var trained = TreeTrainer.Train(source, source.Dimensions, 1, 99, settings, seed);
        Tree = trained.Open();
        NodeOf = trained.LeafOf;
        NodeReassigner.Settle(Tree, source, NodeOf, settings.Threads);
    }

    /// <summary>Assigns to a tree there is.</summary>
    public AssignedTree(IVectorSource source, ClusterTree tree, VectorIndexSettings settings)
    {
        this.source = source;
        Tree = tree;
        NodeOf = new int[source.Count];
        NodeAssigner.Assign(Tree, source, TreeGroups.AllLevels, NodeOf, settings.Threads);
    }

    public ClusterTree Tree { get; set; }

    public int[] NodeOf { get; }

    /// <summary>Vectors of each leaf.</summary>
    public int[] LeafSizes()
    {
        var sizes = new int[Tree.NodeCount];
        foreach (int node in NodeOf)
        {
            sizes[node]++;
        }

        return [.. Tree.Leaves.ToArray().Select(leaf => sizes[leaf])];
    }

    /// <summary>Share of each query's true nearest vectors that lie in the leaves nearest to it.</summary>
    /// <param name="queries">As the vectors of the tree.</param>
    /// <param name="k">Nearest vectors of a query.</param>
    /// <param name="share">Share of the leaves that are looked at.</param>
    public double Recall(IVectorSource queries, int k, double share)
    {
        int leaves = (int)Math.Ceiling(Tree.Leaves.Length * share);
        int found = 0;
        float* unrotated = stackalloc float[Tree.Dimensions];
        float* query = stackalloc float[Tree.PaddedDimensions];
        for (int q = 0; q < queries.Count; q++)
        {
            queries.Read(q, unrotated);
            float[] plain = new ReadOnlySpan<float>(unrotated, Tree.Dimensions).ToArray();
            Tree.Rotation.Apply(unrotated, query);
            var distances = new (float Distance, int Leaf)[Tree.Leaves.Length];
            for (int i = 0; i < distances.Length; i++)
            {
                distances[i] = (Tree.SquaredDistance(query, Tree.Leaves[i]), Tree.Leaves[i]);
            }

            HashSet<int> probed = [.. distances.Order().Take(leaves).Select(d => d.Leaf)];
            found += Nearest(plain, k).Count(i => probed.Contains(NodeOf[i]));
        }

        return found / (double)(k * queries.Count);
    }

    /// <summary>Share of a sample of the vectors that lie in the leaf nearest to them.</summary>
    public double InNearestLeaf()
    {
        int right = 0;
        int looked = 0;
        int step = Math.Max(1, source.Count / 1_000);
        float* unrotated = stackalloc float[Tree.Dimensions];
        float* rotated = stackalloc float[Tree.PaddedDimensions];
        for (int i = 0; i < source.Count; i += step, looked++)
        {
            source.Read(i, unrotated);
            Tree.Rotation.Apply(unrotated, rotated);
            float own = Tree.SquaredDistance(rotated, NodeOf[i]);
            bool isNearest = true;
            foreach (int leaf in Tree.Leaves)
            {
                isNearest &= Tree.SquaredDistance(rotated, leaf) >= own;
            }

            right += isNearest ? 1 : 0;
        }

        return right / (double)looked;
    }

    public void Dispose() => Tree.Release();

    private IEnumerable<int> Nearest(float[] query, int k)
    {
        var distances = new (float Distance, int Index)[source.Count];
        float* row = stackalloc float[query.Length];
        for (int i = 0; i < source.Count; i++)
        {
            source.Read(i, row);
            distances[i] = (TensorPrimitives.Distance(new ReadOnlySpan<float>(row, query.Length), query), i);
        }

        return distances.OrderBy(d => d.Distance).Take(k).Select(d => d.Index);
    }
}
