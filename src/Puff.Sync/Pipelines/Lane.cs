using Puff.Sync.Changes;

namespace Puff.Sync.Pipelines;

/// <summary>
/// The way of one mapping's changes from the stream to its namespace, in order: decide, transform, convert, merge, write, acknowledge. While one write is in
/// flight the next batch fills.
/// </summary>
internal sealed class Lane
{
    private readonly LaneContext context;
    private readonly LanePreparer preparer;
    private readonly BatchWriter writer;
    private LaneBatch batch = new();
    private LaneItem? item;
    private int nextIndex;

    /// <param name="streamed">Numbers of the latest transactions of the stream.</param>
    /// <param name="runner">Names this process in tokens.</param>
    public Lane(
        PipelineMapping mapping, LaneContext context, SyncPosition position, Func<StreamMark> stream, Func<IReadOnlyCollection<uint>> streamed, string runner)
    {
        this.context = context;
        Mapping = mapping;
        Intake = new LaneIntake(position, stream);
        Letters = new LaneLetters(mapping, context.Options, context.Time);
        Rereader = new Rereader(mapping, context, Intake, streamed, Stats);
        preparer = new LanePreparer(mapping, context, Intake, Letters, Rereader, Stats);
        writer = new BatchWriter(mapping, context, Letters, Rereader, Stats, runner);
        Streamed = streamed;
    }

    public PipelineMapping Mapping { get; }

    public LaneContext Context => context;

    public string Name => Mapping.Definition.Name;

    public LaneIntake Intake { get; }

    public LaneLetters Letters { get; }

    public Rereader Rereader { get; }

    public BatchWriter Writer => writer;

    public LaneStats Stats { get; } = new();

    public Func<IReadOnlyCollection<uint>> Streamed { get; }

    /// <summary>When the newest change that is acknowledged was committed, microseconds since 2000-01-01 UTC.</summary>
    public long LastCommitMicroseconds { get; private set; }

    /// <summary>Why it stopped; null while it runs.</summary>
    public LaneStoppedException? Stopped { get; set; }

    /// <summary>How long changes were on their way: from commit to acknowledgement.</summary>
    public Histogram Freshness { get; } = Histogram.Seconds();

    public Histogram BatchRows { get; } = Histogram.Counts();

    /// <summary>Whether nothing that came in is waiting for anything.</summary>
    public bool IsIdle => Intake.IsIdle && Rereader.IsIdle;

    /// <summary>Works until cancelled. Throws <see cref="LaneStoppedException"/> when the mapping cannot go on, <see cref="SyncException"/> when nothing
    /// can.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        Task? inFlight = null;
        try
        {
            while (true)
            {
                Task arrived = Intake.Arrived.Next;
                await FillAsync(inFlight is null ? context.Options.BatchRows : 4 * context.Options.BatchRows, cancellation);
                if (inFlight is { IsCompleted: true } done)
                {
                    inFlight = null;
                    await done;
                    continue;
                }

                if (inFlight is null && IsDue())
                {
                    inFlight = WriteAsync(batch, cancellation);
                    batch = new LaneBatch();
                    continue;
                }

                await WaitAsync(inFlight, arrived, cancellation);
            }
        }
        finally
        {
            if (inFlight is not null)
            {
                await Task.WhenAny(inFlight);
            }
        }
    }

    private async Task FillAsync(int maxRows, CancellationToken cancellation)
    {
        while (!batch.IsClosed && batch.Changes < maxRows && batch.Bytes < context.Options.BatchBytes)
        {
            if (item is null && !Intake.TryTake(out item))
            {
                return;
            }

            // Not cancelled with the rest: a cancelled delay would wake who waits for any of several tasks on another scheduler.
            batch.Due ??= Task.Delay(context.Options.BatchDelay, context.Time, CancellationToken.None);
            nextIndex = await preparer.PrepareAsync(item!, nextIndex, batch, maxRows, cancellation);
            if (nextIndex >= item!.Indices.Count)
            {
                item = null;
                nextIndex = 0;
            }
        }
    }

    private bool IsDue()
    {
        if (batch.IsEmpty)
        {
            return false;
        }

        return batch.IsClosed || batch.Changes >= context.Options.BatchRows || batch.Bytes >= context.Options.BatchBytes || batch.Due is { IsCompleted: true }
            || batch.Finished.Exists(i => i.Page is not null) && item is null && !Intake.HasItems;
    }

    private async Task WaitAsync(Task? inFlight, Task arrived, CancellationToken cancellation)
    {
        if (inFlight is not null)
        {
            await Task.WhenAny(arrived, inFlight).WaitAsync(cancellation);
        }
        else if (!batch.IsEmpty && batch.Due is { } due)
        {
            await Task.WhenAny(arrived, due).WaitAsync(cancellation);
        }
        else
        {
            await arrived.WaitAsync(cancellation);
        }
    }

    private async Task WriteAsync(LaneBatch sealedBatch, CancellationToken cancellation)
    {
        SyncPosition upTo = sealedBatch.Last ?? Intake.Applied;
        SyncPosition keptBack = Intake.KeptBack;
        SyncPosition recorded = keptBack < upTo ? keptBack : upTo;
        await writer.WriteAsync(sealedBatch, recorded, cancellation);
        BatchRows.Observe(sealedBatch.Changes);
        if (sealedBatch.CommitMicroseconds > 0)
        {
            LastCommitMicroseconds = Math.Max(LastCommitMicroseconds, sealedBatch.CommitMicroseconds);
            Freshness.Observe((context.Time.GetUtcNow() - ServerTime.Of(sealedBatch.CommitMicroseconds)).TotalSeconds);
        }

        Intake.Done(sealedBatch.Finished, sealedBatch.Last);
        foreach (LaneItem finished in sealedBatch.Finished)
        {
            if (finished.Page is { } page)
            {
                page.Held.Owner.Applied(page, page.Apply.Count + page.Gone.Count);
            }
        }
    }
}

internal static class ServerTime
{
    private static readonly DateTimeOffset Epoch = new(2000, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>The server counts microseconds since the year 2000.</summary>
    public static DateTimeOffset Of(long microseconds) => Epoch.AddTicks(microseconds * TimeSpan.TicksPerMicrosecond);
}
