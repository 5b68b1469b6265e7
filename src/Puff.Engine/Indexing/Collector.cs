using Puff.Engine.Diagnostics;
using Puff.Engine.Encoding;
using Puff.Engine.Formats;
using Puff.Engine.Namespaces;
using Puff.Engine.Storage;

namespace Puff.Engine.Indexing;

/// <summary>
/// Deletes what no manifest and no pin needs any more, never earlier than grace after it was given up (design 3.3, 3.4): retired objects, trimmed WAL
/// entries, and
/// orphans of crashed indexers or ended epochs. Reads everything it decides by from the store, so that a sleeping node deletes nothing it should not.
/// </summary>
internal sealed class Collector(EngineContext context)
{
    /// <summary>Objects that nothing refers to are kept this many times grace after they were written: a segment may be in the making.</summary>
    private const int OrphanGraces = 2;

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
        current = current with { Manifest = current.Manifest.Dated(newest?.LastModified.ToUnixTimeMilliseconds() ?? context.NowMs) };
        if (await ReadPinsAsync(target.Keys, objects, cancellation) is not { } pinned)
        {
            return 0;
        }

        var due = FindDue(target.Keys, current.Manifest, objects, pinned, now);
        if (HasOrphans(target.Keys, current.Manifest, due))
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

        await ForgetAsync(target, current, objects, due, cancellation);
        if (due.Count > 0)
        {
            LogMessages.Collected(context.Log, due.Count, target.Name);
        }

        return due.Count;
    }

    /// <summary>A late put into a slot that was trimmed, deleted and forgotten: a mark stays as long as any entry it covers.</summary>
    private static bool IsStray(Manifest manifest, long sequence) =>
        sequence <= manifest.IndexedThrough && !manifest.Trims.Any(t => t.Through >= sequence);

    private static bool HasOrphans(NamespaceKeys keys, Manifest manifest, List<string> due)
    {
        var retired = manifest.Retired.Select(r => r.Key).ToHashSet(StringComparer.Ordinal);
        return due.Exists(k => keys.IsIndexObject(k) && !retired.Contains(k));
    }

    /// <summary>
    /// A publication that names the orphans may still be on its way to the store, from a crashed or sleeping indexer. It was made against this version of the
    /// manifest or an older one: with the next version in place it can never succeed, and the orphans are nobody's.
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

    private List<string> FindDue(NamespaceKeys keys, Manifest manifest, List<ObjectInfo> objects, PinnedObjects pinned, long now)
    {
        long grace = (long)context.Settings.Grace.TotalMilliseconds;
        long trimmed = manifest.Trims.Where(t => t.PublishedAtMs + grace < now).Select(t => t.Through).DefaultIfEmpty(0).Max();
        var retired = manifest.Retired.GroupBy(r => r.Key, StringComparer.Ordinal)
            .ToDictionary(g => g.Key, g => g.Max(r => r.RetiredAtMs), StringComparer.Ordinal);
        var referenced = manifest.ObjectKeys().ToHashSet(StringComparer.Ordinal);
        bool isYoung = manifest.Trims.Any(t => t.Through == 0 && t.PublishedAtMs + grace >= now);
        var due = new List<string>();
        foreach (var item in objects)
        {
            bool isOld = item.LastModified.ToUnixTimeMilliseconds() + (OrphanGraces * grace) < now;
            bool isDue = keys.ParseWalEntry(item.Key) is { } entry
                ? !pinned.Holds(entry.Epoch, entry.Sequence)
                    && (entry.Epoch == manifest.Epoch ? entry.Sequence <= trimmed || IsStray(manifest, entry.Sequence) : isOld && !isYoung)
                : keys.IsIndexObject(item.Key)
                    && !referenced.Contains(item.Key) && !pinned.Holds(item.Key)
                    && (retired.TryGetValue(item.Key, out long since) ? since + grace < now : isOld);
            if (isDue)
            {
                due.Add(item.Key);
            }
        }

        return due;
    }

    /// <summary>Drops from the manifest what is gone, and lets go of pins at parents this namespace no longer reads from.</summary>
    private async Task ForgetAsync(Namespace target, ManifestVersion current, List<ObjectInfo> objects, List<string> deleted, CancellationToken cancellation)
    {
        var manifest = current.Manifest;
        var gone = deleted.ToHashSet(StringComparer.Ordinal);
        var present = objects.Select(o => o.Key).Where(k => !gone.Contains(k)).ToHashSet(StringComparer.Ordinal);
        var retired = manifest.Retired.Where(r => KeepsRetired(target.Keys, r, present)).ToArray();
        long lowestLeft = objects.Select(o => target.Keys.ParseWalEntry(o.Key))
            .Where(e => e?.Epoch == manifest.Epoch && present.Contains(target.Keys.WalEntry(e.Value.Epoch, e.Value.Sequence)))
            .Select(e => e!.Value.Sequence).DefaultIfEmpty(long.MaxValue).Min();
        var trims = manifest.Trims.Where(t => t.Through == 0 ? IsRecent(t.PublishedAtMs) : t.Through >= lowestLeft).ToArray();
        var releasable = manifest.InheritedTails.Count == 0 ? manifest.PinsHeld.Where(p => !StillNeeds(manifest, retired, p)).ToArray() : [];
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

    /// <summary>Own objects are remembered until they are gone; a parent's until grace has passed for the sake of this namespace's slower readers.</summary>
    private bool KeepsRetired(NamespaceKeys keys, RetiredObject item, HashSet<string> present) =>
        item.Key.StartsWith(keys.Folder, StringComparison.Ordinal)
            ? present.Contains(item.Key)
            : IsRecent(item.RetiredAtMs);

    private bool IsRecent(long milliseconds) => milliseconds + (long)context.Settings.Grace.TotalMilliseconds >= context.NowMs;

    /// <summary>A pin is needed while a segment, or a retired object some reader may still hold, lies in its owner's folder.</summary>
    private bool StillNeeds(Manifest manifest, RetiredObject[] retired, string pin)
    {
        string owner = pin[..pin.IndexOf("/pin/", StringComparison.Ordinal)] + "/";
        return manifest.ObjectKeys().Concat(retired.Where(r => IsRecent(r.RetiredAtMs)).Select(r => r.Key))
            .Any(k => k.StartsWith(owner, StringComparison.Ordinal));
    }

    /// <summary>
    /// A pin that cannot be read stops the collection: what it protects is unknown. Null when one has gone since the listing: a younger pin on the same objects
    /// may have come since, too.
    /// </summary>
    private async Task<PinnedObjects?> ReadPinsAsync(NamespaceKeys keys, List<ObjectInfo> objects, CancellationToken cancellation)
    {
        var pinned = new PinnedObjects();
        foreach (var item in objects.Where(o => o.Key.StartsWith(keys.PinFolder, StringComparison.Ordinal)))
        {
            var result = await context.Store.GetAsync(item.Key, default, StorePurpose.Collect, cancellation);
            if (result.Status == GetStatus.Absent)
            {
                return null;
            }

            try
            {
                pinned.Add(PinFormat.Read(result.Content!.Span));
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

        return pinned;
    }

    private sealed class PinnedObjects
    {
        private readonly HashSet<string> keys = new(StringComparer.Ordinal);
        private readonly List<InheritedTail> tails = [];

        public void Add(BranchPin pin)
        {
            keys.UnionWith(pin.Keys);
            tails.AddRange(pin.Tails);
        }

        public bool Holds(string key) => keys.Contains(key);

        public bool Holds(ulong epoch, long sequence) => tails.Exists(t => t.Epoch == epoch && sequence >= t.From && sequence <= t.Through);
    }
}
