using Puff.Engine.Encoding;
using Puff.Engine.Formats;
using Puff.Engine.Numerics;
using Puff.Engine.Storage;

namespace Puff.Engine.Segments;

/// <summary>
/// Whether the codes of a segment fit what they are about: codes are of the attributes and trees that the manifest says, groups belong to nodes that exist, and
/// exactly the documents with a vector have codes.
/// </summary>
internal static class CodesVerifier
{
    /// <exception cref="PuffException">Corrupt, naming the part with the codes.</exception>
    public static async ValueTask VerifyAsync(
        IObjectStore store, SegmentDescriptor descriptor, IReadOnlyList<TreeDescriptor> trees, CancellationToken cancellation)
    {
        var parts = await SegmentParts.OpenAsync(store, descriptor, cancellation);
        try
        {
            string key = descriptor.KeyOf(PartFormat.NameOf(PartKind.Codes));
            if (parts.Codes is not { } codes || parts.Vectors is not { } vectors)
            {
                throw PuffException.Corrupt($"object {key}: the manifest says there are codes, but names no such part, or none with vectors");
            }

            try
            {
                Verify(codes.Reader, vectors.Reader, descriptor, trees);
            }
            catch (CorruptDataException damage)
            {
                throw codes.Damaged(damage);
            }
        }
        finally
        {
            parts.Release();
        }
    }

    private static void Verify(PartReader codes, PartReader vectors, SegmentDescriptor descriptor, IReadOnlyList<TreeDescriptor> trees)
    {
        foreach (var named in descriptor.Trees)
        {
            var reader = CodesReader.Open(codes, named.Attribute)
                ?? throw new CorruptDataException($"it has no codes of attribute {named.Attribute}, which the manifest names");
            int nodes = named.TreeId == 0 ? 1 : trees.FirstOrDefault(t => t.Id == named.TreeId)?.Nodes ?? 0;
            int last = Enumerable.Range(0, reader.Groups.Length).Select(g => reader.Groups[g].Node).DefaultIfEmpty(0).Max();
            if (reader.TreeId != named.TreeId || last >= nodes)
            {
                throw new CorruptDataException(
                    $"codes of attribute {named.Attribute} belong to node {last} of tree {reader.TreeId:x16}; "
                    + $"the manifest names tree {named.TreeId:x16} with {nodes} nodes");
            }

            CheckDocuments(reader, VectorsReader.DocumentsWithVector(vectors, named.Attribute));
        }
    }

    /// <summary>The clusters of token vectors list exactly the documents that have token vectors with codes.</summary>
    /// <exception cref="PuffException">Corrupt, naming the part with the codes.</exception>
    public static async ValueTask VerifyTokensAsync(IObjectStore store, SegmentDescriptor descriptor, CancellationToken cancellation)
    {
        var parts = await SegmentParts.OpenAsync(store, descriptor, cancellation);
        try
        {
            foreach (var entry in parts.Codes!.Reader.Entries.Where(e => e.Section == PartSection.TokenTree))
            {
                CheckClusters(parts.Codes.Reader, entry.Attribute, descriptor.Documents);
            }
        }
        catch (CorruptDataException damage)
        {
            throw parts.Codes!.Damaged(damage);
        }
        finally
        {
            parts.Release();
        }
    }

    private static void CheckClusters(PartReader part, int attribute, int documents)
    {
        var codes = CodesReader.Open(part, attribute) ?? throw new CorruptDataException($"token clusters of attribute {attribute} have no codes beside them");
        var clusters = TokenClustersFormat.Read(part, attribute)!;
        var listed = new BitSet(documents);
        for (int leaf = 0; leaf < clusters.Count; leaf++)
        {
            foreach (int document in clusters.DocumentsOf(leaf))
            {
                listed[document] = true;
            }
        }

        var coded = new BitSet(documents);
        for (int slot = 0; slot < codes.Slots; slot++)
        {
            coded[codes.DocumentOf(slot)] = true;
        }

        if (!listed.Words.SequenceEqual(coded.Words))
        {
            throw new CorruptDataException(
                $"token clusters of attribute {attribute} list {listed.PopCount()} documents, {coded.PopCount()} documents have codes");
        }
    }

    private static void CheckDocuments(CodesReader codes, BitSet expected)
    {
        // Only of attributes the manifest names: a document has as many slots of token vectors as it has vectors.
        var found = new HashSet<int>();
        for (int slot = 0; slot < codes.Slots; slot++)
        {
            if (!found.Add(codes.DocumentOf(slot)))
            {
                throw new CorruptDataException($"document {codes.DocumentOf(slot)} has two slots for attribute {codes.Attribute}");
            }

            if (!expected[codes.DocumentOf(slot)])
            {
                throw new CorruptDataException($"document {codes.DocumentOf(slot)} has codes of attribute {codes.Attribute}, but no vector");
            }
        }

        int vectors = expected.PopCount();
        if (vectors != codes.Slots)
        {
            throw new CorruptDataException($"{codes.Slots} of {vectors} vectors of attribute {codes.Attribute} have codes");
        }
    }
}
