using Puff.Engine.Diagnostics;
using Puff.Engine.Encoding;
using Puff.Engine.Formats;
using Puff.Engine.Namespaces;
using Puff.Engine.Storage;

namespace Puff.Engine.Indexing;

/// <summary>
/// Deletes what no manifest, no kept manifest and no pin needs any more, never earlier than grace after it was given up (design 3.3, 3.4): retired objects,
/// trimmed WAL entries, kept manifests beyond the retention, and orphans of crashed indexers or ended epochs. Reads everything it decides by from the store,
/// so that a sleeping node deletes nothing it should not.
/// </summary>
internal sealed class Collector(EngineContext context)
{
    /// <summary>Objects that nothing refers to are kept this many times grace after they were written: a segment may be in the making.</summary>
    internal const int OrphanGraces = 2;

    private readonly DeadPins deadPins = new(context);

    /// <returns>How many objects were deleted.</returns>
    public async Task<int> CollectAsync(Namespace target, CancellationToken cancellation)
    {
        await target.Publishing.WaitAsync(CancellationToken.None);
        try
        {
            // The time is taken before anything is read: what is decided below must hold for a collector that slept in between, too.
            long now = context.NowMs;
            return await target.Manifests.ReadAsync(null, cancellation) is { } current ? await CollectAsync(target, current, now, cancellation) : 0;
        }
        finally
        {
            target.Publishing.Release();
        }
    }

    private async Task<int> CollectAsync(Namespace target, ManifestVersion current, long now, CancellationToken cancellation)
    {
        var objects = new List<ObjectInfo>();
        await foreach (var item in ObjectListing.ListAsync(context.Store, target.Keys.Folder, StorePurpose.Collect, cancellation))
        {
            objects.Add(item);
        }

        // By then what this version gave up was published: by the store's word while it is still the newest, else by now.
        var newest = objects.Find(o => o.Key == target.Keys.Current && o.ETag == current.ETag);
        long publishedBy = newest?.LastModified.ToUnixTimeMilliseconds() ?? context.NowMs;
        current = current with { Manifest = current.Manifest.Dated(publishedBy, context.Settings.Grace) };
        if (await ReadHeldAsync(target, current.Manifest, objects, cancellation) is not { } held)
        {
            return 0;
        }

        foreach (var unreadable in held.Unreadable)
        {
            LogMessages.KeptManifestDamaged(context.Log, unreadable.Key, target.Name);
        }

        var due = FindDue(target.Keys, current.Manifest, objects, held, now);
        if (due.Exists(k => target.Keys.ParseHistory(k) is null))
        {
            if (await FenceAsync(target, current, cancellation) is not { } fenced)
            {
                return 0;
            }

            current = fenced;
        }

        foreach (string key in due)
        {
            await context.Store.DeleteAsync(key, StorePurpose.Collect, cancellation);
        }

        await ForgetAsync(target, current, objects, held, due, cancellation);
        due.AddRange(await deadPins.ReleaseAsync(target.Keys, objects, now, cancellation));
        if (due.Count > 0)
        {
            LogMessages.Collected(context.Log, due.Count, target.Name);
        }

        return due.Count;
    }

    /// <summary>A late put into a slot that was trimmed, deleted and forgotten: a mark stays as long as any entry it covers.</summary>
    private static bool IsStray(Manifest manifest, long sequence) =>
        sequence <= manifest.IndexedThrough && !manifest.Trims.Any(t => t.Through >= sequence);

    /// <summary>
    /// A publication that names what is due may still be on its way to the store: from a crashed or sleeping indexer, if nobody else knows the objects, or from
    /// somebody who restores a deleted namespace in its place. It was made against this version of the manifest or an older one: with the next version in place
    /// it can never succeed, and the objects are nobody's.
    /// </summary>
    private async Task<ManifestVersion?> FenceAsync(Namespace target, ManifestVersion current, CancellationToken cancellation)
    {
        var next = current.Manifest with { Version = current.Manifest.Version + 1 };
        var fenced = await target.Manifests.PublishAsync(next, current, cancellation);
        if (fenced is not null)
        {
            await target.AdoptAsync(fenced);
        }

        return fenced;
    }

