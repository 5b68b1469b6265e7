using Puff.Sync.State;

namespace Puff.Sync.Pipelines;

/// <summary>Counters of one mapping since the process began. Thread-safe.</summary>
internal sealed class LaneStats
{
    private readonly Lock sync = new();
    private MappingCounts total;
    private MappingCounts saved;

    public long Inserts;
    public long Updates;
    public long Deletes;
    public long Truncates;
    public long Unchanged;
    public long Stale;
    public long Requests;
    public long FailedRequests;
    public long Retries;
    public long Rereads;
    public long Letters;
    public long SnapshotRead;
    public long SnapshotWritten;
    public long WriteTicks;

    public MappingCounts Total
    {
        get
        {
            lock (sync)
            {
                return total;
            }
        }
    }

    public void Add(MappingCounts counts)
    {
        lock (sync)
        {
            total += counts;
        }
    }

    /// <summary>What was added since this was asked before.</summary>
    public MappingCounts TakeUnsaved()
    {
        lock (sync)
        {
            var added = new MappingCounts(
                total.Upserted - saved.Upserted, total.Patched - saved.Patched, total.Deleted - saved.Deleted, total.Skipped - saved.Skipped);
            saved = total;
            return added;
        }
    }
}
