using Puff.Engine.Vectors;
using Xunit;

namespace Puff.Engine.Tests.Vectors;

public sealed class NodeSieveTests
{
    [Theory]
    [InlineData(1f, 1f)]
    [InlineData(1e-20f, 1e-20f)]
    [InlineData(1f, 1e-20f)]
    [InlineData(1f, 1e20f)]
    [InlineData(1f, 0f)]
    [InlineData(1f, float.NaN)]
    public void Keeps_at_least_what_sorting_would_keep(float magnitude, float reference)
    {
        var sieve = new NodeSieve();
        foreach (var (wanted, offers) in new[] { (1, 100), (7, 5), (50, 2_000), (500, 5_000) })
        {
            var random = new Random(wanted);
            var offered = Enumerable.Range(0, offers).Select(i => (Distance: (0.5f + random.NextSingle()) * magnitude, Node: i)).ToArray();
            sieve.Start(wanted, reference);
            foreach (var (distance, node) in offered)
            {
                if (distance <= sieve.Threshold)
                {
                    sieve.Offer(distance, node);
                }
            }

            int[] kept = sieve.Nodes().ToArray();
            Assert.Superset(offered.Order().Take(wanted).Select(o => o.Node).ToHashSet(), kept.ToHashSet());
            Assert.Equal(kept.Length, kept.Distinct().Count());
            if (magnitude == reference)
            {
                Assert.True(kept.Length <= wanted + 2 + offers / 200, $"{kept.Length} of {offers} nodes were kept, {wanted} wanted");
            }
        }
    }

    [Fact]
    public void Strange_distances_have_their_place()
    {
        var sieve = new NodeSieve();
        sieve.Start(3, 1);
        float[] distances = [float.NaN, 1, float.PositiveInfinity, float.NegativeInfinity, -2, 2, float.NaN, 3];
        for (int i = 0; i < distances.Length; i++)
        {
            sieve.Offer(distances[i], i);
        }

        Assert.Equal([1, 3, 4], sieve.Nodes().ToArray());
    }
}
