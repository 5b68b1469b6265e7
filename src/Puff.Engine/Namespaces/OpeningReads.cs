using Puff.Engine.Formats;
using Puff.Engine.Segments;
using Puff.Engine.Storage;

namespace Puff.Engine.Namespaces;

/// <summary>
/// Fetches what opening the objects of a manifest takes, in one step, before they are opened one by one: footers of segment parts and whole trees; of a small
/// namespace everything. On a store that maps objects there is nothing to fetch. Keeps the objects open meanwhile.
/// </summary>
internal sealed class OpeningReads : IDisposable
{
    /// <summary>A namespace whose objects have less than this in all is fetched as a whole.</summary>
    public const long SmallBytes = 4 << 20;

    private readonly List<ObjectMemory> open = [];

    private OpeningReads()
    {
    }

    /// <param name="store">Where from.</param>
    /// <param name="segments">Those to be opened.</param>
    /// <param name="trees">Those to be opened.</param>
    /// <param name="opening">Has some of it; null when there is none.</param>
    /// <param name="cancellation">Stops between requests.</param>
    public static async Task<OpeningReads> RunAsync(
        IObjectStore store, IReadOnlyList<SegmentDescriptor> segments, IReadOnlyList<TreeDescriptor> trees, OpeningObject? opening,
        CancellationToken cancellation)
    {
        var reads = new OpeningReads();
        if (store.Capabilities.SupportsMapping)
        {
            return reads;
        }

        try
        {
            bool isSmall = segments.Sum(s => (double)s.TotalBytes) + trees.Sum(t => t.Parts.Sum(p => (double)p.Bytes)) < SmallBytes;
            var batch = new BlockBatch();
            foreach (var segment in segments)
            {
                foreach (var part in segment.Parts)
                {
                    await reads.AddAsync(store, segment.KeyOf(part.Name), part.Bytes, isWhole: isSmall, opening, batch, cancellation);
                }
            }

            foreach (var part in trees.SelectMany(t => t.Parts))
            {
                await reads.AddAsync(store, part.Key, part.Bytes, isWhole: true, opening, batch, cancellation);
            }

            await batch.RunAsync();
            return reads;
        }
        catch
        {
            reads.Dispose();
            throw;
        }
    }

    public void Dispose() => open.ForEach(m => m.ReleaseOwner());

    private async ValueTask AddAsync(
        IObjectStore store, string key, long bytes, bool isWhole, OpeningObject? opening, BlockBatch batch, CancellationToken cancellation)
    {
        if (await store.MapAsync(key, bytes, StorePurpose.Segment, cancellation) is not { } memory)
        {
            throw MappedPart.Missing(key);
        }

        open.Add(memory);
        if (memory.IsDemandLoaded)
        {
            opening?.Fill(key, memory);
            long length = isWhole ? bytes : PartFormat.LikelyFooterBytes(bytes);
            batch.Add(memory, bytes - length, length);
        }
    }
}
