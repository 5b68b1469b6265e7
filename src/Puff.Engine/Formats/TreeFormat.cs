using Puff.Engine.Encoding;
using Puff.Engine.Schema;

namespace Puff.Engine.Formats;

/// <summary>What every object of a tree says about the tree.</summary>
/// <param name="TreeId">Names the tree, not 0.</param>
/// <param name="RotationSeed">Names the rotation of its centroids and of all vectors coded against them.</param>
/// <param name="Metric">Under cosine distance, vectors are scaled to unit length before they are rotated.</param>
/// <param name="Dimensions">Of the attribute.</param>
/// <param name="CentroidScale">A power of two: coordinates of centroids are the stored 16-bit floats times this.</param>
internal readonly record struct TreeHeader(ulong TreeId, ulong RotationSeed, DistanceMetric Metric, int Dimensions, float CentroidScale)
{
    /// <summary>Coordinates after the rotation.</summary>
    public int PaddedDimensions => CodesFormat.Pad(Dimensions);
}

/// <summary>
/// Tree objects (docs/formats/tree.md): an <see cref="Envelope"/> with nodes FirstNode .. FirstNode + count - 1 of a cluster tree, each a parent and a
/// centroid in rotated space, divided by a scale. Nodes are only ever added; a tree is a chain of such objects.
/// </summary>
internal static class TreeFormat
{
    /// <summary>Parent of the root.</summary>
    public const int NoParent = -1;

    public const ushort Version = 1;

    private const int FixedBytes = 40;

    private static ReadOnlySpan<byte> Magic => "PTRE"u8;

    /// <summary>Bytes of an object with that many nodes.</summary>
    public static long BytesOf(int nodes, int paddedDimensions) =>
        Envelope.HeaderBytes + FixedBytes + (nodes * (4L + (paddedDimensions * 2L))) + Envelope.TrailerBytes;

    /// <summary>Appends a whole object to an empty buffer.</summary>
    /// <param name="writer">Empty.</param>
    /// <param name="header">Of the tree.</param>
    /// <param name="firstNode">Number of the first node given.</param>
    /// <param name="parents">One a node: a smaller node's number, or <see cref="NoParent"/> for node 0.</param>
    /// <param name="centroids">The nodes' centroids one after the other, <see cref="TreeHeader.PaddedDimensions"/> numbers each.</param>
    public static void Write(ByteWriter writer, TreeHeader header, int firstNode, ReadOnlySpan<int> parents, ReadOnlySpan<Half> centroids)
    {
        if (centroids.Length != (long)parents.Length * header.PaddedDimensions)
        {
            throw new ArgumentException($"{centroids.Length} coordinates for {parents.Length} nodes of {header.PaddedDimensions}", nameof(centroids));
        }

        Envelope.Begin(writer, Magic, Version);
        writer.UInt64(header.TreeId);
        writer.UInt64(header.RotationSeed);
        writer.UInt32((uint)header.Metric);
        writer.UInt32((uint)header.Dimensions);
        writer.UInt32((uint)header.PaddedDimensions);
        writer.UInt32((uint)firstNode);
        writer.UInt32((uint)parents.Length);
        writer.UInt32(BitConverter.SingleToUInt32Bits(header.CentroidScale));
        for (int i = 0; i < parents.Length; i++)
        {
            writer.UInt32((uint)parents[i]);
            HalfBytes.Write(writer, centroids.Slice(i * header.PaddedDimensions, header.PaddedDimensions));
        }

        Envelope.End(writer);
    }

    /// <summary>Reads a whole object.</summary>
    /// <exception cref="CorruptDataException">The bytes are no tree object, or say what cannot be.</exception>
    public static TreeNodes Read(ReadOnlySpan<byte> content)
    {
        var reader = new ByteReader(Envelope.Open(content, Magic, Version, out _));
        ulong id = reader.UInt64();
        ulong seed = reader.UInt64();
        uint metric = reader.UInt32();
        uint dimensions = reader.UInt32();
        uint padded = reader.UInt32();
        uint first = reader.UInt32();
        uint count = reader.UInt32();
        float scale = BitConverter.UInt32BitsToSingle(reader.UInt32());
        if (id == 0 || metric is not ((uint)DistanceMetric.CosineDistance or (uint)DistanceMetric.EuclideanSquared)
            || dimensions is 0 or > CodesFormat.MaxPaddedDimensions || padded != CodesFormat.Pad((int)dimensions)
            || !float.IsNormal(scale) || !float.IsPow2(scale) || count == 0 || first > int.MaxValue - count || reader.Remaining != count * (4L + (padded * 2L)))
        {
            throw new CorruptDataException(
                $"tree {id:x16}: {count} nodes from {first}, {dimensions} dimensions as {padded}, metric {metric}, scale {scale}");
        }

        var nodes = new TreeNodes(new TreeHeader(id, seed, (DistanceMetric)metric, (int)dimensions, scale), (int)first, (int)count);
        for (int i = 0; i < nodes.Count; i++)
        {
            ReadNode(ref reader, nodes, i);
        }

        reader.ExpectEnd();
        return nodes;
    }

    private static void ReadNode(ref ByteReader reader, TreeNodes nodes, int index)
    {
        int parent = (int)reader.UInt32();
        int node = nodes.FirstNode + index;
        if (node == 0 ? parent != NoParent : (uint)parent >= (uint)node)
        {
            throw new CorruptDataException($"node {node} has parent {parent}");
        }

        nodes.Parents[index] = parent;
        HalfBytes.Read(reader.Bytes(nodes.Header.PaddedDimensions * 2), nodes.Centroid(index));
    }
}

/// <summary>Some consecutive nodes of a tree.</summary>
/// <param name="header">Of the tree.</param>
/// <param name="firstNode">The number of the first.</param>
/// <param name="count">How many.</param>
internal sealed class TreeNodes(TreeHeader header, int firstNode, int count)
{
    public TreeHeader Header { get; } = header;

    public int FirstNode { get; } = firstNode;

    public int Count => Parents.Length;

    /// <summary>One a node: a smaller number, or <see cref="TreeFormat.NoParent"/> for node 0.</summary>
    public int[] Parents { get; } = new int[count];

    /// <summary>All centroids one after the other, <see cref="TreeHeader.PaddedDimensions"/> numbers each.</summary>
    public Half[] Centroids { get; } = GC.AllocateUninitializedArray<Half>(checked(count * header.PaddedDimensions));

    /// <param name="index">Counted from <see cref="FirstNode"/>.</param>
    public Span<Half> Centroid(int index) => Centroids.AsSpan(index * Header.PaddedDimensions, Header.PaddedDimensions);
}
