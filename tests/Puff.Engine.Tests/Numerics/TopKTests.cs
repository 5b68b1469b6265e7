using Puff.Engine.Numerics;
using Xunit;

namespace Puff.Engine.Tests.Numerics;

public sealed class TopKTests
{
    private static readonly IComparer<Candidate> ByIdentity =
        Comparer<Candidate>.Create((a, b) => a.Set != b.Set ? a.Set.CompareTo(b.Set) : a.Document.CompareTo(b.Document));

    [Theory]
    [InlineData(1, 0)]
    [InlineData(1, 50)]
    [InlineData(10, 9)]
    [InlineData(10, 10)]
    [InlineData(10, 1_000)]
    [InlineData(100, 5_000)]
    [InlineData(10_000, 25_000)]
    public void Keeps_what_sorting_would_keep(int capacity, int offers)
    {
        // Few distinct distances, so that ties are everywhere; several seeds, so that the order of the offers varies.
        foreach (int distinct in new[] { 1, 7, 1_000_000 })
        {
            var random = new Random(capacity + offers + distinct);
            var items = Enumerable.Range(0, offers)
                .Select(i => new Ranked<Candidate>(random.Next(distinct) / 4f - 1, new Candidate(i % 3, i)))
                .ToArray();
            random.Shuffle(items);
            var top = new TopK<Candidate>(capacity, ByIdentity);
            foreach (var item in items)
            {
                top.Offer(item.Distance, item.Item);
            }

            var expected = items.OrderBy(i => i.Distance).ThenBy(i => i.Item, ByIdentity).Take(capacity);
            Assert.Equal(expected, top.Drain());
            Assert.Equal(0, top.Count);
        }
    }

    [Fact]
    public void Offer_and_threshold_tell_what_enters()
    {
        var top = new TopK<int>(2, Comparer<int>.Default);
        Assert.Equal(float.PositiveInfinity, top.Threshold);
        Assert.True(top.Offer(5, 50));
        Assert.True(top.Offer(float.PositiveInfinity, 51));
        Assert.Equal(float.PositiveInfinity, top.Threshold);
        Assert.True(top.Offer(6, 52));
        Assert.Equal(6, top.Threshold);
        Assert.False(top.Offer(6, 53));
        Assert.False(top.Offer(6, 52));
        Assert.True(top.Offer(6, 1));
        Assert.False(top.Offer(7, 0));
        Assert.Equal([new Ranked<int>(5, 50), new Ranked<int>(6, 1)], top.Drain());
    }

    [Fact]
    public void What_is_not_a_number_never_enters()
    {
        var top = new TopK<int>(1, Comparer<int>.Default);
        Assert.False(top.Offer(float.NaN, 1));
        Assert.Equal(0, top.Count);
        Assert.True(top.Offer(3, 2));
        Assert.False(top.Offer(float.NaN, 1));
        Assert.Equal([new Ranked<int>(3, 2)], top.Drain());
    }

    [Fact]
    public void Heaps_of_parallel_scans_come_together()
    {
        var random = new Random(3);
        var all = new TopK<int>(20, Comparer<int>.Default);
        var parts = Enumerable.Range(0, 4).Select(_ => new TopK<int>(20, Comparer<int>.Default)).ToArray();
        for (int i = 0; i < 2_000; i++)
        {
            float distance = random.Next(60);
            all.Offer(distance, i);
            parts[i % 4].Offer(distance, i);
        }

        foreach (var part in parts.Skip(1))
        {
            parts[0].OfferAll(part);
        }

        Assert.Equal(all.Drain(), parts[0].Drain());
    }

    [Fact]
    public void A_cleared_heap_starts_again()
    {
        var top = new TopK<string>(1, StringComparer.Ordinal);
        top.Offer(1, "near");
        top.Clear();
        Assert.True(top.Offer(2, "far"));
        Assert.Equal([new Ranked<string>(2, "far")], top.Drain());
        Assert.Empty(top.Drain());
    }

    [Fact]
    public void At_least_one_item_is_kept() => Assert.Throws<ArgumentOutOfRangeException>(() => new TopK<int>(0, Comparer<int>.Default));
}
