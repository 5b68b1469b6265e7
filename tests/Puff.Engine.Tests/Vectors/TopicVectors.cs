using System.Numerics.Tensors;

namespace Puff.Engine.Tests.Vectors;

/// <summary>Vectors around topics around themes, with coordinates of falling variance, as embeddings have them; the same for the same seed.</summary>
internal static class TopicVectors
{
    /// <param name="seed">Also of the topics: other vectors of the same topics come from the same call.</param>
    /// <param name="count">Vectors.</param>
    /// <param name="dimensions">Numbers each.</param>
    /// <param name="scale">Standard deviation of all coordinates together.</param>
    public static float[][] Create(int seed, int count, int dimensions, float scale = 1)
    {
        var random = new Random(seed);
        float[] sigma = [.. Enumerable.Range(0, dimensions).Select(i => MathF.Pow(i + 5, -0.5f))];
        float norm = TensorPrimitives.Norm<float>(sigma);
        TensorPrimitives.Multiply(sigma, scale / norm, sigma);
        float[][] themes = [.. Enumerable.Range(0, 40).Select(_ => Gaussian(random, new float[dimensions], sigma, 0.6f))];
        float[][] topics = [.. Enumerable.Range(0, 800).Select(i => Gaussian(random, themes[i % themes.Length], sigma, 0.5f))];
        return [.. Enumerable.Range(0, count).Select(_ => Gaussian(random, topics[Skewed(random, topics.Length)], sigma, 0.5f + 0.4f * random.NextSingle()))];
    }

    /// <summary>Few large topics, many small ones.</summary>
    private static int Skewed(Random random, int count) => (int)(count * Math.Pow(random.NextDouble(), 1.6));

    private static float[] Gaussian(Random random, float[] center, float[] sigma, float spread)
    {
        var vector = new float[sigma.Length];
        for (int i = 0; i < vector.Length; i++)
        {
            double radius = Math.Sqrt(-2 * Math.Log(1 - random.NextDouble()));
            vector[i] = center[i] + spread * sigma[i] * (float)(radius * Math.Cos(2 * Math.PI * random.NextDouble()));
        }

        return vector;
    }
}
