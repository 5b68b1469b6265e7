namespace Puff.Engine.Vectors;

/// <summary>What <see cref="ClusterTree.Route"/> works with: pooled by callers, so that routing allocates nothing. For one thread at a time.</summary>
internal sealed class RouteScratch
{
    /// <summary>Nodes that codes say are near.</summary>
    public NearestNodes Estimated { get; } = new();

    /// <summary>Nodes with their distances.</summary>
    public NearestNodes Exact { get; } = new();

    /// <summary>Upper nodes that are followed, and their distances.</summary>
    public int[] Upper { get; private set; } = [];

    public float[] UpperDistances { get; private set; } = [];

    /// <summary>Makes room for that many upper nodes.</summary>
    public void EnsureUpper(int count)
    {
        if (Upper.Length < count)
        {
            Upper = new int[count];
            UpperDistances = new float[count];
        }
    }
}
