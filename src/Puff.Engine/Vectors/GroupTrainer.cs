using System.Numerics.Tensors;
using Puff.Engine.Numerics;

namespace Puff.Engine.Vectors;

/// <summary>
/// Divides a group of vectors into clusters: k-means on a sample, and then passes over all vectors that put each into its cluster and each centroid into the
/// middle of its vectors. K-means may look at the first coordinates of rotated space only: these are a random projection, which keeps distances well enough to
/// begin with, at a fraction of the work; the passes then go on with all coordinates.
/// </summary>
internal sealed unsafe class GroupTrainer(IVectorSource source, RandomRotation rotation, int trainingDimensions, int threads, long bufferBytes)
{
    /// <summary>For training with all coordinates.</summary>
    public const int AllDimensions = int.MaxValue;

    private const int SamplesPerCentre = 256;
    private const int SamplesPerProjectedCentre = 64;
    private const int RowsPerItem = 512;

    /// <summary>Passes with all coordinates that leave centroids of leaves where they belong.</summary>
    public const int PassesOfLeaves = 1;

    private readonly int padded = rotation.PaddedDimensions;
    private readonly int trained = Math.Min(rotation.PaddedDimensions, trainingDimensions);

    /// <summary>Passes with all coordinates that follow k-means with fewer.</summary>
    public int FullPasses { get; init; } = PassesOfLeaves;

    /// <summary>Clusters vectors.</summary>
    /// <param name="members">Numbers of the vectors, at least one.</param>
    /// <param name="centres">Clusters wanted.</param>
    /// <param name="wanted">How large they should be.</param>
    public TrainedGroup Train(int[] members, int centres, ClusterSizes wanted, ref SplitMix random)
    {
        using var batch = new MemberBatch(source, rotation, members, bufferBytes, threads);
        using var shortCentroids = Cluster(batch, centres, wanted, ref random, out int count);
        var group = new TrainedGroup(count, padded, members.Length);
        try
        {
            group.Centroids.Clear();
            if (count > 0)
            {
                Refine(batch, shortCentroids, group);
            }

            return group;
        }
        catch
        {
            group.Dispose();
            throw;
        }
    }

    private FloatBuffer Cluster(MemberBatch batch, int centres, ClusterSizes wanted, ref SplitMix random, out int clusters)
    {
        int samplesPerCentre = trained < padded ? SamplesPerProjectedCentre : SamplesPerCentre;
        int[] sample = Sample(batch.Count, (int)Math.Min(batch.Count, (long)centres * samplesPerCentre), ref random);
        using var rows = new FloatBuffer((long)sample.Length * trained);
        var usable = new bool[sample.Length];
        batch.ReadSome(sample, trained, rows.Pointer, usable);
        int kept = 0;
        for (int i = 0; i < sample.Length; i++)
        {
            if (usable[i])
            {
                var row = new ReadOnlySpan<float>(rows.Pointer + (long)i * trained, trained);
                row.CopyTo(new Span<float>(rows.Pointer + (long)kept++ * trained, trained));
            }
        }

        clusters = 0;
        return kept == 0
            ? new FloatBuffer(0)
            : KMeans.Run(rows.Pointer, kept, trained, trained, centres, wanted.Scaled(kept / (double)batch.Count), ref random, threads, out clusters);
    }

    /// <summary>Positions evenly spread, each moved a little by chance: ascending, so that reading goes forward.</summary>
    private static int[] Sample(int total, int count, ref SplitMix random)
    {
        var sample = new int[count];
        for (int i = 0; i < count; i++)
        {
            int from = (int)((long)i * total / count);
            int to = (int)((i + 1L) * total / count);
            sample[i] = from + random.Next(to - from);
        }

        return sample;
    }

    /// <summary>
    /// Puts all vectors into clusters and centroids into the middle of them: by the first coordinates, and then, if these are not all, by all of them.
    /// </summary>
    private void Refine(MemberBatch batch, FloatBuffer shortCentroids, TrainedGroup group)
    {
        using (var packed = PackedRows.Pack(shortCentroids.Pointer, group.Count, trained, trained))
        {
            Pass(batch, packed, group);
        }

        for (int pass = 0; pass < FullPasses && trained < padded; pass++)
        {
            using var packed = PackedRows.Pack(group.Centroids.Pointer, group.Count, padded, padded);
            Pass(batch, packed, group);
        }
    }

