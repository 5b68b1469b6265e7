using Puff.Engine.Encoding;
using Puff.Engine.Formats;
using Puff.Engine.Numerics;

namespace Puff.Engine.Vectors;

/// <summary>
/// One attribute's codes in one segment, ready to be searched: which group belongs to a node of the tree, where a group's codes lie, which document a slot is.
/// The codes are read, and thereby verified, when a group is first touched. Any number of threads may use it; it keeps neither the reader's memory nor the tree
/// alive, the segment does. Damage is a <see cref="CorruptDataException"/>.
/// </summary>
internal sealed unsafe class CodedVectors
{
    private const int None = -1;

    private readonly CodesReader reader;
    private readonly int[] groupOfNode;
    private readonly nint[] groupPointers;
    private readonly float[]? flatCentroid;
    private readonly int dimensions;
    private RandomRotation? rotation;
    private int[]? slotOfDocument;

    /// <param name="reader">The codes.</param>
    /// <param name="tree">The tree the reader names, in any version that has the nodes of its groups; null when the codes are flat.</param>
    /// <param name="dimensions">Of the attribute.</param>
    /// <param name="documents">Documents of the segment.</param>
    public CodedVectors(CodesReader reader, ClusterTree? tree, int dimensions, int documents)
    {
        this.reader = reader;
        this.dimensions = dimensions;
        Tree = tree;
        Documents = documents;
        bool fits = tree is null ? reader.IsFlat && reader.Groups.Length <= 1 : tree.Id == reader.TreeId && tree.RotationSeed == reader.RotationSeed;
        if (!fits || CodesFormat.Pad(dimensions) != reader.PaddedDimensions)
        {
            throw new CorruptDataException(
                $"codes of tree {reader.TreeId:x16} with {reader.PaddedDimensions} dimensions do not fit tree {tree?.Id ?? 0:x16} and {dimensions} dimensions");
        }

        groupPointers = new nint[reader.Groups.Length];
        groupOfNode = tree is null ? [0] : GroupsByNode(tree);
        flatCentroid = tree is null && reader.Groups.Length > 0 ? reader.ReadCentroid() : null;
    }

    /// <summary>Null when the codes are flat: one group around a centroid of its own.</summary>
    public ClusterTree? Tree { get; }

    /// <summary>The rotation of the vectors that were coded.</summary>
    public RandomRotation Rotation => rotation ??= new RandomRotation(dimensions, reader.RotationSeed);

    public ulong RotationSeed => reader.RotationSeed;

    public int PaddedDimensions => reader.PaddedDimensions;

    /// <summary>Documents of the segment, those without a vector included.</summary>
    public int Documents { get; }

    /// <summary>Vectors with codes.</summary>
    public int Count => reader.Slots;

    /// <summary>Slot i is document i.</summary>
    public bool IsAligned => reader.IsAligned;

    /// <summary>In the order of their slots.</summary>
    public ReadOnlySpan<CodeGroup> Groups => reader.Groups;

    /// <summary>In rotated space; only for flat codes.</summary>
    public ReadOnlySpan<float> FlatCentroid => flatCentroid;

    /// <summary>
    /// The group that holds what belongs to a node: its own or that of its nearest ancestor that has one; -1 when there is none.
    /// </summary>
    /// <param name="tree">A version of <see cref="Tree"/>, perhaps a later one with more nodes.</param>
    public int GroupOf(ClusterTree tree, int node)
    {
        while ((uint)node >= (uint)groupOfNode.Length)
        {
            node = tree.Parent(node);
        }

        return groupOfNode[node];
    }

    /// <summary>The 1-bit codes of a group in blocks of 32 vectors; the rows of 3-bit codes follow at <see cref="CodesFormat.RowsOffset"/>.</summary>
    public byte* GroupCodes(int group)
    {
        nint known = Volatile.Read(ref groupPointers[group]);
        return known != 0 ? (byte*)known : ReadGroup(group);
    }

    /// <summary>Adds a group's codes to a batch, unless they were read before.</summary>
    public void PlanGroup(int group, IReadBatch batch)
    {
        if (Volatile.Read(ref groupPointers[group]) == 0)
        {
            reader.PlanGroup(group, batch);
        }
    }

    public int DocumentOf(int slot) => reader.IsAligned ? slot : reader.DocumentOf(slot);

    /// <summary>The slot of a document, -1 when it has no vector. The first call for unaligned codes makes the table.</summary>
    public int SlotOf(int document)
    {
        if (reader.IsAligned)
        {
            return document < reader.Slots ? document : None;
        }

        return (Volatile.Read(ref slotOfDocument) ?? InvertDocuments())[document];
    }

    /// <summary>The group of a slot.</summary>
    /// <param name="slot">0 .. <see cref="Count"/> - 1.</param>
    /// <param name="guess">The group of an earlier slot, which is likely to be this one's or the one before it.</param>
    public int GroupAt(int slot, int guess)
    {
        var groups = reader.Groups;
        for (int group = guess; group < Math.Min(guess + 2, groups.Length); group++)
        {
            if ((uint)(slot - groups[group].FirstSlot) < (uint)groups[group].Count)
            {
                return group;
            }
        }

        int low = 0, high = groups.Length - 1;
        while (low < high)
        {
            int middle = (low + high + 1) / 2;
            (low, high) = groups[middle].FirstSlot <= slot ? (middle, high) : (low, middle - 1);
        }

        return low;
    }

    private byte* ReadGroup(int group)
    {
        byte* codes = reader.ReadGroup(group).Pointer;
        if (!reader.MayMove)
        {
            Volatile.Write(ref groupPointers[group], (nint)codes);
        }

        return codes;
    }

    /// <summary>A parent comes before its children, so that one pass hands groups down.</summary>
    private int[] GroupsByNode(ClusterTree tree)
    {
        var result = new int[tree.NodeCount];
        Array.Fill(result, None);
        for (int group = 0; group < reader.Groups.Length; group++)
        {
            int node = reader.Groups[group].Node;
            if (node >= result.Length)
            {
                throw new CorruptDataException($"group {group} belongs to node {node}; tree {tree.Id:x16} has {result.Length} nodes");
            }

            result[node] = group;
        }

        for (int node = 1; node < result.Length; node++)
        {
            if (result[node] == None)
            {
                result[node] = result[tree.Parent(node)];
            }
        }

        return result;
    }

    private int[] InvertDocuments()
    {
        var slots = new int[Documents];
        Array.Fill(slots, None);
        for (int slot = 0; slot < reader.Slots; slot++)
        {
            slots[reader.DocumentOf(slot)] = slot;
        }

        Volatile.Write(ref slotOfDocument, slots);
        return slots;
    }
}
