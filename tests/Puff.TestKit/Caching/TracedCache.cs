using Puff.Engine.Storage;

namespace Puff.TestKit.Caching;

/// <summary>A <see cref="CachePolicy"/> fed with a trace of block numbers, one object for each namespace. Counts hits, and checks the bound after each use.</summary>
internal sealed class TracedCache(int capacity)
{
    private readonly List<Tenant> tenants = [];

    public CachePolicy Policy { get; } = new(capacity);

    /// <summary>A namespace with so many blocks.</summary>
    public Tenant Add(string name, int blocks)
    {
        var tenant = new Tenant(this, new CachedBlocks(Policy.AddShare(name), blocks));
        tenants.Add(tenant);
        return tenant;
    }

    internal sealed class Tenant(TracedCache owner, CachedBlocks item)
    {
        public CachedBlocks Item => item;

        public long Uses { get; private set; }

        public long Hits { get; private set; }

        public double HitRate => (double)Hits / Uses;

        public bool Use(int block)
        {
            Uses++;
            if (item.PlaceOf(block) >= CachePlace.Young)
            {
                Hits++;
                owner.Policy.Touch(item, block);
                return true;
            }

            owner.Policy.Add(item, block);
            while (owner.Policy.TryEvict(out _, out _))
            {
            }

            return owner.Policy.Count > owner.Policy.Capacity ? throw new InvalidOperationException("more blocks than allowed") : false;
        }

        public void Forget() => (Uses, Hits) = (0, 0);
    }
}
