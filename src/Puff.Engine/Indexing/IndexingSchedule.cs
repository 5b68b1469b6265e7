using Puff.Engine.Namespaces;

namespace Puff.Engine.Indexing;

/// <summary>When the tail of a namespace should become a segment.</summary>
internal static class IndexingSchedule
{
    private const int RepeatsPerLease = 6;

    /// <summary>How soon a node looks again whether what it announced was done, and whether there is more.</summary>
    public static TimeSpan RepeatAfter(EngineSettings settings) => settings.LeaseTime / RepeatsPerLease;

    /// <summary>
    /// Null while there is no tail. One that others wrote last is theirs to index; when they have not for the time of a lease, it is taken for forgotten.
    /// </summary>
    public static DateTimeOffset? DueAt(EngineContext context, NamespaceState state)
    {
        if (state.OldestUnindexedMs is not { } oldest)
        {
            return null;
        }

        var settings = context.Settings;
        var since = DateTimeOffset.FromUnixTimeMilliseconds(oldest);
        var patience = state.LastWriterId == context.WriterId ? TimeSpan.Zero : settings.LeaseTime;
        if (state.TailLoad >= settings.IndexFlushBytes || state.IsDeleted)
        {
            return context.Time.GetUtcNow() + patience;
        }

        bool isEnough = state.UnindexedBytes >= settings.IndexThresholdBytes || state.Entries.Count >= settings.IndexThresholdEntries;
        return since + patience + (isEnough ? settings.IndexDelay : settings.IndexMaxAge);
    }
}
