namespace Puff.Engine.Vectors;

/// <summary>Nodes of a tree that follow one another, as training and splitting make them and as tree objects hold them.</summary>
/// <param name="parents">One a node: the number of an earlier node, -1 for node 0.</param>
/// <param name="centroids">The nodes' centroids one after the other, in rotated space, divided by <see cref="TreeShape.CentroidScale"/>.</param>
internal sealed class NodeList(int[] parents, Half[] centroids)
{
    public int Count => Parents.Length;

    public int[] Parents { get; } = parents;

    public Half[] Centroids { get; } = centroids;
}