    /// <summary>Finds the clusters of all vectors on all threads, and adds vectors up in order, whatever the number of threads.</summary>
    private void Pass(MemberBatch batch, PackedRows packed, TrainedGroup group)
    {
        group.StartSums();
        for (int start = 0; start < batch.Count; start += batch.Capacity)
        {
            batch.MoveTo(start);
            int first = start;
            WorkerLoop.Run((batch.Length + RowsPerItem - 1) / RowsPerItem, threads, item =>
            {
                int from = item * RowsPerItem;
                int count = Math.Min(RowsPerItem, batch.Length - from);
                fixed (int* nearest = group.ClusterOf.AsSpan(first + from, count))
                {
                    Gemm.Nearest(batch.Row(from), count, padded, packed, nearest, null);
                    for (int i = 0; i < count; i++)
                    {
                        nearest[i] = batch.IsUsable(from + i) ? nearest[i] : TrainedGroup.Unusable;
                    }
                }
            });
            group.Add(batch.Row(0), first, batch.Length, threads);
        }

        group.Average();
    }
}

/// <summary>What <see cref="GroupTrainer"/> made of a group.</summary>
internal sealed unsafe class TrainedGroup(int count, int padded, int members) : IDisposable
{
    /// <summary>The cluster of a vector whose norm tells nothing (see <see cref="RotatedReader"/>).</summary>
    public const int Unusable = -1;

    private const int CoordinatesPerItem = 64;

    private readonly FloatBuffer before = new((long)count * padded);

    /// <summary>Clusters; 0 if no vector was of use.</summary>
    public int Count { get; } = count;

    /// <summary>One after the other, in rotated space.</summary>
    public FloatBuffer Centroids { get; } = new((long)count * padded);

    /// <summary>Vectors of each cluster.</summary>
    public int[] Sizes { get; } = new int[count];

    /// <summary>The cluster of each member, or <see cref="Unusable"/>.</summary>
    public int[] ClusterOf { get; } = Enumerable.Repeat(Unusable, members).ToArray();

    public ReadOnlySpan<float> Centroid(int cluster) => new(Centroids.Pointer + (long)cluster * padded, padded);

    /// <summary>The middle of all members.</summary>
    public float[] Mean()
    {
        var mean = new float[padded];
        double total = Math.Max(1, Sizes.Sum(size => (double)size));
        for (int cluster = 0; cluster < Count; cluster++)
        {
            TensorPrimitives.MultiplyAdd(Centroid(cluster), (float)(Sizes[cluster] / total), mean, mean);
        }

        return mean;
    }

    public void Dispose()
    {
        Centroids.Dispose();
        before.Dispose();
    }

    /// <summary>Adds rows to the sums of their clusters. Each thread has coordinates of its own, so that every sum is made in the same order.</summary>
    internal void Add(float* rows, int first, int rowCount, int threads)
    {
        int stripe = threads == 1 ? padded : CoordinatesPerItem;
        WorkerLoop.Run(padded / stripe, threads, item =>
        {
            for (int i = 0; i < rowCount; i++)
            {
                int cluster = ClusterOf[first + i];
                if (cluster >= 0)
                {
                    var sum = new Span<float>(Centroids.Pointer + (long)cluster * padded + item * stripe, stripe);
                    TensorPrimitives.Add(new ReadOnlySpan<float>(rows + (long)i * padded + item * stripe, stripe), sum, sum);
                }
            }
        });
        for (int i = 0; i < rowCount; i++)
        {
            if (ClusterOf[first + i] >= 0)
            {
                Sizes[ClusterOf[first + i]]++;
            }
        }
    }

    /// <summary>Begins a pass: centroids are set aside, to become sums.</summary>
    internal void StartSums()
    {
        Buffer.MemoryCopy(Centroids.Pointer, before.Pointer, Centroids.Count * sizeof(float), Centroids.Count * sizeof(float));
        Centroids.Clear();
        Array.Clear(Sizes);
    }

    /// <summary>Ends a pass: sums become centroids again. A cluster without vectors keeps its own.</summary>
    internal void Average()
    {
        for (int cluster = 0; cluster < Count; cluster++)
        {
            var centroid = new Span<float>(Centroids.Pointer + (long)cluster * padded, padded);
            if (Sizes[cluster] > 0)
            {
                TensorPrimitives.Multiply(centroid, 1f / Sizes[cluster], centroid);
            }
            else
            {
                new ReadOnlySpan<float>(before.Pointer + (long)cluster * padded, padded).CopyTo(centroid);
            }
        }
    }
}
