namespace Puff.Engine.Indexing;

/// <summary>
/// Tells which leases of others have ended: those whose beat has not moved for the lease time on this node's monotonic clock. No two clocks are compared, so
/// none needs to be right. Not thread-safe.
/// </summary>
internal sealed class LeaseWatch(TimeProvider time, TimeSpan leaseTime)
{
    private readonly Dictionary<string, Sighting> sightings = new(StringComparer.Ordinal);

    /// <summary>Notes what was just seen; true when nobody holds the lease any more.</summary>
    public bool HasEnded(string lease, UInt128 owner, long beat)
    {
        if (owner == default)
        {
            sightings.Remove(lease);
            return true;
        }

        if (!sightings.TryGetValue(lease, out var seen) || seen.Owner != owner || seen.Beat != beat)
        {
            sightings[lease] = new Sighting(owner, beat, time.GetTimestamp());
            return false;
        }

        return time.GetElapsedTime(seen.At) >= leaseTime;
    }

    /// <summary>Forgets leases that are no more.</summary>
    public void Keep(Func<string, bool> exists)
    {
        foreach (string gone in sightings.Keys.Where(k => !exists(k)).ToArray())
        {
            sightings.Remove(gone);
        }
    }

    private readonly record struct Sighting(UInt128 Owner, long Beat, long At);
}
