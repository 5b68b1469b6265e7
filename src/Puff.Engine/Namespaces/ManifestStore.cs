using Puff.Engine.Encoding;
using Puff.Engine.Formats;
using Puff.Engine.Storage;

namespace Puff.Engine.Namespaces;

/// <param name="Manifest">The content of `current`.</param>
/// <param name="ETag">For the next compare-and-set.</param>
/// <param name="ReadAt">The clock's timestamp before the request that showed it: how long it may be trusted counts from here.</param>
internal sealed record ManifestVersion(Manifest Manifest, string ETag, long ReadAt);

/// <summary>Reads `current` of one namespace and changes it by compare-and-set.</summary>
internal sealed class ManifestStore(EngineContext context, NamespaceKeys keys)
{
    private const int SettlingAttempts = 6;

    private readonly HistoryKeeper history = new(context, keys);

    /// <summary>
    /// The manifest, or null when the namespace has none. With <paramref name="known"/> unchanged on the store, the same content with a fresh ReadAt.
    /// </summary>
    public async ValueTask<ManifestVersion?> ReadAsync(ManifestVersion? known, CancellationToken cancellation)
    {
        long readAt = context.Time.GetTimestamp();
        var result = await context.Store.GetAsync(keys.Current, new GetOptions(IfNoneMatch: known?.ETag), StorePurpose.Manifest, cancellation);
        switch (result.Status)
        {
            case GetStatus.Absent:
                return null;
            case GetStatus.NotModified:
                return known! with { ReadAt = readAt };
        }

        return new ManifestVersion(Parse(keys.Current, result.Content!), result.ETag!, readAt);
    }

    /// <summary>A manifest that was kept when it was replaced; null when it is there no more.</summary>
    public async ValueTask<Manifest?> ReadKeptAsync(ulong epoch, long version, StorePurpose purpose, CancellationToken cancellation)
    {
        string key = keys.History(epoch, version);
        var result = await context.Store.GetAsync(key, default, purpose, cancellation);
        return result.Status == GetStatus.Absent ? null : Parse(key, result.Content!);
    }

    /// <summary>Releases the content.</summary>
    private Manifest Parse(string key, ObjectMemory content)
    {
        try
        {
            var manifest = ManifestFormat.Read(content.Span);
            CheckKeys(manifest);
            return manifest;
        }
        catch (CorruptDataException damage)
        {
            throw PuffException.Corrupt($"manifest {key} is damaged: {damage.Message}", damage);
        }
        finally
        {
            content.Release();
        }
    }

    /// <summary>
    /// Every key must be one of a namespace under this root: what a manifest names is read and, once retired, deleted. A manifest that was moved here from
    /// another prefix fails too, because its objects would be taken for orphans.
    /// </summary>
    private void CheckKeys(Manifest manifest)
    {
        var named = manifest.ObjectKeys().Concat(manifest.Retired.Select(r => r.Key)).Concat(manifest.PinsHeld);
        foreach (string key in named)
        {
            if (!ObjectKeys.IsLegal(key) || NamespaceKeys.OwnerOf(context.Settings.Root, key) is null)
            {
                throw new CorruptDataException($"it names the key \"{key}\", which is none of a namespace under \"{context.Settings.Root}\"");
            }
        }

        if (manifest.PinsHeld.FirstOrDefault(p => !NamespaceKeys.IsPin(p)) is { } pin)
        {
            throw new CorruptDataException($"it names the pin \"{pin}\", which is no pin's key");
        }

        if (manifest.InheritedTails.FirstOrDefault(t => !NamespaceKeys.IsName(t.Name)) is { } tail)
        {
            throw new CorruptDataException($"it inherits WAL entries of \"{tail.Name}\", which is no namespace's name");
        }
    }

    /// <summary>
    /// Replaces the manifest if it still is <paramref name="expected"/> (null: if there is none). Null when somebody else was first.
    /// A lost reply is settled by reading the publication's id back. A manifest that begins an epoch may come back in a later version: somebody has built
    /// on it.
    /// </summary>
    public async ValueTask<ManifestVersion?> PublishAsync(Manifest next, ManifestVersion? expected, CancellationToken cancellation)
    {
        next = next with { PublishId = context.NextUInt128(), History = await history.KeepAsync(expected?.Manifest, next, cancellation) };
        byte[] content = ManifestFormat.Write(next);
        var condition = expected is null ? PutCondition.Absent : PutCondition.Matches(expected.ETag);
        bool unsettled = false;
        for (int attempt = 0; ; attempt++)
        {
            try
            {
                long readAt = context.Time.GetTimestamp();
                var result = await context.Store.PutAsync(keys.Current, content, condition, StorePurpose.Manifest, cancellation);
                if (result.Status == PutStatus.Written)
                {
                    return new ManifestVersion(next, result.ETag!, readAt);
                }

                // Changed, perhaps by ourselves: a put that was sent once can arrive twice.
                unsettled = true;
                return await SettleAsync(next, expected, cancellation);
            }
            catch (StoreException failure) when ((failure.OutcomeUnknown || unsettled) && attempt + 1 < SettlingAttempts)
            {
                unsettled = true;
            }

            await Task.Delay(TimeSpan.FromMilliseconds(50 << attempt), context.Time, cancellation);
        }
    }

    /// <summary>
    /// Whether a put that was refused at last had won at first. Another publication in its place means for a version within an epoch that this one is lost or
    /// outdated, which is the same to its maker. An epoch is different: it exists from its first manifest on, whatever was built on it since.
    /// </summary>
    private async ValueTask<ManifestVersion?> SettleAsync(Manifest next, ManifestVersion? expected, CancellationToken cancellation)
    {
        var found = await ReadAsync(null, cancellation);
        bool isOurs = found is not null && (found.Manifest.PublishId == next.PublishId
            || (found.Manifest.Epoch == next.Epoch && expected?.Manifest.Epoch != next.Epoch));
        return isOurs ? found : null;
    }
}
