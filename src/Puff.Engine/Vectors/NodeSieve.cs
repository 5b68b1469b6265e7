namespace Puff.Engine.Vectors;

/// <summary>
/// Keeps the nodes with the least distances of all that are offered, and a few more: distances are counted in buckets, a thousand for each factor of two around
/// a reference, and a node is kept until the buckets below its own hold enough. That needs no sorting while nodes arrive. Reusable; not for several threads.
/// </summary>
internal sealed class NodeSieve
{
    private const int MantissaShift = 13;
    private const int BucketsPerOctave = 1 << (23 - MantissaShift);
    private const int Middle = 2 * BucketsPerOctave;
    private const int Last = 4 * BucketsPerOctave - 1;

    private readonly int[] sizes = new int[Last + 1];
    private float[] distances = new float[256];
    private int[] nodes = new int[256];
    private int wanted;
    private int count;
    private int below; // nodes in buckets up to the cut
    private int cut;
    private int firstBucket; // what the bits of the least distances that are told apart come to

    /// <summary>What is farther is not kept.</summary>
    public float Threshold { get; private set; }

    /// <summary>Forgets everything.</summary>
    /// <param name="least">Nodes wanted, at least 1.</param>
    /// <param name="reference">A distance of about the size of those that will matter.</param>
    public void Start(int least, float reference)
    {
        wanted = least;
        count = 0;
        below = 0;
        cut = Last;
        Threshold = float.PositiveInfinity;
        Array.Clear(sizes);
        float usable = float.IsFinite(reference) ? Math.Max(reference, 1e-30f) : 1;
        firstBucket = (BitConverter.SingleToInt32Bits(usable) >> MantissaShift) - Middle;
    }

    /// <summary>Considers a node. A distance that is not a number counts as infinite.</summary>
    public void Offer(float distance, int node)
    {
        int bucket = BucketOf(distance);
        if (bucket > cut)
        {
            return;
        }

        if (count == nodes.Length)
        {
            Array.Resize(ref distances, 2 * count);
            Array.Resize(ref nodes, 2 * count);
        }

        distances[count] = distance;
        nodes[count++] = node;
        sizes[bucket]++;
        below++;
        while (below - sizes[cut] >= wanted)
        {
            below -= sizes[cut--];
            Threshold = UpperEdge(cut);
        }
    }

    /// <summary>The nodes kept, in the order they came: all that were offered, or at least as many as were wanted.</summary>
    public ReadOnlySpan<int> Nodes()
    {
        int kept = 0;
        for (int i = 0; i < count; i++)
        {
            distances[kept] = distances[i];
            nodes[kept] = nodes[i];
            kept += BucketOf(distances[i]) <= cut ? 1 : 0;
        }

        count = kept;
        return nodes.AsSpan(0, kept);
    }

    private int BucketOf(float distance)
    {
        if (float.IsNaN(distance))
        {
            return Last;
        }

        // The bits of positive numbers are ordered as the numbers are.
        return distance > 0 ? Math.Clamp((BitConverter.SingleToInt32Bits(distance) >> MantissaShift) - firstBucket, 0, Last) : 0;
    }

    private float UpperEdge(int bucket) => BitConverter.Int32BitsToSingle(((firstBucket + bucket + 1) << MantissaShift) - 1);
}
