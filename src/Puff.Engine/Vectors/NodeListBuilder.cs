namespace Puff.Engine.Vectors;

/// <summary>Collects new nodes of a tree.</summary>
internal sealed class NodeListBuilder(float scale)
{
    private readonly List<int> parents = [];
    private readonly List<Half[]> centroids = [];

    public int Count => parents.Count;

    public void Add(int parent, ReadOnlySpan<float> centroid)
    {
        parents.Add(parent);
        centroids.Add(Shorten(centroid));
    }

    /// <summary>Gives a node another centroid than it was added with.</summary>
    public void Replace(int index, ReadOnlySpan<float> centroid) => centroids[index] = Shorten(centroid);

    /// <summary>The nodes from <paramref name="first"/> on.</summary>
    public NodeList Build(int first = 0)
    {
        int length = centroids.Count == 0 ? 0 : centroids[0].Length;
        var all = new Half[checked((centroids.Count - first) * length)];
        for (int i = first; i < centroids.Count; i++)
        {
            centroids[i].CopyTo(all, (i - first) * length);
        }

        return new NodeList([.. parents.Skip(first)], all);
    }

    private Half[] Shorten(ReadOnlySpan<float> centroid)
    {
        var shortened = new Half[centroid.Length];
        for (int i = 0; i < centroid.Length; i++)
        {
            shortened[i] = CentroidScale.Shorten(centroid[i], scale);
        }

        return shortened;
    }
}
