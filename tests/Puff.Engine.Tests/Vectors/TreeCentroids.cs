using Puff.Engine.Vectors;

namespace Puff.Engine.Tests.Vectors;

internal static unsafe class TreeCentroids
{
    /// <summary>A node's centroid in rotated space.</summary>
    public static float[] CentroidOf(this ClusterTree tree, int node)
    {
        var centroid = new float[tree.PaddedDimensions];
        fixed (float* target = centroid)
        {
            tree.CopyCentroid(node, target);
        }

        return centroid;
    }
}
