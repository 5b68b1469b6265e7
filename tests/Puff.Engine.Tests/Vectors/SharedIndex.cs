using Puff.Engine.Numerics;
using Puff.Engine.Vectors;
using Xunit;

namespace Puff.Engine.Tests.Vectors;

/// <summary>
/// A large index that several tests search, with all documents in the order of their distance to each query: made once, because making and sorting is what
/// takes time.
/// </summary>
public sealed class SharedIndex : IDisposable
{
    private const int Dimensions = 96;
    private const int Vectors = 20_000;
    private const int QueryCount = 40;

    private readonly OwnedTree tree;

    public SharedIndex()
    {
        float[][] vectors = TopicVectors.Create(7, Vectors + QueryCount, Dimensions);
        Queries = vectors[Vectors..];
        tree = new OwnedTree(PlantedTree.Create(Space, vectors[..Vectors], 80));
        Indexed = new IndexedVectors(Space, vectors[..Vectors], tree.Tree);
        Probes = Indexed.Calibrate(tree.Tree);
        Orders = new int[QueryCount][];
        Parallel.For(0, QueryCount, i => Orders[i] = [.. TestSearch.Exact(Space, Queries[i], Vectors, [Indexed.All()]).Select(h => h.Document)]);
    }

    internal VectorSpace Space { get; } = new(ElementType.F32, cosine: true, Dimensions);

    internal ClusterTree Tree => tree.Tree;

    internal IndexedVectors Indexed { get; }

    internal ProbeTable Probes { get; }

    internal float[][] Queries { get; }

    /// <summary>Of each query all documents, the nearest first.</summary>
    internal int[][] Orders { get; }

    /// <summary>Searches among some documents; the share of the nearest that is found, averaged over the queries.</summary>
    /// <param name="count">Wanted.</param>
    /// <param name="matches">Of a query (by number) and one of its documents (by place in its order).</param>
    /// <param name="probes">Null: not calibrated.</param>
    internal double Recall(int count, Func<int, int, bool> matches, ProbeTable? probes) => Enumerable.Range(0, QueryCount).Average(query =>
    {
        int[] kept = [.. Orders[query].Where((_, place) => matches(query, place))];
        var set = Indexed.Only(kept);
        var found = TestSearch.Run(Space, Queries[query], count, [set], SearchStrategy.Probe, Tree, out _, probes).Select(h => h.Document).ToHashSet();
        Assert.Equal(Math.Min(count, kept.Length), found.Count);
        Assert.All(found, document => Assert.True(set.Matches[document]));
        return kept.Take(count).Count(found.Contains) / (double)Math.Min(count, kept.Length);
    });

    public void Dispose()
    {
        Indexed.Dispose();
        tree.Dispose();
    }
}
