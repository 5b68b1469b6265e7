using Puff.Sync.Changes;
using Puff.Sync.Postgres;
using Puff.Sync.State;

namespace Puff.Sync.Pipelines;

/// <summary>
/// Records how far the mappings are, then tells the server what it may forget: the end of the last transaction that is done in every mapping that holds the
/// slot.
/// </summary>
internal sealed class ProgressKeeper(StreamRouter router, IChangeFeed feed, LaneContext context, Lsn confirmed)
{
    private readonly Dictionary<Lane, SyncPosition> saved = [];
    private readonly HashSet<Lane> released = [];
    private ulong confirmedNow = confirmed.Value;

    public Lsn Confirmed => new(Volatile.Read(ref confirmedNow));

    /// <summary>Up to where everything is done.</summary>
    public Lsn Done
    {
        get
        {
            Lsn lowest = router.Mark.End;
            foreach (Lane lane in router.Lanes)
            {
                if (!released.Contains(lane))
                {
                    Lsn ofLane = lane.Intake.Confirmable(lowest);
                    lowest = ofLane < lowest ? ofLane : lowest;
                }
            }

            return lowest;
        }
    }

    /// <summary>The mapping has missed too much, or is not waited for: it no longer holds the slot.</summary>
    public void Release(Lane lane) => released.Add(lane);

    public async Task RunAsync(CancellationToken cancellation)
    {
        var pause = TimeSpan.FromMilliseconds(Math.Clamp(context.Options.BatchDelay.TotalMilliseconds, 10, 200));
        while (true)
        {
            await Task.Delay(pause, context.Time, cancellation);
            await SaveAsync(cancellation);
        }
    }

    public async Task SaveAsync(CancellationToken cancellation)
    {
        Lsn done = Done;
        var moved = new List<MappingProgress>();
        foreach (Lane lane in router.Lanes)
        {
            SyncPosition position = lane.Intake.Applied;
            MappingCounts added = lane.Stats.TakeUnsaved();
            if (added != default || !saved.TryGetValue(lane, out SyncPosition before) || before != position)
            {
                moved.Add(new MappingProgress(
                    lane.Name, lane.Mapping.Record.Generation, position,
                    lane.LastCommitMicroseconds == 0 ? null : ServerTime.Of(lane.LastCommitMicroseconds), added));
                saved[lane] = position;
            }
        }

        if (moved.Count == 0 && done <= Confirmed)
        {
            return;
        }

        await context.RecordAsync(s => s.SaveProgressAsync(moved, done, cancellation), cancellation);
        if (done > Confirmed)
        {
            Volatile.Write(ref confirmedNow, done.Value);
            feed.Confirm(done);
        }
    }
}
