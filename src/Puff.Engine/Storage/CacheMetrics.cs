using System.Diagnostics.Metrics;

namespace Puff.Engine.Storage;

/// <summary>The instruments of what a node fetches of remote objects and keeps.</summary>
internal sealed class CacheMetrics : IDisposable
{
    private readonly Meter meter = new("Puff.Engine.Cache");

    /// <param name="read">The present numbers; null on stores whose objects are mapped in place.</param>
    public CacheMetrics(Func<CacheStatistics?> read)
    {
        Count("puff.cache.hits", s => s.Hits, "Blocks (64 KiB) of remote objects that were wanted and here.");
        Count("puff.cache.misses", s => s.Misses, "Blocks that were wanted and fetched.");
        Count("puff.cache.requests", s => s.Requests, "GET requests for blocks.");
        Count("puff.cache.fetched.bytes", s => s.FetchedBytes, "Bytes these brought.");
        Count("puff.cache.evictions", s => s.Evictions, "Blocks given up for others.");
        Count("puff.cache.ghost.hits", s => s.GhostHits, "Blocks that came back soon after they had been given up.");
        Count("puff.cache.reloads", s => s.Reloads, "Blocks that were damaged and fetched again.");
        Count("puff.cache.failed.writes", s => s.FailedWrites, "Writes to the cache that the disk refused.");
        Gauge("puff.cache.bytes", s => s.Bytes + s.UnopenedBytes, "Bytes of blocks in the cache.");
        Gauge("puff.cache.capacity.bytes", s => s.CapacityBytes, "Bytes it may take; 0 when nothing is kept.");
        Gauge("puff.cache.memory.bytes", s => s.MemoryBytes, "Bytes of blocks in memory, because the disk did not take them.");
        Gauge("puff.cache.pinned.bytes", s => s.PinnedBytes, "Bytes of blocks of pinned namespaces.");

        void Count(string name, Func<CacheStatistics, long> get, string description) =>
            meter.CreateObservableCounter(name, () => Of(get), description: description);

        void Gauge(string name, Func<CacheStatistics, long> get, string description) => meter.CreateObservableGauge(name, () => Of(get), "By", description);

        IEnumerable<Measurement<long>> Of(Func<CacheStatistics, long> get) => read() is { } now ? [new Measurement<long>(get(now))] : [];
    }

    public void Dispose() => meter.Dispose();
}
