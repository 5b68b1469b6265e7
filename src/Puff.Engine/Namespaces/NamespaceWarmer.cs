using Puff.Engine.Segments;
using Puff.Engine.Storage;

namespace Puff.Engine.Namespaces;

/// <summary>
/// Brings segments here before somebody asks: when told to, and for pinned namespaces whenever another manifest is adopted. Pinned ones also stay in the cache.
/// </summary>
internal sealed class NamespaceWarmer(EngineContext context)
{
    /// <summary>More than this part of the cache would only push out what it has just brought.</summary>
    private const double ShareOfCache = 0.8;

    private readonly HashSet<string> pinned = new(StringComparer.Ordinal);

    private ExtentObjectStore? Store => context.Store as ExtentObjectStore;

    /// <summary>Loads what a snapshot reads, the worthiest parts of all segments first, up to <see cref="EngineSettings.WarmBytes"/>.</summary>
    public async Task<WarmResult> RunAsync(NamespaceSnapshot snapshot, int logEntries, CancellationToken cancellation)
    {
        var segments = snapshot.Sets.OfType<SegmentDocumentSet>().Select(s => s.Segment).ToList();
        long limit = context.Settings.WarmBytes;
        limit = Store?.Statistics is { CapacityBytes: > 0 } cache ? Math.Min(limit, (long)(cache.CapacityBytes * ShareOfCache)) : limit;
        long bytes = 0;
        var parts = segments.SelectMany(s => s.PartsByWorth.Where(p => p.IsDemandLoaded).Select((part, rank) => (Part: part, Rank: rank)));
        foreach (var (part, _) in parts.OrderBy(p => p.Rank).ToList())
        {
            cancellation.ThrowIfCancellationRequested();
            bytes += await part.PrefetchAsync(limit - bytes);
        }

        return new WarmResult
        {
            Segments = segments.Count,
            TextSegments = segments.Count(s => s.HasText),
            FilterSegments = segments.Count(s => s.HasAttributeIndex),
            Clusters = segments.Sum(s => s.Descriptor.Trees.Sum(t => s.GetCodes(t.Attribute)?.Groups.Length ?? 0)),
            LogEntries = logEntries,
            Bytes = bytes,
        };
    }

    /// <summary>Loads a namespace behind the queries, unless that is under way.</summary>
    public void Start(Namespace target) => target.Behind.TryRun(() =>
    {
        using var snapshot = target.Snapshot();
        RunAsync(snapshot, 0, CancellationToken.None).GetAwaiter().GetResult();
    });

    /// <summary>A namespace has another view, or other options: what is pinned stays and is loaded.</summary>
    public void Follow(Namespace target)
    {
        bool isPinned = target.View is { State: { IsLive: true, Options.PinnedReplicas: > 0 } };
        lock (pinned)
        {
            if (isPinned ? pinned.Add(target.Name) : pinned.Remove(target.Name))
            {
                Store?.Cache?.Pin(ExtentCache.ShareNameOf(target.Keys.Folder), isPinned);
            }
        }

        if (isPinned && Store is not null)
        {
            Start(target);
        }
    }
}
