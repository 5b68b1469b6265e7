using Puff.Engine.Numerics;
using Puff.Engine.Vectors;

namespace Puff.Engine.Segments;

/// <summary>
/// Which node each vector of a new segment is coded against: those of a cluster tree, or a single centroid when the segment is flat. Keeps no reference on the
/// tree; whoever made it does.
/// </summary>
internal sealed unsafe class VectorGrouping
{
    /// <summary>One rotation for everything that is written today, so that a query is rotated once. Stored, so that it may change.</summary>
    public const ulong RotationSeed = 0x5EED_0F_5E65;

    private const int MostInMean = 2_048;

    private readonly int[]? nodeOf;
    private readonly float[]? flatCentroid;

    private VectorGrouping(SegmentVectors vectors, RandomRotation rotation, ClusterTree? tree, int[]? nodeOf, float[]? flatCentroid)
    {
        Vectors = vectors;
        Rotation = rotation;
        Tree = tree;
        this.nodeOf = nodeOf;
        this.flatCentroid = flatCentroid;
    }

    public SegmentVectors Vectors { get; }

    public RandomRotation Rotation { get; }

    /// <summary>Names <see cref="Rotation"/>.</summary>
    public ulong Seed => Tree?.RotationSeed ?? RotationSeed;

    /// <summary>Null when flat.</summary>
    public ClusterTree? Tree { get; }

    public ulong TreeId => Tree?.Id ?? 0;

    /// <summary>In rotated space; empty unless flat.</summary>
    public ReadOnlySpan<float> FlatCentroid => flatCentroid;

    /// <param name="vectors">At least one.</param>
    /// <param name="tree">The tree.</param>
    /// <param name="nodeOf">A node for every vector.</param>
    public static VectorGrouping Of(SegmentVectors vectors, ClusterTree tree, int[] nodeOf) => nodeOf.Length == vectors.Count
        ? new VectorGrouping(vectors, new RandomRotation(tree.Dimensions, tree.RotationSeed), tree, nodeOf, null)
        : throw new ArgumentException($"{nodeOf.Length} nodes for {vectors.Count} vectors", nameof(nodeOf));

    /// <summary>All vectors around their mean.</summary>
    public static VectorGrouping Flat(SegmentVectors vectors)
    {
        var rotation = new RandomRotation(vectors.Dimensions, RotationSeed);
        return new VectorGrouping(vectors, rotation, null, null, MeanOf(vectors, rotation));
    }

    public int NodeOf(int vector) => nodeOf is null ? 0 : nodeOf[vector];

    /// <summary>Vectors of groups with neighbouring ranks are neighbours in space.</summary>
    public int RankOf(int vector) => Tree is null ? 0 : Tree.WalkRank(nodeOf![vector]);

    /// <summary>The centroid of a node, or the only one.</summary>
    /// <param name="node">The node.</param>
    /// <param name="flat">Where the caller has pinned <see cref="FlatCentroid"/>.</param>
    /// <param name="buffer">As long as a centroid; what is returned may be this.</param>
    public float* CentroidOf(int node, float* flat, float* buffer)
    {
        if (Tree is null)
        {
            return flat;
        }

        Tree.CopyCentroid(node, buffer);
        return buffer;
    }

    /// <summary>
    /// Of some vectors, evenly spread: more of them move the mean by less than they are apart. Rotations are linear, so that only the mean has to be rotated.
    /// Summed in double precision: coordinates may be large.
    /// </summary>
    private static float[] MeanOf(SegmentVectors vectors, RandomRotation rotation)
    {
        var sums = new double[vectors.Dimensions];
        var vector = new float[vectors.Dimensions];
        var centroid = GC.AllocateArray<float>(rotation.PaddedDimensions, pinned: true);
        fixed (float* target = centroid, scratch = vector)
        {
            int count = Math.Min(vectors.Count, MostInMean);
            for (int i = 0; i < count; i++)
            {
                vectors.Read((int)((long)i * vectors.Count / count), scratch);
                for (int d = 0; d < vector.Length; d++)
                {
                    sums[d] += vector[d];
                }
            }

            for (int d = 0; d < vector.Length; d++)
            {
                vector[d] = (float)(sums[d] / count);
            }

            rotation.Apply(scratch, target);
        }

        // Vectors near the largest single may overflow in the rotation. Any centroid will do.
        for (int d = 0; d < centroid.Length; d++)
        {
            centroid[d] = float.IsFinite(centroid[d]) ? centroid[d] : 0;
        }

        return centroid;
    }
}
