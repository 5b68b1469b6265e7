using System.Diagnostics;
using Puff.TestKit.Caching;

namespace Puff.Workloads.Caching;

/// <summary>
/// Goal: what the cache's policy keeps, beside LRU. Method: traces of block numbers, drawn with a seed, are fed to the policies alone; nothing is stored. Each
/// trace warms the cache with its first half and counts in the second.
/// </summary>
internal static class CacheWorkload
{
    private const int Blocks = 1_000_000;

    public static void Run(Options options)
    {
        int uses = options.Number("uses", 4_000_000);
        int seed = options.Number("seed", 1);
        foreach (double share in (double[])[0.001, 0.01, 0.1])
        {
            Zipf(uses, seed, (int)(Blocks * share), scans: false);
        }

        Zipf(uses, seed, Blocks / 100, scans: true);
        foreach (string neighbour in (string[])["scan", "loop", "zipf"])
        {
            Neighbours(uses, seed, neighbour);
        }
    }

    private static void Zipf(int uses, int seed, int capacity, bool scans)
    {
        var cache = new TracedCache(capacity);
        var tenant = cache.Add("one", 2 * Blocks);
        var lru = new LruCache<int>(capacity);
        var keys = new ZipfKeys(Blocks, 1.0, seed);
        long lruHits = 0;
        long counted = 0;
        long hits = 0;
        int scanned = 0;
        long clock = Stopwatch.GetTimestamp();
        for (int i = 0; i < uses; i++)
        {
            // Half of the uses read blocks once, one after another, as an export or a merge does.
            bool isScan = scans && (i & 1) == 1;
            int block = isScan ? Blocks + (scanned++ % Blocks) : keys.Next();
            bool hit = tenant.Use(block);
            bool lruHit = lru.Use(block);
            if (i >= uses / 2 && !isScan)
            {
                counted++;
                hits += hit ? 1 : 0;
                lruHits += lruHit ? 1 : 0;
            }
        }

        double nanoseconds = Stopwatch.GetElapsedTime(clock).TotalNanoseconds / uses;
        Console.WriteLine($"cache    zipf 1.0 over {Blocks} blocks{(scans ? " beside a scan" : "")}, cache of {100.0 * capacity / Blocks:F1} %: "
            + $"hits {100.0 * hits / counted:F1} %, LRU {100.0 * lruHits / counted:F1} %   ({nanoseconds:F0} ns a use, both)");
    }

    private static void Neighbours(int uses, int seed, string neighbour)
    {
        const int Capacity = 10_000;
        double alone = Beside(uses, seed, Capacity, null, out double lruAlone);
        double beside = Beside(uses, seed, Capacity, neighbour, out double lruBeside);
        Console.WriteLine($"fairness zipf 1.0 over 50000 blocks, cache {Capacity}: hits alone {100 * alone:F1} % (LRU {100 * lruAlone:F1} %), "
            + $"beside a namespace with 9 times the traffic ({neighbour}) {100 * beside:F1} % (LRU {100 * lruBeside:F1} %)");
    }

    private static double Beside(int uses, int seed, int capacity, string? neighbour, out double lruRate)
    {
        var cache = new TracedCache(capacity);
        var quiet = cache.Add("quiet", 50_000);
        var loud = cache.Add("loud", Blocks);
        var lru = new LruCache<(bool, int)>(capacity);
        var keys = new ZipfKeys(50_000, 1.0, seed);
        var others = new ZipfKeys(Blocks, 0.7, seed + 1);
        long lruHits = 0;
        long hits = 0;
        long counted = 0;
        int next = 0;
        for (int i = 0; i < uses; i++)
        {
            if (neighbour is not null && i % 10 != 0)
            {
                int block = neighbour switch
                {
                    "scan" => next++ % Blocks,
                    "loop" => next++ % (capacity - (capacity / 5)),
                    _ => others.Next(),
                };
                loud.Use(block);
                lru.Use((true, block));
                continue;
            }

            int key = keys.Next();
            bool hit = quiet.Use(key);
            bool lruHit = lru.Use((false, key));
            if (i >= uses / 2)
            {
                counted++;
                hits += hit ? 1 : 0;
                lruHits += lruHit ? 1 : 0;
            }
        }

        lruRate = (double)lruHits / counted;
        return (double)hits / counted;
    }
}
