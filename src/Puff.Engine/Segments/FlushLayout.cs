using Puff.Engine.Schema;
using Puff.Engine.Vectors;

namespace Puff.Engine.Segments;

/// <summary>
/// How a segment of fresh documents is laid out: no tree is made for it. Where there is one, its vectors are grouped at a level that gives groups worth a scan;
/// otherwise all vectors are one group.
/// </summary>
internal static class FlushLayout
{
    /// <param name="source">The documents.</param>
    /// <param name="schema">Of the namespace.</param>
    /// <param name="trees">Open trees, of each attribute the newest last; a reference is held on them until the segment is built.</param>
    /// <param name="settings">Of the engine.</param>
    public static SegmentLayout Create(ISegmentSource source, NamespaceSchema schema, IReadOnlyList<IndexTree> trees, VectorIndexSettings settings)
    {
        return SegmentLayout.Create(source.Count, Group(source, schema, trees, settings), LateInteractionVectors.OfAll(source, schema, settings));
    }

    /// <summary>How the vectors of each attribute with enough of them are grouped.</summary>
    public static List<VectorGrouping> Group(ISegmentSource source, NamespaceSchema schema, IReadOnlyList<IndexTree> trees, VectorIndexSettings settings)
    {
        var groupings = new List<VectorGrouping>();
        foreach (var vectors in SegmentVectors.OfAll(source, schema, settings))
        {
            var tree = trees.LastOrDefault(t => t.Descriptor.Attribute == vectors.Attribute.Id)?.Tree;
            groupings.Add(tree is null ? VectorGrouping.Flat(vectors) : Group(vectors, tree, settings));
        }

        return groupings;
    }

    private static VectorGrouping Group(SegmentVectors vectors, ClusterTree tree, VectorIndexSettings settings)
    {
        var nodeOf = new int[vectors.Count];
        NodeAssigner.Assign(tree, vectors, NodeAssigner.DepthFor(tree, vectors.Count, settings.GroupMean), nodeOf, settings.Threads);
        return VectorGrouping.Of(vectors, tree, nodeOf);
    }
}
