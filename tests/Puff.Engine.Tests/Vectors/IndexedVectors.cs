using System.Numerics.Tensors;
using Puff.Engine.Formats;
using Puff.Engine.Numerics;
using Puff.Engine.Tests.Numerics;
using Puff.Engine.Vectors;

namespace Puff.Engine.Tests.Vectors;

/// <summary>Vectors with codes in memory, as a segment would hold them: encoded, written as a part, and opened again, but without a store.</summary>
internal sealed unsafe class IndexedVectors : IExactRows, IDisposable
{
    private const int Attribute = 1;

    private readonly PartEncoder part = new(PartKind.Codes);
    private readonly StoredRows rows;

    /// <param name="space">Type, metric and dimensions.</param>
    /// <param name="vectors">Any; numbered in the order of their groups.</param>
    /// <param name="tree">Null: flat.</param>
    /// <param name="depth">Vectors belong to nodes at most so deep.</param>
    /// <param name="aligned">Documents are numbered in the order of groups; otherwise they keep their order.</param>
    public IndexedVectors(VectorSpace space, float[][] vectors, ClusterTree? tree, int depth = int.MaxValue, bool aligned = true)
    {
        Space = space;
        float[][] coded = [.. vectors.Select(space.ToIndex)];
        var rotated = space.Rotate(coded);
        int[] nodes = tree is null ? new int[vectors.Length] : PlantedTree.Assign(tree, rotated, depth);
        int[] order = [.. Enumerable.Range(0, vectors.Length).OrderBy(i => tree?.WalkRank(nodes[i]) ?? 0).ThenBy(i => i)];
        Source = aligned ? order : [.. Enumerable.Range(0, vectors.Length)];
        rows = new StoredRows(space.Type, space.Dimensions, [.. Source.Select(i => vectors[i])]);
        Write(tree, rotated, nodes, order, aligned);
        var reader = CodesReader.Open(new PartReader(part.Buffer.Written, PartKind.Codes), Attribute)!;
        Index = new CodedVectors(reader, tree, space.Dimensions, vectors.Length);
    }

    public VectorSpace Space { get; }

    public CodedVectors Index { get; }

    /// <summary>Which of the given vectors a document is.</summary>
    public int[] Source { get; }

    public int Count => Source.Length;

    public bool AreInPlace => true;

    public byte* Row(int document, byte* buffer) => rows.Pointer + (long)document * rows.RowBytes;

    public SearchSet All(int number = 0) => new(number, Index, this, new BitSet(Count, true), Count);

    /// <param name="matches">By the vectors given.</param>
    /// <param name="number">Of the set.</param>
    public SearchSet Where(Func<int, bool> matches, int number = 0)
    {
        var bits = new BitSet(Count);
        for (int document = 0; document < Count; document++)
        {
            bits[document] = matches(Source[document]);
        }

        return new SearchSet(number, Index, this, bits, bits.PopCount());
    }

    /// <summary>Some documents, by their numbers here.</summary>
    public SearchSet Only(IReadOnlyCollection<int> documents)
    {
        var bits = new BitSet(Count);
        foreach (int document in documents)
        {
            bits[document] = true;
        }

        return new SearchSet(0, Index, this, bits, documents.Count);
    }

    /// <summary>Probes for a recall a little above 0.95, measured on these vectors.</summary>
    public ProbeTable Calibrate(ClusterTree tree) =>
        ProbeTable.Create(ProbeCalibrator.Calibrate(Index, tree, this, Space.Type, Space.IsCosine, Space.Dimensions, 2, 3), 0.97f);

    public void Dispose()
    {
        part.Dispose();
        rows.Dispose();
    }

    private void Write(ClusterTree? tree, float[][] rotated, int[] nodes, int[] order, bool aligned)
    {
        using var encoder = new CodesEncoder(part, Attribute, new CodesHeader(tree?.Id ?? 0, VectorSpace.RotationSeed, Space.Rotation.PaddedDimensions, aligned));
        float[] mean = tree is null ? Mean(rotated) : [];
        var groups = order.GroupBy(i => nodes[i]).Select(g => (Node: g.Key, Members: g.ToArray())).ToArray();
        long[] offsets = [.. groups.Select(g => encoder.AddGroup(g.Node, g.Members.Length))];
        Parallel.For(0, groups.Length, i =>
        {
            fixed (float* centroid = tree is null ? mean : tree.CentroidOf(groups[i].Node))
            {
                Encode(groups[i].Members, rotated, centroid, encoder.Locate(offsets[i]));
            }
        });
        if (!aligned)
        {
            Array.ForEach(order, encoder.AddDocument);
        }

        encoder.Finish(mean);
        part.Finish(order.Length);
    }

    private void Encode(int[] members, float[][] rotated, float* centroid, byte* group)
    {
        int padded = Space.Rotation.PaddedDimensions;
        for (int block = 0; block < CodesFormat.BlocksOf(members.Length); block++)
        {
            BinaryCodes.Clear(group + block * (long)CodesFormat.BlockBytes(padded), padded);
        }

        byte* rowCodes = group + CodesFormat.RowsOffset(members.Length, padded);
        var residual = new float[padded];
        fixed (float* r = residual)
        {
            for (int i = 0; i < members.Length; i++)
            {
                TensorPrimitives.Subtract(rotated[members[i]], new ReadOnlySpan<float>(centroid, padded), residual);
                BinaryCodes.Encode(r, centroid, padded, group + i / CodesFormat.BlockVectors * (long)CodesFormat.BlockBytes(padded), i % CodesFormat.BlockVectors);
                OctalCodes.Encode(r, centroid, padded, rowCodes + i * (long)CodesFormat.RowBytes(padded));
            }
        }
    }

    private static float[] Mean(float[][] vectors)
    {
        var mean = new float[vectors[0].Length];
        Array.ForEach(vectors, v => TensorPrimitives.Add(mean, v, mean));
        TensorPrimitives.Divide(mean, vectors.Length, mean);
        return mean;
    }
}
