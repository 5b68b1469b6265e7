using Puff.Engine.Namespaces;

namespace Puff.Engine.Indexing;

/// <summary>When the tail of a namespace should become a segment.</summary>
internal static class IndexingSchedule
{
    /// <summary>A tail that others wrote is theirs to index; after this many times the delay it is taken for forgotten.</summary>
    private const int DelaysForOthers = 4;

    /// <summary>How soon a node looks again whether what it announced was done; by then others have noticed a publication, too.</summary>
    public static TimeSpan RepeatAfter(EngineSettings settings)
    {
        var delay = settings.IndexDelay * DelaysForOthers;
        return delay > settings.LeaseTime / 8 ? delay : settings.LeaseTime / 8;
    }

    /// <summary>Null while there is no tail.</summary>
    public static DateTimeOffset? DueAt(EngineContext context, NamespaceState state)
    {
        if (state.OldestUnindexedMs is not { } oldest)
        {
            return null;
        }

        var settings = context.Settings;
        var since = DateTimeOffset.FromUnixTimeMilliseconds(oldest);
        var patience = state.LastWriterId == context.WriterId ? TimeSpan.Zero : settings.IndexDelay * DelaysForOthers;
        if (state.UnindexedBytes >= settings.IndexFlushBytes || state.IsDeleted)
        {
            return context.Time.GetUtcNow() + patience;
        }

        bool isEnough = state.UnindexedBytes >= settings.IndexThresholdBytes || state.Entries.Count >= settings.IndexThresholdEntries;
        return since + patience + (isEnough ? settings.IndexDelay : settings.IndexMaxAge);
    }
}
