using Puff.Engine.Encoding;
using Puff.Engine.Formats;

namespace Puff.Engine.Vectors;

/// <summary>
/// Clusters of one segment's token vectors, ready to be searched: a cluster tree of them alone, and which documents have a vector in a leaf. Any number of
/// threads may use it; it owns the tree, and the segment keeps the lists.
/// </summary>
internal sealed class TokenClusters : IDisposable
{
    private readonly TokenLists lists;
    private readonly int[] listOfNode;

    /// <param name="lists">As stored.</param>
    /// <param name="paddedDimensions">Of the codes beside them.</param>
    /// <param name="rotationSeed">Of the codes beside them.</param>
    public TokenClusters(TokenLists lists, int paddedDimensions, ulong rotationSeed)
    {
        this.lists = lists;
        var header = lists.Nodes.Header;
        if (header.PaddedDimensions != paddedDimensions || header.RotationSeed != rotationSeed)
        {
            throw new CorruptDataException($"token clusters of {header.PaddedDimensions} dimensions do not fit codes of {paddedDimensions}, or their rotation");
        }

        var shape = new TreeShape(header.TreeId, header.RotationSeed, header.Dimensions, header.CentroidScale);
        Tree = ClusterTree.Create(shape, new NodeList(lists.Nodes.Parents, lists.Nodes.Centroids));
        listOfNode = new int[Tree.NodeCount];
        for (int leaf = 0; leaf < Tree.Leaves.Length; leaf++)
        {
            listOfNode[Tree.Leaves[leaf]] = leaf;
        }
    }

    public ClusterTree Tree { get; }

    /// <summary>Ascending.</summary>
    /// <param name="leaf">A node of the tree that is a leaf.</param>
    public ReadOnlySpan<int> DocumentsOf(int leaf) => lists.DocumentsOf(listOfNode[leaf]);

    public void Dispose() => Tree.Release();
}
