using System.Diagnostics;
using Puff.Engine.Numerics;
using Puff.Engine.Vectors;

namespace Puff.Benchmarks;

/// <summary>
/// How long it takes to train a cluster tree and to assign vectors to it, how even the leaves are, and how many leaves a query has to look at: the share
/// of the true ten nearest that lie in the nearest leaves. Arguments: count, dimensions, exponent, width (see <see cref="TopicVectors"/>).
/// </summary>
internal static unsafe class TreeReport
{
    private const int Queries = 200;
    private const int Neighbours = 10;

    public static void Run(ReadOnlySpan<string> arguments)
    {
        int count = arguments.Length > 0 ? int.Parse(arguments[0]) : 1_000_000;
        int dimensions = arguments.Length > 1 ? int.Parse(arguments[1]) : 768;
        double exponent = arguments.Length > 2 ? double.Parse(arguments[2]) : 0.6;
        double width = arguments.Length > 3 ? double.Parse(arguments[3]) : 0.7;
        var settings = new VectorIndexSettings();
        using var all = new TopicVectors(count + Queries, dimensions, exponent, width);
        var stored = new FirstVectors(all, count);
        Console.WriteLine($"{count} x {dimensions}, exponent {exponent}, width {width}, {settings.Threads} threads");

        long start = Stopwatch.GetTimestamp();
        var trained = TreeTrainer.Train(stored, dimensions, 1, 2, settings, 3);
        Console.WriteLine($"train   {Stopwatch.GetElapsedTime(start).TotalSeconds,8:F2} s");
        var tree = trained.Open();
        var nodeOf = new int[count];
        start = Stopwatch.GetTimestamp();
        NodeAssigner.Assign(tree, stored, TreeGroups.AllLevels, nodeOf, settings.Threads);
        Console.WriteLine($"assign  {Stopwatch.GetElapsedTime(start).TotalSeconds,8:F2} s");
        PrintLeaves(tree, nodeOf);
        start = Stopwatch.GetTimestamp();
        tree.WalkRank(0);
        Console.WriteLine($"walk    {Stopwatch.GetElapsedTime(start).TotalSeconds,8:F2} s");
        start = Stopwatch.GetTimestamp();
        NodeReassigner.Reassign(tree, stored, nodeOf, settings.Threads);
        Console.WriteLine($"reassign{Stopwatch.GetElapsedTime(start).TotalSeconds,8:F2} s");
        start = Stopwatch.GetTimestamp();
        tree.PrepareRouting();
        Console.WriteLine($"routing {Stopwatch.GetElapsedTime(start).TotalSeconds,8:F2} s to make its codes");
        PrintRouting(all, stored.Count, tree);
        tree = Split(tree, stored, nodeOf, settings);
        PrintRecall(all, stored, tree, nodeOf);
        Console.WriteLine($"peak memory {Process.GetCurrentProcess().PeakWorkingSet64 >> 20} MiB, of which vectors {(long)count * dimensions * 4 >> 20} MiB");
        tree.Release();
    }

    private static ClusterTree Split(ClusterTree tree, IVectorSource stored, int[] nodeOf, VectorIndexSettings settings)
    {
        long start = Stopwatch.GetTimestamp();
        if (LeafSplitter.Split(tree, stored, nodeOf, settings, 4) is { } split)
        {
            tree.Release();
            tree = split.Tree;
        }

        Console.WriteLine($"split   {Stopwatch.GetElapsedTime(start).TotalSeconds,8:F2} s");
        PrintLeaves(tree, nodeOf);
        return tree;
    }

