using Puff.Engine.Vectors;
using Xunit;

namespace Puff.Engine.Tests.Vectors;

public sealed class NearestNodesTests
{
    [Theory]
    [InlineData(1, 100)]
    [InlineData(7, 5)]
    [InlineData(10, 1_000)]
    [InlineData(100, 10_000)]
    public void Keeps_what_sorting_would_keep(int wanted, int offers)
    {
        var nearest = new NearestNodes();
        foreach (int distinct in new[] { 1, 5, 1_000_000 })
        {
            var random = new Random(wanted + offers + distinct);
            var offered = Enumerable.Range(0, offers).Select(i => (Distance: (float)random.Next(distinct), Node: i)).ToArray();
            random.Shuffle(offered);
            nearest.Start(wanted);
            foreach (var (distance, node) in offered)
            {
                nearest.Offer(distance, node);
            }

            var expected = offered.Order().Take(wanted).ToArray();
            Assert.Equal(expected.Select(e => e.Node).Order(), nearest.Nodes().ToArray().Order());
            var nodes = new int[wanted];
            var distances = new float[wanted];
            int found = nearest.Sorted(nodes, distances);
            Assert.Equal(expected.Length, found);
            Assert.Equal(expected.Select(e => e.Node), nodes[..found]);
            Assert.Equal(expected.Select(e => e.Distance), distances[..found]);
        }
    }

    [Fact]
    public void Strange_distances_have_their_place()
    {
        var nearest = new NearestNodes();
        nearest.Start(3);
        float[] distances = [float.NaN, 1, float.PositiveInfinity, float.NegativeInfinity, float.NaN, 2, float.NaN, 3];
        for (int i = 0; i < distances.Length; i++)
        {
            nearest.Offer(distances[i], i);
        }

        Assert.Equal([1, 3, 5], nearest.Nodes().ToArray().Order());
    }
}