    private List<string> FindDue(NamespaceKeys keys, Manifest manifest, List<ObjectInfo> objects, HeldObjects held, long now)
    {
        long grace = (long)context.Settings.Grace.TotalMilliseconds;
        long trimmed = manifest.Trims.Where(t => t.PublishedAtMs + grace < now).Select(t => t.Through).DefaultIfEmpty(0).Max();
        var retired = new RetiredIndex(manifest.Retired);
        var referenced = manifest.ObjectKeys().ToHashSet(StringComparer.Ordinal);
        bool isYoung = manifest.Trims.Any(t => t.Through == 0 && t.PublishedAtMs + grace >= now);
        int expired = held.History.CountExpired(now - (long)context.Settings.History.TotalMilliseconds);
        var kept = held.History.Kept.Select(m => keys.History(m.Epoch, m.Version)).ToArray();
        var due = kept.Take(expired).ToList();

        // Nothing can be restored from a damaged manifest, least of all when its time is over. Until then it may stand for anything that is older.
        long retention = (long)context.Settings.History.TotalMilliseconds + (OrphanGraces * grace);
        var lost = held.Unreadable.Where(m => m.LastModified.ToUnixTimeMilliseconds() + retention < now).Select(m => m.Key).ToList();
        due.AddRange(lost);
        long needed = held.Unreadable.Where(m => !lost.Contains(m.Key)).Select(m => m.LastModified.ToUnixTimeMilliseconds() + grace)
            .DefaultIfEmpty(long.MinValue).Max();
        foreach (var item in objects)
        {
            if (item.LastModified.ToUnixTimeMilliseconds() <= needed || lost.Contains(item.Key))
            {
                continue;
            }

            bool isOld = item.LastModified.ToUnixTimeMilliseconds() + (OrphanGraces * grace) < now;
            bool isDue = item.Key == keys.Opening
                ? manifest.Segments.Count == 0 && isOld
                : keys.ParseWalEntry(item.Key) is { } entry
                ? !held.Holds(entry.Epoch, entry.Sequence)
                    && (entry.Epoch == manifest.Epoch ? entry.Sequence <= trimmed || IsStray(manifest, entry.Sequence) : isOld && !isYoung)
                : keys.IsIndexObject(item.Key)
                    ? !referenced.Contains(item.Key) && !held.Holds(item.Key) && (retired.Find(item.Key) is { } since ? since + grace < now : isOld)
                    : isOld && keys.ParseHistory(item.Key) is not null && !kept.Contains(item.Key, StringComparer.Ordinal);
            if (isDue)
            {
                due.Add(item.Key);
            }
        }

        return due;
    }

    /// <summary>Drops from the manifest what is gone, and lets go of pins at parents this namespace no longer reads from.</summary>
    private async Task ForgetAsync(
        Namespace target, ManifestVersion current, List<ObjectInfo> objects, HeldObjects held, List<string> deleted, CancellationToken cancellation)
    {
        var manifest = current.Manifest;
        var gone = deleted.ToHashSet(StringComparer.Ordinal);
        var present = objects.Select(o => o.Key).Where(k => !gone.Contains(k)).ToHashSet(StringComparer.Ordinal);
        var waiting = new PresentObjects(present.Where(k => !held.Holds(k)));
        var retired = manifest.Retired.Where(r => IsRecent(r.RetiredAtMs) || waiting.HasAny(r)).ToArray();
        long lowestLeft = objects.Select(o => target.Keys.ParseWalEntry(o.Key))
            .Where(e => e?.Epoch == manifest.Epoch && present.Contains(target.Keys.WalEntry(e.Value.Epoch, e.Value.Sequence)))
            .Select(e => e!.Value.Sequence).DefaultIfEmpty(long.MaxValue).Min();
        var trims = manifest.Trims.Where(t => t.Through == 0 ? IsRecent(t.PublishedAtMs) : t.Through >= lowestLeft).ToArray();
        bool mayRelease = manifest.InheritedTails.Count == 0 && held.Unreadable.Count == 0;
        var releasable = mayRelease ? manifest.PinsHeld.Where(p => !StillNeeds(manifest, retired, held.History, p)).ToArray() : [];
        if (retired.Length == manifest.Retired.Count && trims.Length == manifest.Trims.Count && releasable.Length == 0)
        {
            return;
        }

        // Nobody expects the parents' objects any more. The pins go first: a collector that ends in between leaves none behind that nobody knows of.
        foreach (string pin in releasable)
        {
            await context.Store.DeleteAsync(pin, StorePurpose.Collect, cancellation);
        }

        var next = manifest with { Version = manifest.Version + 1, Retired = retired,
            Trims = trims, PinsHeld = manifest.PinsHeld.Except(releasable).ToArray() };
        if (await target.Manifests.PublishAsync(next, current, cancellation) is { } published)
        {
            await target.AdoptAsync(published);
        }
    }

    private bool IsRecent(long milliseconds) => milliseconds + (long)context.Settings.Grace.TotalMilliseconds >= context.NowMs;

