using Puff.Engine.Diagnostics;
using Puff.Engine.Formats;
using Puff.Engine.Namespaces;
using Puff.Engine.Storage;

namespace Puff.Engine.Indexing;

/// <summary>
/// Removes pins of branches that never came to be, because their node died between the pins and the branch's first manifest. A branch lists its pins in its
/// manifest; one that is not listed is either dead, or its publication is still on its way, however long that takes. So the branch's manifest is replaced
/// first, or a tombstone put where there is none: then that publication can never succeed, and the pin protects nothing.
/// </summary>
internal sealed class DeadPins(EngineContext context)
{
    /// <returns>The pins removed.</returns>
    public async Task<List<string>> ReleaseAsync(NamespaceKeys keys, List<ObjectInfo> objects, long now, CancellationToken cancellation)
    {
        var removed = new List<string>();
        double old = now - (Collector.OrphanGraces * context.Settings.Grace.TotalMilliseconds);
        foreach (var item in objects.Where(o => o.LastModified.ToUnixTimeMilliseconds() < old))
        {
            if (keys.ParsePin(item.Key) is { } pin && await IsDeadAsync(keys.Of(pin.Child), item.Key, cancellation))
            {
                await context.Store.DeleteAsync(item.Key, StorePurpose.Collect, cancellation);
                LogMessages.DeadPinRemoved(context.Log, item.Key);
                removed.Add(item.Key);
            }
        }

        return removed;
    }

    private async Task<bool> IsDeadAsync(NamespaceKeys child, string pin, CancellationToken cancellation)
    {
        var manifests = new ManifestStore(context, child);
        var current = await manifests.ReadAsync(null, cancellation);
        if (current is not null && current.Manifest.PinsHeld.Contains(pin, StringComparer.Ordinal))
        {
            return false;
        }

        var fence = current is null
            ? new Manifest { Epoch = context.NextUInt64() | 1, Deleted = true, CreatedAtMs = context.NowMs, IndexedAtMs = context.NowMs }
            : current.Manifest with { Version = current.Manifest.Version + 1 };
        return await manifests.PublishAsync(fence, current, cancellation) is { } published
            && !published.Manifest.PinsHeld.Contains(pin, StringComparer.Ordinal);
    }
}
