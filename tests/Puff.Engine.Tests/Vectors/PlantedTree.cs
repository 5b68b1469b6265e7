using System.Numerics.Tensors;
using Puff.Engine.Vectors;

namespace Puff.Engine.Tests.Vectors;

/// <summary>A cluster tree made the short way: two levels, centroids from sampled vectors and a few rounds of k-means.</summary>
internal static unsafe class PlantedTree
{
    private const int Rounds = 3;

    public static ClusterTree Create(VectorSpace space, float[][] vectors, int leafTarget, int seed = 5, ulong id = 99)
    {
        var rotated = space.Rotate([.. vectors.Select(space.ToIndex)]);
        var random = new Random(seed);
        float[][] leaves = Cluster(rotated, Math.Max(1, vectors.Length / leafTarget), random);
        float[][] upper = Cluster(leaves, Math.Max(1, (int)Math.Sqrt(leaves.Length)), random);
        int[] parents = [-1, .. upper.Select(_ => 0), .. leaves.Select(leaf => Nearest(leaf, upper) + 1)];
        float[][] centroids = [Mean(leaves), .. upper, .. leaves];
        float largest = centroids.Max(c => TensorPrimitives.MaxMagnitude<float>(c));
        float scale = CentroidScale.For(MathF.Abs(largest));
        var shape = new TreeShape(id, VectorSpace.RotationSeed, space.Dimensions, scale);
        return ClusterTree.Create(shape, new NodeList(parents, [.. centroids.SelectMany(c => c.Select(x => CentroidScale.Shorten(x, scale)))]));
    }

    /// <summary>A later version in which every n-th leaf has two children, a little to either side of it.</summary>
    public static ClusterTree Split(ClusterTree tree, int every)
    {
        var parents = new List<int>();
        var centroids = new List<Half>();
        for (int i = 0; i < tree.Leaves.Length; i += every)
        {
            foreach (float side in new[] { 0.9f, 1.1f })
            {
                parents.Add(tree.Leaves[i]);
                foreach (float x in tree.CentroidOf(tree.Leaves[i]))
                {
                    centroids.Add(CentroidScale.Shorten(x * side, tree.Shape.CentroidScale));
                }
            }
        }

        return tree.Append(new NodeList([.. parents], [.. centroids]));
    }

    /// <summary>The nearest node of each vector, among leaves and nodes of the depth given.</summary>
    public static int[] Assign(ClusterTree tree, float[][] rotated, int depth)
    {
        int[] nodes = [.. Enumerable.Range(0, tree.NodeCount).Where(n => tree.Depth(n) == depth || (tree.IsLeaf(n) && tree.Depth(n) < depth))];
        float[][] centroids = [.. nodes.Select(n => tree.CentroidOf(n))];
        var result = new int[rotated.Length];
        Parallel.For(0, rotated.Length, i => result[i] = nodes[Nearest(rotated[i], centroids)]);
        return result;
    }

    private static float[][] Cluster(float[][] vectors, int count, Random random)
    {
        float[][] centroids = [.. Enumerable.Range(0, count).Select(_ => vectors[random.Next(vectors.Length)])];
        for (int round = 0; round < Rounds; round++)
        {
            var nearest = new int[vectors.Length];
            Parallel.For(0, vectors.Length, i => nearest[i] = Nearest(vectors[i], centroids));
            centroids = [.. Enumerable.Range(0, vectors.Length).GroupBy(i => nearest[i]).OrderBy(g => g.Key).Select(g => Mean([.. g.Select(i => vectors[i])]))];
        }

        return centroids;
    }

    private static int Nearest(float[] vector, float[][] centroids)
    {
        int best = 0;
        float smallest = float.PositiveInfinity;
        for (int i = 0; i < centroids.Length; i++)
        {
            float distance = TensorPrimitives.Distance<float>(vector, centroids[i]);
            (best, smallest) = distance < smallest ? (i, distance) : (best, smallest);
        }

        return best;
    }

    private static float[] Mean(float[][] vectors)
    {
        var mean = new float[vectors[0].Length];
        Array.ForEach(vectors, v => TensorPrimitives.Add(mean, v, mean));
        TensorPrimitives.Divide(mean, vectors.Length, mean);
        return mean;
    }
}
