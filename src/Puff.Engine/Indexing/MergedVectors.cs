using Puff.Engine.Segments;
using Puff.Engine.Vectors;

namespace Puff.Engine.Indexing;

/// <summary>The vectors of one attribute in a merge, and what the merged segments know about them already.</summary>
internal sealed class MergedVectors(SegmentVectors vectors, MergeSource source, SegmentReader[] inputs)
{
    public SegmentVectors Vectors { get; } = vectors;

    public int Attribute => Vectors.Attribute.Id;

    public int Count => Vectors.Count;

    /// <summary>Vectors with codes in segments that are not merged.</summary>
    public long CountElsewhere(IEnumerable<SegmentReader> segments) =>
        segments.Except(inputs).Sum(s => s.Descriptor.FindTree(Attribute) is null ? 0L : s.GetCodes(Attribute)?.Slots ?? 0);

    /// <summary>The node of a tree each vector was coded against; -1 where it was another tree, or none.</summary>
    public int[] NodesIn(ClusterTree tree)
    {
        var known = Array.ConvertAll(inputs, input => NodesIn(tree, input));
        var nodes = new int[Vectors.Count];
        for (int vector = 0; vector < nodes.Length; vector++)
        {
            var (input, number) = source.OriginOf(Vectors.DocumentOf(vector));
            nodes[vector] = known[input] is { } table ? table[number] : -1;
        }

        return nodes;
    }

    private int[]? NodesIn(ClusterTree tree, SegmentReader input)
    {
        if (input.Descriptor.FindTree(Attribute) != tree.Id || input.GetCodes(Attribute) is not { } codes)
        {
            return null;
        }

        var nodes = new int[input.Count];
        Array.Fill(nodes, -1);
        foreach (var group in codes.Groups)
        {
            for (int slot = group.FirstSlot; slot < group.FirstSlot + group.Count; slot++)
            {
                nodes[codes.DocumentOf(slot)] = group.Node < tree.NodeCount ? group.Node : -1;
            }
        }

        return nodes;
    }
}
