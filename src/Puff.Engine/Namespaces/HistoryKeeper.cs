using Puff.Engine.Formats;
using Puff.Engine.Storage;

namespace Puff.Engine.Namespaces;

/// <summary>
/// Keeps a manifest, before it is replaced, as a point from which the log leads to any later moment. Not every one: a restored namespace replays the log from
/// the last one kept before the moment, so they are as far apart as replaying is cheap, and what only lived between two of them need not be kept.
/// The manifest that follows names the one kept (<see cref="Manifest.History"/>): an object under `history/` that no chain of such names leads to comes from
/// a publication that failed, or from one that came late, and means nothing.
/// </summary>
internal sealed class HistoryKeeper(EngineContext context, NamespaceKeys keys)
{
    /// <summary>The time of the history that passes at least between two manifests kept, unless much is written.</summary>
    private const int StepsPerHistory = 32;

    /// <summary>Much: a log to replay that is longer than this.</summary>
    private const long MaxLogBytes = 64L << 20;

    private const long MaxLogEntries = 1024;

    /// <summary>The newest manifest kept, for the one that replaces <paramref name="old"/>; that is put now when it is to be kept.</summary>
    public async ValueTask<HistoryLink?> KeepAsync(Manifest? old, Manifest next, CancellationToken cancellation)
    {
        if (old is null || !IsToBeKept(old, next))
        {
            return old?.History;
        }

        // Whoever restores needs to know neither what was given up nor when.
        byte[] content = ManifestFormat.Write(old with { Retired = [], Trims = [] });
        await context.Store.PutAsync(keys.History(old.Epoch, old.Version), content, PutCondition.None, StorePurpose.Manifest, cancellation);
        return HistoryLink.To(old);
    }

    private bool IsToBeKept(Manifest old, Manifest next)
    {
        bool hasMore = next.Epoch != old.Epoch || next.IndexedThrough > old.IndexedThrough;
        if (context.Settings.History <= TimeSpan.Zero || old.Deleted || !hasMore)
        {
            return false;
        }

        if (old.History is not { } last || last.Epoch != old.Epoch)
        {
            return true;
        }

        return old.IndexedThrough > last.Through
            && (next.Epoch != old.Epoch || next.Deleted
                || next.IndexedAtMs - last.AtMs >= context.Settings.History.TotalMilliseconds / StepsPerHistory
                || next.IndexedBytes - last.Bytes > MaxLogBytes
                || next.IndexedThrough - last.Through > MaxLogEntries);
    }
}
