using Puff.Engine.Numerics;
using Xunit;

namespace Puff.Engine.Tests.Numerics;

public sealed class SparseDotProductTests
{
    /// <summary>Lengths on both sides of the ratio at which a merge becomes a search.</summary>
    [Theory]
    [InlineData(0, 0)]
    [InlineData(0, 5)]
    [InlineData(1, 1)]
    [InlineData(8, 9)]
    [InlineData(3, 100)]
    [InlineData(200, 2)]
    [InlineData(1_024, 1_024)]
    public void Equals_the_sum_over_a_dictionary(int left, int right)
    {
        var random = new Random(left * 31 + right);
        for (int round = 0; round < 20; round++)
        {
            var (leftKeys, leftWeights) = Vector(random, left);
            var (rightKeys, rightWeights) = Vector(random, right);
            var weights = rightKeys.Zip(rightWeights).ToDictionary(pair => Convert.ToHexString(pair.First), pair => pair.Second);
            double expected = leftKeys.Zip(leftWeights)
                .Sum(pair => weights.TryGetValue(Convert.ToHexString(pair.First), out float other) ? (double)pair.Second * other : 0);
            Assert.Equal(expected, SparseDotProduct.Compute(leftKeys, leftWeights, rightKeys, rightWeights), 1e-9);
        }
    }

    [Fact]
    public void Keys_are_compared_as_unsigned_bytes()
    {
        byte[][] keys = ["a"u8.ToArray(), "ab"u8.ToArray(), "ä"u8.ToArray(), "日"u8.ToArray()];
        Assert.Equal(2 + 6, SparseDotProduct.Compute(keys, [1, 9, 2, 9], [keys[0], keys[2]], [2, 3]));
    }

    private static (byte[][] Keys, float[] Weights) Vector(Random random, int count)
    {
        var keys = new SortedSet<string>(StringComparer.Ordinal);
        while (keys.Count < count)
        {
            keys.Add("k" + random.Next(2 * count + 4));
        }

        return ([.. keys.Select(System.Text.Encoding.UTF8.GetBytes)], [.. keys.Select(_ => (float)(Half)(random.NextDouble() * 4))]);
    }
}
