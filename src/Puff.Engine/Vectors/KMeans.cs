using System.Numerics.Tensors;
using Puff.Engine.Numerics;

namespace Puff.Engine.Vectors;

/// <summary>How many rows a cluster should have; more or fewer make <see cref="KMeans"/> move centres.</summary>
internal readonly record struct ClusterSizes(int Least, int Target, int Greatest)
{
    /// <summary>The same for a sample of the rows.</summary>
    public ClusterSizes Scaled(double share) =>
        new((int)(Least * share), Math.Max(1, (int)(Target * share)), Math.Max(2, (int)Math.Ceiling(Greatest * share)));
}

/// <summary>
/// Lloyd's k-means from random rows, with centres moved from clusters that are too small to halves of clusters that are too large; in the end small clusters
/// are dissolved and large ones split. The result depends on the rows and the random numbers alone, not on the number of threads.
/// </summary>
internal sealed unsafe class KMeans : IDisposable
{
    private const int Iterations = 6;
    private const int SettlingIterations = 2;
    private const int RowsPerItem = 2_048;
    private const int DissolveRounds = 3;

    private readonly float* rows;
    private readonly int count;
    private readonly int dimensions;
    private readonly long stride;
    private readonly int threads;
    private readonly int[] clusterOf;
    private FloatBuffer centroids;
    private int[] sizes;

    private KMeans(float* rows, int count, int dimensions, long stride, int centres, int threads)
    {
        this.rows = rows;
        this.count = count;
        this.dimensions = dimensions;
        this.stride = stride;
        this.threads = threads;
        clusterOf = new int[count];
        sizes = new int[centres];
        centroids = new FloatBuffer((long)centres * dimensions);
    }

    /// <summary>Clusters a set of rows.</summary>
    /// <param name="rows">Finite numbers.</param>
    /// <param name="count">At least 1.</param>
    /// <param name="dimensions">How many numbers of each row count.</param>
    /// <param name="stride">From one row to the next.</param>
    /// <param name="centres">Clusters wanted; there may be fewer (too few different rows) or more (large ones split).</param>
    /// <param name="clusters">How many centroids were made.</param>
    /// <returns>The centroids, one after the other.</returns>
    public static FloatBuffer Run(
        float* rows, int count, int dimensions, long stride, int centres, ClusterSizes sizes, ref SplitMix random, int threads, out int clusters)
    {
        using var run = new KMeans(rows, count, dimensions, stride, Math.Clamp(centres, 1, count), threads);
        run.Iterate(sizes, ref random);
        run.Dissolve(sizes.Least);
        run.SplitLarge(sizes, ref random);
        clusters = run.sizes.Length;
        return run.TakeCentroids();
    }

    public void Dispose() => centroids?.Dispose();

    private FloatBuffer TakeCentroids()
    {
        var taken = centroids;
        centroids = null!;
        return taken;
    }

    private void Iterate(ClusterSizes wanted, ref SplitMix random)
    {
        Start(ref random);
        for (int i = 0; i < Iterations; i++)
        {
            bool changed = Assign();
            Average();
            bool moved = i < Iterations - SettlingIterations && Move(wanted, ref random);
            if (!changed && !moved)
            {
                return;
            }
        }

        Assign();
    }

    /// <summary>Different rows, drawn by chance, become the first centroids.</summary>
    private void Start(ref SplitMix random)
    {
        int[] drawn = [.. Enumerable.Range(0, count)];
        for (int j = 0; j < sizes.Length; j++)
        {
            int other = j + random.Next(count - j);
            (drawn[j], drawn[other]) = (drawn[other], drawn[j]);
            Row(drawn[j]).CopyTo(Centroid(j));
        }
    }

    /// <summary>Finds the nearest centroid of each row and counts; false when nothing has changed.</summary>
    private bool Assign()
    {
        using var packed = PackedRows.Pack(centroids.Pointer, sizes.Length, dimensions, dimensions);
        int changed = 0;
        fixed (int* first = clusterOf)
        {
            int* target = first;
            WorkerLoop.Run((count + RowsPerItem - 1) / RowsPerItem, threads, item =>
            {
                int start = item * RowsPerItem;
                int rowCount = Math.Min(RowsPerItem, count - start);
                int* nearest = stackalloc int[RowsPerItem];
                Gemm.Nearest(rows + start * stride, rowCount, stride, packed, nearest, null);
                var found = new ReadOnlySpan<int>(nearest, rowCount);
                var known = new Span<int>(target + start, rowCount);
                if (!found.SequenceEqual(known))
                {
                    found.CopyTo(known);
                    Interlocked.Exchange(ref changed, 1);
                }
            });
        }

        Array.Clear(sizes);
        foreach (int cluster in clusterOf)
        {
            sizes[cluster]++;
        }

        return changed != 0;
    }

    /// <summary>Puts each centroid into the middle of its rows. One of no rows stays.</summary>
    private void Average()
    {
        for (int j = 0; j < sizes.Length; j++)
        {
            if (sizes[j] > 0)
            {
                Centroid(j).Clear();
            }
        }

        for (int i = 0; i < count; i++)
        {
            var centroid = Centroid(clusterOf[i]);
            TensorPrimitives.Add(Row(i), centroid, centroid);
        }

        for (int j = 0; j < sizes.Length; j++)
        {
            if (sizes[j] > 0)
            {
                TensorPrimitives.Multiply(Centroid(j), 1f / sizes[j], Centroid(j));
            }
        }
    }

