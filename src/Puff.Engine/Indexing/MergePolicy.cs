using Puff.Engine.Formats;

namespace Puff.Engine.Indexing;

/// <summary>
/// Which segments to merge next: tiered by size, each tier <c>fanIn</c> times the one below, so that a document is rewritten about log(N) times. A segment of
/// which
/// half is deleted is rewritten alone.
/// </summary>
internal static class MergePolicy
{
    /// <summary>Segments up to this size count as the lowest tier.</summary>
    private const long LowestTierBytes = 1 << 20;

    /// <summary>A merge never makes a segment with more documents, so that offsets and bit sets stay 32-bit.</summary>
    public const int MaxDocuments = 64 << 20;

    /// <summary>Indexes into <paramref name="segments"/> in ascending order; empty when nothing is worth merging.</summary>
    public static IReadOnlyList<int> Choose(IReadOnlyList<SegmentDescriptor> segments, int fanIn)
    {
        for (int i = 0; i < segments.Count; i++)
        {
            if (segments[i].Deleted * 2L > segments[i].Documents)
            {
                return [i];
            }
        }

        var tiers = new SortedDictionary<int, List<int>>();
        for (int i = 0; i < segments.Count; i++)
        {
            int tier = TierOf(segments[i].Live(segments[i].TotalBytes), fanIn);
            if (!tiers.TryGetValue(tier, out var members))
            {
                tiers.Add(tier, members = []);
            }

            members.Add(i);
        }

        // Of several tiers that are due the largest, and what is smaller comes along: it costs little more than the tier alone, and leaves one segment where
        // queries would have several to look at, and the next merge would write most of it once more.
        int due = tiers.LastOrDefault(t => t.Value.Count >= fanIn, KeyValuePair.Create(-1, new List<int>())).Key;
        if (due >= 0)
        {
            return Fit(segments, [.. tiers.Where(t => t.Key <= due).SelectMany(t => t.Value).Order()]);
        }

        return [];
    }

    /// <summary>
    /// Segments without a cluster tree that together have enough vectors for one: until they are merged, each query looks at all of their codes.
    /// </summary>
    /// <param name="segments">Of the manifest.</param>
    /// <param name="flatVectors">Of each segment, how many vectors have codes outside of any tree.</param>
    /// <param name="flatLimit">Vectors that are best left without a tree.</param>
    public static IReadOnlyList<int> ChooseFlat(IReadOnlyList<SegmentDescriptor> segments, IReadOnlyList<long> flatVectors, int flatLimit)
    {
        var flat = Enumerable.Range(0, segments.Count).Where(i => flatVectors[i] > 0).ToList();
        if (flat.Sum(i => flatVectors[i]) <= flatLimit)
        {
            return [];
        }

        return flat.Count == 1 ? flat : Fit(segments, flat);
    }

    /// <summary>
    /// All segments of a namespace that is not written to, but for the largest, as long as one is more than four times what is smaller: then queries gain
    /// little, and all its documents would be rewritten for a few. So what is left is few segments, and documents double a few times before one is rewritten.
    /// </summary>
    public static IReadOnlyList<int> ChooseIdle(IReadOnlyList<SegmentDescriptor> segments, int smallest)
    {
        var documents = segments.Select(s => (long)s.Documents - s.Deleted).ToList();
        long smaller = documents.Sum();
        if (smaller < smallest)
        {
            return [];
        }

        var bySize = Enumerable.Range(0, segments.Count).OrderByDescending(i => documents[i]).ToList();
        for (int largest = 0; largest < bySize.Count; largest++)
        {
            smaller -= documents[bySize[largest]];
            if (smaller * 4 >= documents[bySize[largest]])
            {
                return Fit(segments, [.. bySize[largest..].Order()]);
            }
        }

        return [];
    }

    /// <summary>All segments, however few, as far as one may hold their documents.</summary>
    public static IReadOnlyList<int> ChooseAll(IReadOnlyList<SegmentDescriptor> segments) =>
        segments.Count == 1 ? [0] : Fit(segments, [.. Enumerable.Range(0, segments.Count)]);

    /// <summary>
    /// Whether merges can no longer wait for the end of a burst: its segments would fill two tiers, or there are too many for queries to bear. Mostly it is the
    /// bytes that decide, so that how fast a disk takes the segments does not decide how often their documents are rewritten.
    /// </summary>
    /// <param name="segments">Of the manifest.</param>
    /// <param name="fanIn">Segments of similar size that are merged into one.</param>
    /// <param name="freshBytes">The size of a fresh segment.</param>
    public static bool OverflowsBurst(IReadOnlyList<SegmentDescriptor> segments, int fanIn, long freshBytes)
    {
        var fresh = segments.Select(s => s.Live(s.TotalBytes)).Where(bytes => bytes < (UInt128)freshBytes * (uint)fanIn).ToList();
        var total = fresh.Aggregate(UInt128.Zero, (sum, bytes) => sum + bytes);
        return fresh.Count >= 2 * fanIn * fanIn || total >= (UInt128)freshBytes * (uint)(fanIn * fanIn);
    }

    private static List<int> Fit(IReadOnlyList<SegmentDescriptor> segments, List<int> members)
    {
        var chosen = new List<int>();
        long documents = 0;
        foreach (int index in members)
        {
            documents += segments[index].Documents - segments[index].Deleted;
            if (documents > MaxDocuments)
            {
                break;
            }

            chosen.Add(index);
        }

        return chosen.Count > 1 ? chosen : [];
    }

    private static int TierOf(UInt128 bytes, int fanIn)
    {
        int tier = 0;
        for (UInt128 limit = LowestTierBytes; bytes > limit && tier < 32; limit *= (uint)fanIn)
        {
            tier++;
        }

        return tier;
    }
}
