using Puff.Engine.Storage;
using Puff.TestKit.Caching;
using Xunit;

namespace Puff.Engine.Tests.Storage;

/// <summary>The cache's policy alone: what it keeps of traces, and that nothing is lost or counted twice.</summary>
public sealed class CachePolicyTests
{
    [Theory]
    [InlineData(100)]
    [InlineData(1000)]
    public void Keeps_more_of_a_Zipf_trace_than_least_recently_used(int capacity)
    {
        var cache = new TracedCache(capacity);
        var tenant = cache.Add("one", 20_000);
        var lru = new LruCache<int>(capacity);
        var keys = new ZipfKeys(20_000, 1.0, 1);
        int lruHits = 0;
        for (int i = 0; i < 100_000; i++)
        {
            int key = keys.Next();
            tenant.Use(key);
            lruHits += lru.Use(key) ? 1 : 0;
        }

        Assert.True(tenant.Hits > lruHits * 1.05, $"{tenant.Hits} hits, {lruHits} of LRU");
    }

    [Fact]
    public void A_scan_passes_through()
    {
        double alone = HitsBeside(_ => { });
        double beside = HitsBeside(
            cache =>
            {
                var scan = cache.Add("scan", 500_000);
                return i => scan.Use(i);
            });
        Assert.True(beside > alone - 0.03, $"{beside:F3} beside a scan, {alone:F3} alone");
    }

    [Fact]
    public void A_namespace_that_reads_the_same_again_and_again_gets_no_more_than_half()
    {
        var cache = new TracedCache(1000);
        var quiet = cache.Add("quiet", 400);
        var loud = cache.Add("loud", 5000);
        for (int round = 0; round < 20; round++)
        {
            for (int i = 0; i < 400; i++)
            {
                quiet.Use(i);
            }

            for (int i = 0; i < 10_000; i++)
            {
                loud.Use(i % 900);
            }
        }

        quiet.Forget();
        for (int i = 0; i < 400; i++)
        {
            quiet.Use(i);
        }

        Assert.Equal(1.0, quiet.HitRate);
    }

    [Fact]
    public void Pinned_blocks_stay_until_they_are_too_many()
    {
        var cache = new TracedCache(100);
        var pinned = cache.Add("pinned", 200);
        var other = cache.Add("other", 1000);
        cache.Policy.Pin(pinned.Item.Share, true);
        Use(pinned, 0, 70);
        Use(other, 0, 1000);
        Use(other, 0, 1000);
        pinned.Forget();
        Use(pinned, 0, 70);
        Assert.Equal(1.0, pinned.HitRate);

        Use(pinned, 0, 200);
        Assert.InRange(pinned.Item.Share.Count, 79, 81);
        cache.Policy.Pin(pinned.Item.Share, false);
        Use(other, 0, 1000);
        Assert.Equal(100, cache.Policy.Count);
    }

    [Fact]
    public void Held_blocks_are_never_chosen()
    {
        var cache = new TracedCache(50);
        var tenant = cache.Add("one", 1000);
        Use(tenant, 0, 20);
        for (int i = 0; i < 20; i++)
        {
            cache.Policy.Hold(tenant.Item, i);
        }

        Use(tenant, 20, 1000);
        Assert.All(Enumerable.Range(0, 20), i => Assert.Equal(CachePlace.Held, tenant.Item.PlaceOf(i)));
        cache.Policy.Unhold(tenant.Item);
        for (int round = 0; round < 20; round++)
        {
            Use(tenant, 100, 170);
        }

        Assert.DoesNotContain(Enumerable.Range(0, 20), i => tenant.Item.PlaceOf(i) >= CachePlace.Young);
    }

    [Fact]
    public void When_everything_is_held_nothing_is_chosen()
    {
        var policy = new CachePolicy(2);
        var item = new CachedBlocks(policy.AddShare("one"), 10);
        for (int i = 0; i < 5; i++)
        {
            policy.Add(item, i);
            policy.Hold(item, i);
        }

        Assert.False(policy.TryEvict(out _, out _));
        Assert.Equal(5, policy.Count);
    }

    [Fact]
    public void Only_touches_of_watched_blocks_count()
    {
        var policy = new CachePolicy(100);
        var watched = new List<int>();
        policy.Watch = (_, block) => watched.Add(block);
        var item = new CachedBlocks(policy.AddShare("one"), 100);
        for (int i = 0; i < 20; i++)
        {
            policy.Add(item, i);
            policy.Touch(item, i);
        }

        Assert.Equal(Enumerable.Range(0, watched.Count), watched);
        Assert.InRange(watched.Count, 1, 10);
        Assert.All(Enumerable.Range(0, 20), i => Assert.Equal(0, item.TouchesOf(i)));
        policy.Touch(item, 0);
        Assert.Equal(1, item.TouchesOf(0));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Counts_agree_with_places_whatever_happens(int seed)
    {
        var random = new Random(seed);
        var policy = new CachePolicy(60);
        var items = Enumerable.Range(0, 4).Select(i => new CachedBlocks(policy.AddShare($"{i}"), 50)).ToArray();
        for (int step = 0; step < 20_000; step++)
        {
            var item = items[random.Next(items.Length)];
            int block = random.Next(50);
            switch (random.Next(10))
            {
                case 0:
                    policy.Remove(item, block);
                    break;
                case 1:
                    policy.Hold(item, block % 5);
                    break;
                case 2 when random.Next(20) == 0:
                    policy.Unhold(item);
                    break;
                case 3 when random.Next(20) == 0:
                    policy.Pin(item.Share, !item.Share.IsPinned);
                    break;
                case < 7:
                    policy.Add(item, block, random.Next(5) == 0);
                    break;
                default:
                    policy.Touch(item, block);
                    break;
            }

            while (policy.TryEvict(out var victim, out int number))
            {
                Assert.True(victim.PlaceOf(number) < CachePlace.Young);
            }

            Assert.Equal(items.Sum(i => Enumerable.Range(0, 50).Count(b => i.PlaceOf(b) >= CachePlace.Young)), policy.Count);
            Assert.All(items, i => Assert.Equal(Enumerable.Range(0, 50).Count(b => i.PlaceOf(b) >= CachePlace.Young), i.Share.Count));
        }
    }

    private static double HitsBeside(Action<TracedCache> prepare) =>
        HitsBeside(
            cache =>
            {
                prepare(cache);
                return _ => false;
            });

    private static double HitsBeside(Func<TracedCache, Func<int, bool>> neighbour)
    {
        var cache = new TracedCache(1000);
        var tenant = cache.Add("quiet", 5000);
        var other = neighbour(cache);
        var keys = new ZipfKeys(5000, 1.0, 1);
        for (int i = 0; i < 50_000; i++)
        {
            tenant.Use(keys.Next());
            for (int j = 0; j < 9; j++)
            {
                other((i * 9) + j);
            }
        }

        return tenant.HitRate;
    }

    private static void Use(TracedCache.Tenant tenant, int first, int end)
    {
        for (int i = first; i < end; i++)
        {
            tenant.Use(i);
        }
    }
}