    /// <summary>Gives the centre of each cluster that is too small to the one that is largest; the next iterations share out its rows.</summary>
    private bool Move(ClusterSizes wanted, ref SplitMix random)
    {
        int[] small = [.. Enumerable.Range(0, sizes.Length).Where(j => sizes[j] == 0 || sizes[j] < wanted.Least).OrderBy(j => sizes[j]).ThenBy(j => j)];
        if (small.Length == 0)
        {
            return false;
        }

        // Of the same cluster, several centres may be drawn: its remaining size shrinks with each.
        var large = new PriorityQueue<(int Cluster, int Parts), (int, int)>();
        for (int j = 0; j < sizes.Length; j++)
        {
            large.Enqueue((j, 1), (-sizes[j], j));
        }

        var members = new ClusterMembers(clusterOf, sizes);
        bool moved = false;
        foreach (int j in small)
        {
            var (cluster, parts) = large.Dequeue();
            bool helps = sizes[j] == 0 ? sizes[cluster] / parts > 1 : sizes[cluster] / parts > wanted.Greatest;
            if (!helps)
            {
                break;
            }

            var rowsOfLarge = members.Of(cluster);
            Row(rowsOfLarge[random.Next(rowsOfLarge.Length)]).CopyTo(Centroid(j));
            large.Enqueue((cluster, parts + 1), (-(sizes[cluster] / (parts + 1)), cluster));
            moved = true;
        }

        return moved;
    }

    /// <summary>Removes small clusters, the smallest first and half of them at a time, since the rows of one may make its neighbour large enough.</summary>
    private void Dissolve(int least)
    {
        for (int round = 0; round < DissolveRounds && sizes.Length > 1; round++)
        {
            int[] small = [.. Enumerable.Range(0, sizes.Length).Where(j => sizes[j] == 0 || sizes[j] < least).OrderBy(j => sizes[j]).ThenBy(j => j)];
            if (small.Length == 0)
            {
                return;
            }

            int removed = Math.Max((small.Length + 1) / 2, small.Count(j => sizes[j] == 0));
            Keep([.. Enumerable.Range(0, sizes.Length).Except(small.Take(Math.Min(removed, sizes.Length - 1)))]);
            Assign();
        }
    }

    private void Keep(int[] kept)
    {
        for (int j = 0; j < kept.Length; j++)
        {
            Centroid(kept[j]).CopyTo(Centroid(j));
        }

        sizes = new int[kept.Length];
    }

    /// <summary>Replaces clusters that are too large by clusters of their rows.</summary>
    private void SplitLarge(ClusterSizes wanted, ref SplitMix random)
    {
        int[] large = [.. Enumerable.Range(0, sizes.Length).Where(j => sizes[j] > wanted.Greatest)];
        if (large.Length == 0 || sizes.Length == 1)
        {
            return;
        }

        var members = new ClusterMembers(clusterOf, sizes);
        var parts = new List<(FloatBuffer Centroids, int Count)>();
        try
        {
            foreach (int j in large)
            {
                parts.Add(SplitOne(members.Of(j), wanted, ref random));
            }

            Replace(large, parts);
        }
        finally
        {
            parts.ForEach(p => p.Centroids.Dispose());
        }
    }

    private (FloatBuffer Centroids, int Count) SplitOne(ReadOnlySpan<int> members, ClusterSizes wanted, ref SplitMix random)
    {
        using var copy = new FloatBuffer((long)members.Length * dimensions);
        for (int i = 0; i < members.Length; i++)
        {
            Row(members[i]).CopyTo(new Span<float>(copy.Pointer + (long)i * dimensions, dimensions));
        }

        int centres = Math.Max(2, (int)Math.Round(members.Length / (double)wanted.Target));
        using var run = new KMeans(copy.Pointer, members.Length, dimensions, dimensions, Math.Min(centres, members.Length), threads);
        run.Iterate(wanted, ref random);
        run.Dissolve(wanted.Least);
        return (run.TakeCentroids(), run.sizes.Length);
    }

    private void Replace(int[] large, List<(FloatBuffer Centroids, int Count)> parts)
    {
        int[] kept = [.. Enumerable.Range(0, sizes.Length).Except(large)];
        int total = kept.Length + parts.Sum(p => p.Count);
        var more = new FloatBuffer((long)total * dimensions);
        float* next = more.Pointer;
        foreach (int j in kept)
        {
            Centroid(j).CopyTo(new Span<float>(next, dimensions));
            next += dimensions;
        }

        foreach (var (part, partCount) in parts)
        {
            long length = (long)partCount * dimensions;
            Buffer.MemoryCopy(part.Pointer, next, length * sizeof(float), length * sizeof(float));
            next += length;
        }

        centroids.Dispose();
        centroids = more;
        sizes = new int[total];
    }

    private ReadOnlySpan<float> Row(int index) => new(rows + index * stride, dimensions);

    private Span<float> Centroid(int index) => new(centroids.Pointer + (long)index * dimensions, dimensions);
}
