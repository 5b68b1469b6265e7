using Puff.Engine.Vectors;

namespace Puff.TestKit.Vectors;

/// <summary>
/// Vectors as embeddings are distributed: topics and subtopics of different sizes, a few strong directions and many weak ones, unit length. The same arguments
/// give the same vectors.
/// </summary>
internal sealed unsafe class ClusteredVectors : IVectorSource
{
    private readonly float[] values;
    private readonly int distinct;

    public ClusteredVectors(int count, int dimensions, int seed, int topics = 20, int subtopics = 10, float magnitude = 1, int salt = 0, bool isOne = false)
    {
        Count = count;
        distinct = isOne ? 1 : count;
        Dimensions = dimensions;
        values = new float[distinct * dimensions];
        var shape = new Random(seed);
        var spread = Enumerable.Range(0, dimensions).Select(d => MathF.Pow(d + 5, -0.5f)).ToArray();
        var means = Means(shape, spread, topics, subtopics);
        var random = new Random(seed + 1 + salt);
        for (int i = 0; i < distinct; i++)
        {
            // The square makes some topics rare.
            double u = random.NextDouble();
            var mean = means[(int)(u * u * means.Length)];
            float scale = 0.7f * (0.7f + 0.6f * random.NextSingle());
            var vector = values.AsSpan(i * dimensions, dimensions);
            double norm = 0;
            for (int d = 0; d < dimensions; d++)
            {
                vector[d] = mean[d] + scale * Gauss(random) * spread[d];
                norm += vector[d] * (double)vector[d];
            }

            for (int d = 0; d < dimensions; d++)
            {
                vector[d] *= (float)(magnitude / Math.Sqrt(norm));
            }
        }
    }

    public int Count { get; }

    public int Dimensions { get; }

    public ReadOnlySpan<float> this[int index] => values.AsSpan(index % distinct * Dimensions, Dimensions);

    public void Read(int index, float* destination) => this[index].CopyTo(new Span<float>(destination, Dimensions));

    private static float[][] Means(Random random, float[] spread, int topics, int subtopics)
    {
        var means = new float[topics * subtopics][];
        for (int topic = 0; topic < topics; topic++)
        {
            float[] middle = [.. spread.Select(s => 0.6f * Gauss(random) * s)];
            for (int sub = 0; sub < subtopics; sub++)
            {
                means[topic * subtopics + sub] = [.. spread.Select((s, d) => middle[d] + 0.5f * Gauss(random) * s)];
            }
        }

        random.Shuffle(means);
        return means;
    }

    private static float Gauss(Random random) =>
        (float)(Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble()));
}