    private static void PrintRouting(TopicVectors all, int stored, ClusterTree tree)
    {
        var scratch = new RouteScratch();
        var queries = new CodeQuery[Queries];
        float* rotated = stackalloc float[tree.PaddedDimensions];
        for (int q = 0; q < Queries; q++)
        {
            tree.Rotation.Apply(all.Row(stored + q), rotated);
            queries[q] = new CodeQuery(tree.PaddedDimensions);
            queries[q].Prepare(rotated);
        }

        foreach (int count in new[] { 16, 64, 128, 512 }.Where(c => c < tree.Leaves.Length))
        {
            var leaves = new int[count];
            var distances = new float[count];
            double seconds = Measure.Seconds(() => Array.ForEach(queries, q => tree.Route(q, scratch, count, leaves, distances))) / Queries;
            double found = queries.Average(q =>
            {
                tree.Route(q, scratch, count, leaves, distances);
                float farthest = tree.Leaves.ToArray().Select(leaf => tree.SquaredDistance(q.Rotated, leaf)).Order().ElementAt(count - 1);
                return distances.Count(d => d <= farthest) / (double)count;
            });
            Console.WriteLine($"route to {count,4} leaves: {seconds * 1e6:F0} us, {found:P2} of the nearest");
        }

        Array.ForEach(queries, q => q.Dispose());
    }

    private static void PrintLeaves(ClusterTree tree, int[] nodeOf)
    {
        var sizes = new int[tree.NodeCount];
        foreach (int node in nodeOf)
        {
            sizes[node]++;
        }

        int[] leaves = [.. tree.Leaves.ToArray().Select(leaf => sizes[leaf]).Order()];
        int good = leaves.Count(s => s is >= 48 and <= 256);
        Console.WriteLine(
            $"leaves  {leaves.Length}, nodes {tree.NodeCount}, vectors in a leaf: p1 {leaves[leaves.Length / 100]}, p50 {leaves[leaves.Length / 2]}, " +
            $"p99 {leaves[leaves.Length * 99 / 100]}, most {leaves[^1]}; within 48..256: {good / (double)leaves.Length:P1}");
    }

    private static void PrintRecall(TopicVectors all, IVectorSource stored, ClusterTree tree, int[] nodeOf)
    {
        var ranks = new List<int>();
        int padded = tree.PaddedDimensions;
        var distances = new float[tree.Leaves.Length];
        var position = new int[tree.NodeCount];
        float* rotated = stackalloc float[padded];
        foreach (var (query, nearest) in TrueNeighbours(all, stored.Count))
        {
            tree.Rotation.Apply(all.Row(query), rotated);
            int[] leaves = tree.Leaves.ToArray();
            for (int i = 0; i < leaves.Length; i++)
            {
                distances[i] = tree.SquaredDistance(rotated, leaves[i]);
            }

            Array.Sort(distances, leaves);
            for (int i = 0; i < leaves.Length; i++)
            {
                position[leaves[i]] = i;
            }

            ranks.AddRange(nearest.Select(n => position[nodeOf[n]]));
        }

        ranks.Sort();
        int leafCount = tree.Leaves.Length;
        foreach (double recall in new[] { 0.9, 0.95, 0.97, 0.99 })
        {
            int probes = ranks[(int)(ranks.Count * recall)] + 1;
            Console.WriteLine($"recall {recall}: {probes} leaves, {probes / (double)leafCount:P2}");
        }
    }

    private static IEnumerable<(int Query, int[] Nearest)> TrueNeighbours(TopicVectors all, int stored)
    {
        var results = new (int, int[])[Queries];
        Parallel.For(0, Queries, q =>
        {
            var top = new TopK<int>(Neighbours, Comparer<int>.Default);
            float* query = all.Row(stored + q);
            for (int i = 0; i < stored; i++)
            {
                top.Offer(-DotProduct.Compute<F32Element>((byte*)all.Row(i), query, all.Dimensions), i);
            }

            results[q] = (stored + q, [.. top.Drain().Select(r => r.Item)]);
        });
        return results;
    }

    private sealed class FirstVectors(TopicVectors all, int count) : IVectorSource
    {
        public int Count => count;

        public void Read(int index, float* destination) => all.Read(index, destination);
    }
}
