using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Puff.Engine.Encoding;

namespace Puff.Engine.Formats;

/// <summary>
/// Clusters of the token vectors of a late-interaction attribute in one segment (docs/formats/codes.md): a cluster tree of their own, and for each of its
/// leaves the documents that have a vector in it.
/// </summary>
internal static class TokenClustersFormat
{
    /// <param name="part">The part `codes`, between sections.</param>
    /// <param name="attribute">The attribute.</param>
    /// <param name="header">Of the tree.</param>
    /// <param name="parents">All nodes of the tree (<see cref="TreeFormat.Write"/>).</param>
    /// <param name="centroids">Of all nodes.</param>
    /// <param name="lists">One a leaf, in the order of the leaves' numbers: ascending documents, each once.</param>
    public static void Write(
        PartEncoder part, int attribute, in TreeHeader header, ReadOnlySpan<int> parents, ReadOnlySpan<Half> centroids, IReadOnlyList<int[]> lists)
    {
        using var tree = new ByteWriter(TreeFormat.BytesOf(parents.Length, header.PaddedDimensions));
        TreeFormat.Write(tree, header, 0, parents, centroids);
        part.Section(PartSection.TokenTree, tree.Written, attribute);
        part.BeginSection();
        uint start = 0;
        foreach (int[] list in lists)
        {
            part.Buffer.UInt32(start);
            start = checked(start + (uint)list.Length);
        }

        part.Buffer.UInt32(start);
        part.EndSection(PartSection.TokenListStarts, attribute, count: lists.Count);
        part.BeginSection();
        foreach (int[] list in lists)
        {
            part.Buffer.Bytes(MemoryMarshal.AsBytes(list.AsSpan()));
        }

        part.EndSection(PartSection.TokenListDocuments, attribute, count: start);
    }

    /// <summary>The attribute's clusters, checked; null when the segment was written without.</summary>
    /// <exception cref="CorruptDataException">The sections are damaged or do not fit one another.</exception>
    public static TokenLists? Read(PartReader part, int attribute)
    {
        if (!part.TryFind(PartSection.TokenTree, attribute, out var entry))
        {
            return null;
        }

        var nodes = TreeFormat.Read(part.Read(entry).AsSpan());
        if (nodes.FirstNode != 0)
        {
            throw new CorruptDataException($"token clusters of attribute {attribute} begin with node {nodes.FirstNode}");
        }

        int leaves = LeavesOf(nodes.Parents);
        var starts = part.Read(part.Find(PartSection.TokenListStarts, attribute, (leaves + 1L) * 4));
        var documents = part.Read(part.Find(PartSection.TokenListDocuments, attribute));
        var lists = new TokenLists(nodes, starts, documents);
        long end = 0;
        for (int leaf = 0; leaf < leaves; leaf++)
        {
            long next = lists.StartOf(leaf + 1);
            if (lists.StartOf(leaf) != end || next < end || next * 4 > documents.Length)
            {
                throw new CorruptDataException($"documents {end}..{next} of token cluster {leaf} of attribute {attribute} are not in their list");
            }

            CheckList(lists.DocumentsOf(leaf), part.Documents, attribute, leaf);
            end = next;
        }

        return end * 4 == documents.Length
            ? lists
            : throw new CorruptDataException($"token clusters of attribute {attribute} list {end} documents in {documents.Length} bytes");
    }

    private static int LeavesOf(int[] parents)
    {
        var isInner = new bool[parents.Length];
        foreach (int parent in parents.AsSpan(1))
        {
            isInner[parent] = true;
        }

        return isInner.AsSpan().Count(false);
    }

    private static void CheckList(ReadOnlySpan<int> documents, int count, int attribute, int leaf)
    {
        int last = -1;
        foreach (int document in documents)
        {
            if (document <= last || document >= count)
            {
                throw new CorruptDataException($"token cluster {leaf} of attribute {attribute} names document {document} of {count} after {last}");
            }

            last = document;
        }
    }
}

/// <summary>What the clusters of token vectors say, in the memory of the part.</summary>
/// <param name="nodes">The tree.</param>
/// <param name="starts">Where each leaf's documents begin.</param>
/// <param name="documents">Of all leaves.</param>
internal sealed unsafe class TokenLists(TreeNodes nodes, MemoryRegion starts, MemoryRegion documents)
{
    public TreeNodes Nodes => nodes;

    /// <summary>Leaves of the tree.</summary>
    public int Count => (int)(starts.Length / 4) - 1;

    /// <param name="leaf">Counted in the order of the leaves' numbers.</param>
    public ReadOnlySpan<int> DocumentsOf(int leaf) =>
        new((int*)documents.Pointer + StartOf(leaf), checked((int)(StartOf(leaf + 1) - StartOf(leaf))));

    internal long StartOf(int leaf) => BinaryPrimitives.ReadUInt32LittleEndian(starts.Span(leaf * 4L, 4));
}
