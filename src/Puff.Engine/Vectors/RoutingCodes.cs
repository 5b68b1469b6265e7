using System.Numerics;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using Puff.Engine.Numerics;

namespace Puff.Engine.Vectors;

/// <summary>
/// The 1-bit codes of some nodes' centroids, for finding those near a query without touching the centroids of the others. Nodes are coded relative to an upper
/// node that many of them share, and when a query first comes to that: one on a node that has just opened the tree waits for few. For any number of threads.
/// </summary>
internal sealed unsafe class RoutingCodes : IDisposable
{
    private readonly ClusterTree tree;
    private readonly Section[] sections;
    private readonly int[] nodes;
    private readonly int blockBytes;
    private readonly bool[] isReady;
    private readonly Lock encoding = new();
    private byte* blocks;

    /// <param name="tree">Whose centroids are coded; has to outlive this.</param>
    /// <param name="groups">Nodes by the upper node that they are coded relative to.</param>
    public RoutingCodes(ClusterTree tree, IReadOnlyList<(int Anchor, int[] Nodes)> groups)
    {
        this.tree = tree;
        blockBytes = BinaryCodes.BlockBytes(tree.PaddedDimensions);
        sections = new Section[groups.Count];
        nodes = [.. groups.SelectMany(g => g.Nodes)];
        int block = 0;
        int node = 0;
        for (int i = 0; i < sections.Length; i++)
        {
            sections[i] = new Section(groups[i].Anchor, block, node, groups[i].Nodes.Length);
            block += sections[i].Blocks;
            node += groups[i].Nodes.Length;
        }

        blocks = (byte*)NativeMemory.AlignedAlloc((nuint)Math.Max(1, (long)block * blockBytes), 64);
        isReady = new bool[sections.Length];
    }

    ~RoutingCodes() => NativeMemory.AlignedFree(blocks);

    /// <summary>Nodes in all sections.</summary>
    public int Count => nodes.Length;

    /// <summary>The nodes of a section.</summary>
    public ReadOnlySpan<int> Nodes(int section) => nodes.AsSpan(sections[section].FirstNode, sections[section].Count);

    /// <summary>Makes the codes of all sections.</summary>
    public void Prepare()
    {
        for (int i = 0; i < sections.Length; i++)
        {
            Prepare(i);
        }
    }

    /// <summary>Offers all nodes of all sections, the nearest sections first: then most of the nodes of the others are refused unseen.</summary>
    /// <param name="wanted">Nodes that <see cref="RouteScratch.Near"/> should keep, at least.</param>
    public void Scan(CodeQuery query, RouteScratch scratch, int wanted)
    {
        scratch.EnsureSections(sections.Length);
        var distances = scratch.SectionDistances.AsSpan(0, sections.Length);
        var order = scratch.Sections.AsSpan(0, sections.Length);
        for (int i = 0; i < sections.Length; i++)
        {
            distances[i] = tree.SquaredDistance(query.Rotated, sections[i].Anchor);
            order[i] = i;
        }

        distances.Sort(order);
        scratch.Near.Start(wanted, distances[0]);
        for (int i = 0; i < sections.Length; i++)
        {
            Scan(query, order[i], distances[i], scratch.Near);
        }
    }

    /// <summary>Offers the nodes of a section.</summary>
    /// <param name="query">With an <see cref="CodeQuery.Epsilon"/> of 0: nodes are ordered by their estimates, whose errors do not matter here.</param>
    /// <param name="anchorDistance">Squared distance of the query to the section's upper node.</param>
    public void Scan(CodeQuery query, int section, float anchorDistance, NodeSieve near)
    {
        Prepare(section);
        float* estimates = stackalloc float[BinaryCodes.BlockVectors];
        float* bounds = stackalloc float[BinaryCodes.BlockVectors];
        var (_, firstBlock, firstNode, count) = sections[section];
        for (int start = 0; start < count; start += BinaryCodes.BlockVectors)
        {
            byte* block = blocks + (firstBlock + start / BinaryCodes.BlockVectors) * (long)blockBytes;
            uint found = query.Scan(block, anchorDistance, uint.MaxValue, near.Threshold, estimates, bounds);
            for (; found != 0; found &= found - 1)
            {
                // What the code says nothing about has to be looked at.
                int lane = BitOperations.TrailingZeroCount(found);
                float estimate = float.IsNegativeInfinity(bounds[lane]) ? float.NegativeInfinity : estimates[lane];
                near.Offer(estimate, nodes[firstNode + start + lane]);
            }
        }
    }

    public void Dispose()
    {
        NativeMemory.AlignedFree(blocks);
        blocks = null;
        GC.SuppressFinalize(this);
    }

    private void Prepare(int section)
    {
        if (Volatile.Read(ref isReady[section]))
        {
            return;
        }

        lock (encoding)
        {
            if (!isReady[section])
            {
                Encode(sections[section]);
                Volatile.Write(ref isReady[section], true);
            }
        }
    }

    private void Encode(Section section)
    {
        int padded = tree.PaddedDimensions;
        using var rows = new FloatBuffer(3L * padded);
        float* anchor = rows.Pointer;
        float* centroid = anchor + padded;
        float* residual = centroid + padded;
        tree.CopyCentroid(section.Anchor, anchor);
        for (int i = 0; i < section.Blocks * BinaryCodes.BlockVectors; i++)
        {
            byte* block = blocks + (section.FirstBlock + i / BinaryCodes.BlockVectors) * (long)blockBytes;
            int lane = i % BinaryCodes.BlockVectors;
            if (lane == 0)
            {
                BinaryCodes.Clear(block, padded);
            }

            if (i < section.Count)
            {
                tree.CopyCentroid(nodes[section.FirstNode + i], centroid);
                var target = new Span<float>(residual, padded);
                TensorPrimitives.Subtract(new ReadOnlySpan<float>(centroid, padded), new ReadOnlySpan<float>(anchor, padded), target);
                BinaryCodes.Encode(residual, anchor, padded, block, lane);
            }
        }
    }

    private readonly record struct Section(int Anchor, int FirstBlock, int FirstNode, int Count)
    {
        public int Blocks => (Count + BinaryCodes.BlockVectors - 1) / BinaryCodes.BlockVectors;
    }
}
