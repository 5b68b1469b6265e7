using Puff.Engine.Formats;
using Puff.Engine.Schema;
using Puff.Engine.Vectors;

namespace Puff.Engine.Segments;

/// <summary>Clusters the token vectors of a late-interaction attribute, and writes which documents have vectors in which cluster.</summary>
internal static class TokenClustersWriter
{
    /// <summary>The tree serves one segment and is stored with it: its name and the seed of its training need not be unique.</summary>
    private const ulong TreeId = 1;

    /// <param name="part">The part `codes`, between sections.</param>
    /// <param name="vectors">What to cluster.</param>
    /// <param name="source">The documents in their final order.</param>
    /// <param name="settings">The shape of the tree.</param>
    public static void Write(PartEncoder part, LateInteractionVectors vectors, ISegmentSource source, VectorIndexSettings settings)
    {
        var tokens = new TokenSource(vectors, source);
        var trained = TreeTrainer.Train(tokens, vectors.Attribute.Type.Dimensions, TreeId, VectorGrouping.RotationSeed, settings, TreeId);
        var metric = vectors.IsUnit ? DistanceMetric.CosineDistance : DistanceMetric.EuclideanSquared;
        var header = new TreeHeader(TreeId, trained.Shape.RotationSeed, metric, trained.Shape.Dimensions, trained.Shape.CentroidScale);
        TokenClustersFormat.Write(part, vectors.Attribute.Id, header, trained.Nodes.Parents, trained.Nodes.Centroids, ListsOf(trained, tokens));
    }

    private static List<int[]> ListsOf(TrainedTree trained, TokenSource tokens)
    {
        var isInner = new bool[trained.Nodes.Count];
        foreach (int parent in trained.Nodes.Parents.AsSpan(1))
        {
            isInner[parent] = true;
        }

        int anyLeaf = Array.IndexOf(isInner, false);
        var lists = new List<int>?[isInner.Length];
        for (int token = 0; token < tokens.Count; token++)
        {
            // Vectors too large to be rotated belong to no leaf. Documents come in their order: one with several vectors in the leaf is its last already.
            int node = trained.LeafOf[token];
            var list = lists[isInner[node] ? anyLeaf : node] ??= [];
            int document = tokens.DocumentOf(token);
            if (list.Count == 0 || list[^1] != document)
            {
                list.Add(document);
            }
        }

        return [.. Enumerable.Range(0, isInner.Length).Where(node => !isInner[node]).Select(node => lists[node]?.ToArray() ?? [])];
    }
}