    /// <summary>A pin is needed while a segment, a retired object a reader may still hold, or one a kept manifest names lies in its owner's folder.</summary>
    private bool StillNeeds(Manifest manifest, RetiredObject[] retired, HistoryChain history, string pin)
    {
        string owner = pin[..pin.IndexOf("/pin/", StringComparison.Ordinal)] + "/";
        return history.Kept.Append(manifest).SelectMany(m => m.ObjectKeys()).Concat(retired.Where(r => IsRecent(r.RetiredAtMs)).Select(r => r.Key))
            .Concat(history.Kept.SelectMany(m => m.InheritedTails).Select(t => context.KeysOf(t.Name).Folder))
            .Any(k => k.StartsWith(owner, StringComparison.Ordinal));
    }

    /// <summary>
    /// What pins and kept manifests need. A kept manifest that is beyond the retention counts like the others: it is deleted first, and what it names only when
    /// a later listing shows neither it nor a pin of somebody who has read it. A pin that cannot be read stops the collection: what it protects is unknown.
    /// What a kept manifest that cannot be read protects is older than it is. Null when a pin has gone since the listing: a younger pin on the same objects may
    /// have come since, too.
    /// </summary>
    private async Task<HeldObjects?> ReadHeldAsync(Namespace target, Manifest current, List<ObjectInfo> objects, CancellationToken cancellation)
    {
        var keys = target.Keys;
        var damaged = new HashSet<string>(StringComparer.Ordinal);
        var history = await HistoryChain.ReadAsync(
            target.Manifests, keys, current, objects.Select(o => o.Key), StorePurpose.Collect, cancellation, damaged);
        var held = new HeldObjects(keys, history, current.Retired.Where(r => IsRecent(r.RetiredAtMs)).Select(r => keys.ParseWalEntry(r.Key)))
        {
            Unreadable = [.. objects.Where(o => damaged.Contains(o.Key))],
        };
        foreach (var item in objects.Where(o => o.Key.StartsWith(keys.PinFolder, StringComparison.Ordinal)))
        {
            var result = await context.Store.GetAsync(item.Key, default, StorePurpose.Collect, cancellation);
            if (result.Status == GetStatus.Absent)
            {
                return null;
            }

            try
            {
                held.Add(PinFormat.Read(result.Content!.Span));
            }
            catch (CorruptDataException damage)
            {
                throw PuffException.Corrupt(
                    $"pin {item.Key} is damaged: {damage.Message}; nothing of \"{keys.Name}\" is collected until it is repaired or removed", damage);
            }
            finally
            {
                result.Content!.Release();
            }
        }

        return held;
    }

    /// <summary>What others than the present manifest need: branches, moments to restore, and a namespace that was restored in its own place.</summary>
    private sealed class HeldObjects
    {
        private readonly HashSet<string> keys;
        private readonly List<InheritedTail> tails;
        private readonly HashSet<ulong> readEpochs;

        /// <param name="own">Of the namespace.</param>
        /// <param name="history">Its manifests.</param>
        /// <param name="readTails">Log entries of earlier epochs that slower nodes may still read.</param>
        public HeldObjects(NamespaceKeys own, HistoryChain history, IEnumerable<(ulong Epoch, long Sequence)?> readTails)
        {
            History = history;
            keys = history.Kept.SelectMany(m => m.ObjectKeys()).ToHashSet(StringComparer.Ordinal);
            tails = history.Manifests.SelectMany(m => m.InheritedTails).Where(t => t.Name == own.Name).ToList();
            readEpochs = readTails.Where(e => e is not null).Select(e => e!.Value.Epoch).ToHashSet();
        }

        public HistoryChain History { get; }

        /// <summary>Kept manifests that are damaged.</summary>
        public IReadOnlyList<ObjectInfo> Unreadable { get; init; } = [];

        public void Add(BranchPin pin)
        {
            keys.UnionWith(pin.Keys);
            tails.AddRange(pin.Tails);
        }

        public bool Holds(string key) => keys.Contains(key);

        public bool Holds(ulong epoch, long sequence) => History.Holds(epoch, sequence) || readEpochs.Contains(epoch)
            || tails.Exists(t => t.Epoch == epoch && sequence >= t.From && sequence <= t.Through);
    }

    /// <summary>Finds whether anything of what was given up is there.</summary>
    private sealed class PresentObjects(IEnumerable<string> objects)
    {
        private readonly ILookup<string, string> bySegment = objects.ToLookup(k => RetiredObjects.SegmentOf(k) ?? k, StringComparer.Ordinal);

        public bool HasAny(RetiredObject retired) => bySegment[RetiredObjects.SegmentOf(retired.Key) ?? retired.Key].Any(retired.Covers);
    }
}
