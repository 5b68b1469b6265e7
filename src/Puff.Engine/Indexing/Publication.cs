using Puff.Engine.Diagnostics;
using Puff.Engine.Formats;
using Puff.Engine.Namespaces;

namespace Puff.Engine.Indexing;

/// <summary>
/// One attempt to make new objects visible. Begins before the first object is written, because the collector removes what nothing refers to after twice
/// grace: a build that takes longer than grace must not be published.
/// </summary>
internal sealed class Publication(EngineContext context, Namespace target)
{
    private readonly long startedAt = context.Time.GetTimestamp();

    /// <summary>Whether what was built may have been collected: then it must not be published.</summary>
    public bool IsTooLate => context.Time.GetElapsedTime(startedAt) > context.Settings.Grace;

    /// <summary>
    /// Publishes the successor of a manifest; false when somebody else was first, whose manifest is then adopted. Call under <see
    /// cref="Namespace.Publishing"/>.
    /// </summary>
    public async Task<bool> CompleteAsync(ManifestVersion current, Manifest next, CancellationToken cancellation)
    {
        if (IsTooLate)
        {
            LogMessages.BackgroundFailed(context.Log, target.Name, "building took longer than the grace period");
            return false;
        }

        var published = await target.Manifests.PublishAsync(next with { Version = current.Manifest.Version + 1 }, current, cancellation);
        if (published is null)
        {
            context.CountLostPublication();
            LogMessages.PublishLost(context.Log, target.Name);
            if (target.View is { } known)
            {
                await target.RefreshAsync(known);
            }

            return false;
        }

        await target.AdoptAsync(published);
        return true;
    }
}
