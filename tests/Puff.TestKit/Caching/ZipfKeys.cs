namespace Puff.TestKit.Caching;

/// <summary>Draws keys 0 … n - 1 in Zipf's distribution: the k-th most frequent with a probability proportional to 1 / k^s. Which key is frequent is random.</summary>
public sealed class ZipfKeys
{
    private readonly double[] cumulated;
    private readonly int[] keys;
    private readonly Random random;

    public ZipfKeys(int count, double exponent, int seed)
    {
        random = new Random(seed);
        keys = Enumerable.Range(0, count).ToArray();
        random.Shuffle(keys);
        cumulated = new double[count];
        double sum = 0;
        for (int i = 0; i < count; i++)
        {
            cumulated[i] = sum += Math.Pow(i + 1, -exponent);
        }
    }

    public int Next()
    {
        int at = Array.BinarySearch(cumulated, random.NextDouble() * cumulated[^1]);
        return keys[Math.Min(at < 0 ? ~at : at, keys.Length - 1)];
    }
}
