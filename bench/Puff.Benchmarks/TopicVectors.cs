using System.Runtime.InteropServices;
using Puff.Engine.Vectors;

namespace Puff.Benchmarks;

/// <summary>
/// Vectors distributed as embeddings are: a power-law spectrum (standard deviation of coordinate i falls as (i + 5)^-exponent), 200 topics of 20 subtopics
/// each, sizes as of Zipf's law, each vector at its own distance from its subtopic, scaled to unit length. The same arguments give the same vectors.
/// </summary>
internal sealed unsafe class TopicVectors : IVectorSource, IDisposable
{
    private const int Topics = 200;
    private const int Subtopics = 20;
    private const int RowsPerItem = 1_000;

    private readonly float* rows;
    private readonly float[] gauss = new float[1 << 16];

    /// <param name="count">Vectors.</param>
    /// <param name="dimensions">Of each.</param>
    /// <param name="exponent">0.6 is easy; a smaller one spreads the variance over more directions.</param>
    /// <param name="width">How far vectors lie from their subtopic; 0.7 is easy, more makes the clusters melt into one another.</param>
    public TopicVectors(int count, int dimensions, double exponent, double width)
    {
        Count = count;
        Dimensions = dimensions;
        rows = (float*)NativeMemory.AlignedAlloc((nuint)((long)count * dimensions * sizeof(float)), 2 << 20);
        var random = new Random(42);
        for (int i = 0; i < gauss.Length; i++)
        {
            gauss[i] = (float)(Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble()));
        }

        float[] spread = Spread(exponent);
        float[] means = Means(spread, random);
        double[] sizes = Sizes();
        Parallel.For(0, (count + RowsPerItem - 1) / RowsPerItem, item =>
        {
            var own = new Random(item + 1);
            for (int i = item * RowsPerItem; i < Math.Min(count, (item + 1) * RowsPerItem); i++)
            {
                int topic = Array.BinarySearch(sizes, own.NextDouble() * sizes[^1]);
                topic = Math.Min(topic < 0 ? ~topic : topic, sizes.Length - 1);
                Fill(i, means.AsSpan(topic * dimensions, dimensions), spread, (float)width * (0.7f + 0.6f * own.NextSingle()), own);
            }
        });
    }

    public int Count { get; }

    public int Dimensions { get; }

    public float* Row(int index) => rows + (long)index * Dimensions;

    public void Read(int index, float* destination) => new ReadOnlySpan<float>(Row(index), Dimensions).CopyTo(new Span<float>(destination, Dimensions));

    public void Dispose() => NativeMemory.AlignedFree(rows);

    private static double[] Sizes()
    {
        var sums = new double[Topics * Subtopics];
        double sum = 0;
        for (int i = 0; i < sums.Length; i++)
        {
            sum += 1 / Math.Sqrt(1 + (i * 7_919L % sums.Length));
            sums[i] = sum;
        }

        return sums;
    }

    private float[] Spread(double exponent)
    {
        var spread = new float[Dimensions];
        double sum = 0;
        for (int d = 0; d < Dimensions; d++)
        {
            spread[d] = (float)Math.Pow(d + 5, -exponent);
            sum += spread[d] * (double)spread[d];
        }

        return [.. spread.Select(s => s / (float)Math.Sqrt(sum))];
    }

    private float[] Means(float[] spread, Random random)
    {
        var means = new float[Topics * Subtopics * Dimensions];
        var topic = new float[Dimensions];
        for (int i = 0; i < Topics * Subtopics; i++)
        {
            for (int d = 0; d < Dimensions; d++)
            {
                topic[d] = i % Subtopics == 0 ? 0.6f * Gauss(random) * spread[d] : topic[d];
                means[i * Dimensions + d] = topic[d] + 0.5f * Gauss(random) * spread[d];
            }
        }

        return means;
    }

    private void Fill(int index, ReadOnlySpan<float> mean, float[] spread, float width, Random random)
    {
        float* row = Row(index);
        float sum = 0;
        for (int d = 0; d < Dimensions; d++)
        {
            row[d] = mean[d] + width * Gauss(random) * spread[d];
            sum += row[d] * row[d];
        }

        float scale = 1 / MathF.Sqrt(sum);
        for (int d = 0; d < Dimensions; d++)
        {
            row[d] *= scale;
        }
    }

    private float Gauss(Random random) => gauss[random.Next(gauss.Length)];
}
