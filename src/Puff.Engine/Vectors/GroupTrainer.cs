using System.Numerics.Tensors;
using Puff.Engine.Numerics;

namespace Puff.Engine.Vectors;

/// <summary>
/// Divides a group of vectors into clusters: k-means on a sample, in the first coordinates of rotated space only, then one pass over all vectors that puts each
/// into its cluster and each centroid into the middle of its vectors. The first coordinates of a randomly rotated vector are a random projection of it,
/// which keeps distances well enough to cluster by, at a fraction of the work.
/// </summary>
internal sealed unsafe class GroupTrainer(IVectorSource source, RandomRotation rotation, int threads, long bufferBytes)
{
    private const int SamplesPerCentre = 256;
    private const int TrainingDimensions = 256;
    private const int RowsPerItem = 512;

    private readonly int padded = rotation.PaddedDimensions;
    private readonly int trained = Math.Min(rotation.PaddedDimensions, TrainingDimensions);

    /// <summary>Clusters vectors.</summary>
    /// <param name="members">Numbers of the vectors, at least one.</param>
    /// <param name="centres">Clusters wanted.</param>
    /// <param name="wanted">How large they should be.</param>
    public TrainedGroup Train(ReadOnlyMemory<int> members, int centres, ClusterSizes wanted, ref SplitMix random)
    {
        using var shortCentroids = Cluster(members.Span, centres, wanted, ref random, out int count);
        var group = new TrainedGroup(count, padded, members.Length);
        try
        {
            if (count > 0)
            {
                Refine(members, shortCentroids, group);
            }

            return group;
        }
        catch
        {
            group.Dispose();
            throw;
        }
    }

    private FloatBuffer Cluster(ReadOnlySpan<int> members, int centres, ClusterSizes wanted, ref SplitMix random, out int clusters)
    {
        int[] sample = Sample(members, (int)Math.Min(members.Length, (long)centres * SamplesPerCentre), ref random);
        using var rows = new FloatBuffer((long)sample.Length * trained);
        int[] usable = new int[sample.Length];
        WorkerLoop.Run(
            (sample.Length + RowsPerItem - 1) / RowsPerItem,
            threads,
            () => new Worker(source, rotation, 1),
            (item, worker) =>
            {
                for (int i = item * RowsPerItem; i < Math.Min(sample.Length, (item + 1) * RowsPerItem); i++)
                {
                    usable[i] = worker.Reader.Read(sample[i], worker.Rows.Pointer) ? 1 : 0;
                    Copy(worker.Rows.Pointer, rows.Pointer + (long)i * trained, trained);
                }
            });
        int kept = 0;
        for (int i = 0; i < sample.Length; i++)
        {
            if (usable[i] != 0)
            {
                Copy(rows.Pointer + (long)i * trained, rows.Pointer + (long)kept++ * trained, trained);
            }
        }

        clusters = 0;
        return kept == 0
            ? new FloatBuffer(0)
            : KMeans.Run(rows.Pointer, kept, trained, trained, centres, wanted.Scaled(kept / (double)members.Length), ref random, threads, out clusters);
    }

    /// <summary>Evenly spread over the members, each place moved by chance: in order, so that reading them goes forward.</summary>
    private static int[] Sample(ReadOnlySpan<int> members, int count, ref SplitMix random)
    {
        var sample = new int[count];
        for (int i = 0; i < count; i++)
        {
            int from = (int)((long)i * members.Length / count);
            int to = (int)((i + 1L) * members.Length / count);
            sample[i] = members[from + random.Next(to - from)];
        }

        return sample;
    }

    /// <summary>Reads vectors in batches on all threads, finds their clusters, and adds them up: in order, whatever the number of threads.</summary>
    private void Refine(ReadOnlyMemory<int> members, FloatBuffer shortCentroids, TrainedGroup group)
    {
        int batch = (int)Math.Clamp(bufferBytes / (padded * sizeof(float)), RowsPerItem, Math.Max(RowsPerItem, members.Length));
        using var rows = new FloatBuffer((long)Math.Min(batch, members.Length) * padded);
        using var packed = PackedRows.Pack(shortCentroids.Pointer, group.Count, trained, trained);
        group.Centroids.Clear();
        for (int start = 0; start < members.Length; start += batch)
        {
            int first = start;
            int count = Math.Min(batch, members.Length - start);
            WorkerLoop.Run(
                (count + RowsPerItem - 1) / RowsPerItem,
                threads,
                () => new RotatedReader(source, rotation),
                (item, reader) => Place(reader, members.Span.Slice(first, count), item * RowsPerItem, rows, packed, group.ClusterOf.AsSpan(first, count)));
            group.Add(rows, first, count, threads);
        }

        group.Average();
    }

    private void Place(RotatedReader reader, ReadOnlySpan<int> members, int start, FloatBuffer rows, PackedRows packed, Span<int> clusterOf)
    {
        int count = Math.Min(RowsPerItem, members.Length - start);
        float* first = rows.Pointer + (long)start * padded;
        var usable = stackalloc bool[RowsPerItem];
        for (int i = 0; i < count; i++)
        {
            usable[i] = reader.Read(members[start + i], first + (long)i * padded);
        }

        fixed (int* nearest = clusterOf[start..])
        {
            Gemm.Nearest(first, count, padded, packed, nearest, null);
            for (int i = 0; i < count; i++)
            {
                nearest[i] = usable[i] ? nearest[i] : TrainedGroup.Unusable;
            }
        }
    }

    private static void Copy(float* from, float* to, int count) => new ReadOnlySpan<float>(from, count).CopyTo(new Span<float>(to, count));

    private sealed class Worker(IVectorSource source, RandomRotation rotation, int rows) : IDisposable
    {
        public RotatedReader Reader { get; } = new(source, rotation);

        public FloatBuffer Rows { get; } = new((long)rows * rotation.PaddedDimensions);

        public void Dispose()
        {
            Reader.Dispose();
            Rows.Dispose();
        }
    }
}

/// <summary>What <see cref="GroupTrainer"/> made of a group.</summary>
internal sealed unsafe class TrainedGroup(int count, int padded, int members) : IDisposable
{
    /// <summary>The cluster of a vector whose norm tells nothing (see <see cref="RotatedReader"/>).</summary>
    public const int Unusable = -1;

    private const int CoordinatesPerItem = 64;

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

    public void Dispose() => Centroids.Dispose();

    /// <summary>Adds rows to the sums of their clusters. Each thread has coordinates of its own, so that every sum is made in the same order.</summary>
    internal void Add(FloatBuffer rows, int first, int rowCount, int threads)
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
                    TensorPrimitives.Add(new ReadOnlySpan<float>(rows.Pointer + (long)i * padded + item * stripe, stripe), sum, sum);
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

    internal void Average()
    {
        for (int cluster = 0; cluster < Count; cluster++)
        {
            var centroid = new Span<float>(Centroids.Pointer + (long)cluster * padded, padded);
            TensorPrimitives.Multiply(centroid, 1f / Math.Max(1, Sizes[cluster]), centroid);
        }
    }
}
