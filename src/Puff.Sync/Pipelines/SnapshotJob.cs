using Puff.Sync.Changes;
using Puff.Sync.Postgres;
using Puff.Sync.State;

namespace Puff.Sync.Pipelines;

/// <summary>
/// Reads the existing rows of one mapping in pages, while the stream goes on. A page's cursor counts once its rows are durable and those it had to leave are
/// read again; from there a snapshot resumes after any interruption.
/// </summary>
internal sealed class SnapshotJob
{
    private readonly Lane lane;
    private readonly LaneContext context;
    private readonly int mostRows;
    private readonly Signal moved = new();
    private SnapshotRecord saved;
    private CancellationTokenSource? interruption;
    private long epoch;
    private int inFlight;
    private int pageRows;
    private int quickPages;

    public SnapshotJob(Lane lane, SnapshotRecord record)
    {
        this.lane = lane;
        context = lane.Context;
        saved = record;
        pageRows = mostRows = record.PageRows ?? lane.Mapping.Definition.Snapshot.PageRows ?? context.Options.PageRows;
    }

    public SnapshotRecord Record => saved;

    /// <summary>The stream was interrupted: what is held must be read again. Called after the lane's window has forgotten it.</summary>
    public void Interrupt()
    {
        Interlocked.Increment(ref epoch);
        Volatile.Read(ref interruption)?.Cancel();
    }

    /// <summary>Reads to the end. The record is done then, and saved.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        lock (lane.Intake.Sync)
        {
            lane.Intake.Window.Pin();
        }

        try
        {
            await SaveAsync(saved with { State = SnapshotState.Running, StartedAt = saved.StartedAt ?? context.Time.GetUtcNow() }, cancellation);
            if (saved.Keys is { } keys)
            {
                await ReadKeysAsync(keys, cancellation);
            }
            else
            {
                while (!await TryReadAllAsync(cancellation))
                {
                    // What was passed before the interruption is applied first; then everything goes on from there.
                    await WaitForAsync(() => inFlight == 0, cancellation);
                }
            }

            await SaveAsync(saved with { State = SnapshotState.Done, FinishedAt = context.Time.GetUtcNow() }, cancellation);
        }
        finally
        {
            lock (lane.Intake.Sync)
            {
                lane.Intake.Window.Unpin();
                lane.Intake.Window.StopIfIdle();
            }
        }
    }

    private async Task ReadKeysAsync(IReadOnlyList<IReadOnlyList<string>> keys, CancellationToken cancellation)
    {
        var hold = new Hold(new SyncPosition(new Lsn(ulong.MaxValue), uint.MaxValue), new Lsn(ulong.MaxValue));
        foreach (IReadOnlyList<string> key in keys)
        {
            lane.Rereader.Ask(new RowKey([.. key]), hold);
        }

        hold.Release();
        await hold.Done.WaitAsync(cancellation);
        saved = saved with { RowsRead = keys.Count, RowsWritten = keys.Count };
    }

    /// <summary>False when the stream was interrupted on the way.</summary>
    private async Task<bool> TryReadAllAsync(CancellationToken cancellation)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        Volatile.Write(ref interruption, stop);
        long begun = Interlocked.Read(ref epoch);
        try
        {
            RowQuery query = RowQueries.Of(lane.Mapping, saved.Where);
            if (saved.Kind == SnapshotKind.Initial)
            {
                await ProveAsync(query, stop.Token);
            }

            if (saved.Upper is null && saved.Cursor is null)
            {
                (IReadOnlyList<string>? upper, long rows) = await RetryAsync(() => context.Rows.FindEndAsync(query, stop.Token), stop.Token);
                if (upper is null)
                {
                    return true;
                }

                await SaveAsync(saved with { Upper = lane.Mapping.Definition.Snapshot.StopAt is { } end ? [end] : upper, RowsEstimate = rows }, stop.Token);
            }

            return await ReadPagesAsync(query, begun, stop.Token);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested && Interlocked.Read(ref epoch) != begun)
        {
            return false;
        }
        finally
        {
            Volatile.Write(ref interruption, null);
        }
    }

    /// <summary>
    /// Waits until every transaction that ran when this began has ended: one that changed the table before it was published would be in no page and not in the
    /// stream, and one that was streamed to an earlier process may not be visible yet.
    /// </summary>
    private async Task ProveAsync(RowQuery query, CancellationToken cancellation)
    {
        IReadOnlyCollection<uint> streamed = lane.Streamed();
        lock (lane.Intake.Sync)
        {
            lane.Intake.Window.Start(streamed);
        }

        RowPage first = await RetryAsync(() => context.Rows.ReadPageAsync(query, null, null, 1, 1, cancellation), cancellation);
        HashSet<ulong> running = [.. first.Snapshot.Running ?? new HashSet<ulong>()];
        if (running.Count > 0)
        {
            context.Events.Info("snapshot_waits", lane.Name, $"waiting for the end of {running.Count} transactions that are open");
        }

        while (running.Count > 0)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(100), context.Time, cancellation);
            RowPage again = await RetryAsync(() => context.Rows.ReadPageAsync(query, null, null, 1, 1, cancellation), cancellation);
            running.RemoveWhere(t => again.Snapshot.Saw(t) == true);
        }
    }

    private async Task<bool> ReadPagesAsync(RowQuery query, long begun, CancellationToken cancellation)
    {
        IReadOnlyList<string>? cursor = saved.Cursor ?? (lane.Mapping.Definition.Snapshot.StartAfter is { } start ? [start] : null);
        var pages = new Queue<PendingPage>();
        bool isLast = false;
        while (!isLast || pages.Count > 0)
        {
            Task next = moved.Next;
            while (pages.TryPeek(out PendingPage? done) && done.IsPrefixSettled)
            {
                pages.Dequeue();
                await SettleAsync(done, cancellation);
            }

            if (!isLast && pages.Count < context.Options.PagesInFlight)
            {
                await context.PageBudget.WaitAsync(cancellation);
                PendingPage page = await ReadPageAsync(query, cursor, pages.Count > 0 ? pages.Last() : null, cancellation);
                pages.Enqueue(page);
                cursor = page.Cursor ?? cursor;
                isLast = page.IsLast;
            }
            else if (pages.Count > 0 && !pages.Peek().IsPrefixSettled)
            {
                await next.WaitAsync(cancellation);
            }
        }

        return Interlocked.Read(ref epoch) == begun;
    }

    private async Task SettleAsync(PendingPage page, CancellationToken cancellation)
    {
        lane.Stats.SnapshotWritten += page.Written;
        await SaveAsync(
            saved with
            {
                Cursor = page.Cursor ?? saved.Cursor,
                RowsRead = saved.RowsRead + page.Rows,
                RowsWritten = saved.RowsWritten + page.Written,
                RowsStale = saved.RowsStale + page.Stale,
            },
            cancellation);
    }

    private async Task<PendingPage> ReadPageAsync(RowQuery query, IReadOnlyList<string>? cursor, PendingPage? before, CancellationToken cancellation)
    {
        while (true)
        {
            long ticket = Begin();
            try
            {
                RowPage page = await RetryAsync(
                    () => context.Rows.ReadPageAsync(query, cursor, saved.Upper, pageRows, context.Options.PageBytes, cancellation), cancellation);
                int[] columns = page.Rows.Count == 0 ? [] : lane.Rereader.OrdinalsOf(page.Rows[0].Relation);
                RowKey[] keys = [.. Enumerable.Range(0, page.Rows.Count).Select(i => RowKey.Of(page.Rows[i].New, columns)!.Value)];
                Lease lease = Lease.Take(context.PageBudget, page.Rows.ByteCount + (64L * page.Rows.Count));
                var pending = new PendingPage(this, page, before);
                Interlocked.Increment(ref inFlight);
                if (lane.Intake.TryHold(ticket, new HeldPage(page, keys, null, pending, lease)))
                {
                    lane.Stats.SnapshotRead += page.Rows.Count;
                    context.Wake.Set();
                    return pending;
                }

                Interlocked.Decrement(ref inFlight);
                lease.Release();
            }
            finally
            {
                lock (lane.Intake.Sync)
                {
                    lane.Intake.Window.AbandonRead(ticket);
                }
            }

            await Task.Delay(TimeSpan.FromMilliseconds(100), context.Time, cancellation);
        }
    }

    private long Begin()
    {
        IReadOnlyCollection<uint> streamed = lane.Streamed();
        lock (lane.Intake.Sync)
        {
            lane.Intake.Window.Start(streamed);
            return lane.Intake.Window.BeginRead();
        }
    }

    /// <summary>Repeats while the source is away; a page that takes too long is made smaller, and grows again when pages are quick.</summary>
    private async Task<T> RetryAsync<T>(Func<Task<T>> read, CancellationToken cancellation)
    {
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                T result = await read();
                if (++quickPages >= 10 && pageRows < mostRows)
                {
                    (pageRows, quickPages) = (Math.Min(pageRows * 2, mostRows), 0);
                }

                return result;
            }
            catch (FeedInterruptedException failure)
            {
                quickPages = 0;
                pageRows = Math.Max(Math.Min(100, pageRows), pageRows / 2);
                context.Events.Warn("snapshot_retry", lane.Name, failure.Message);
                await Task.Delay(context.Backoff(attempt), context.Time, cancellation);
            }
        }
    }

    private async Task WaitForAsync(Func<bool> condition, CancellationToken cancellation)
    {
        while (true)
        {
            Task next = moved.Next;
            if (condition())
            {
                return;
            }

            await next.WaitAsync(cancellation);
        }
    }

    private async Task SaveAsync(SnapshotRecord changed, CancellationToken cancellation)
    {
        saved = changed;
        await context.RecordAsync(state => state.SaveSnapshotAsync(changed, cancellation), cancellation);
    }

    /// <summary>Pages that were held when the stream was interrupted will never be applied.</summary>
    public void Discarded(IEnumerable<HeldPage> discarded)
    {
        foreach (HeldPage page in discarded)
        {
            if (page.Owner is PendingPage pending && pending.IsOf(this))
            {
                Interlocked.Decrement(ref inFlight);
            }
        }

        moved.Set();
    }

    /// <summary>A page on its way: settled when its rows are durable and the rows it left are read again.</summary>
    private sealed class PendingPage(SnapshotJob job, RowPage page, PendingPage? before) : PageOwner
    {
        private volatile bool isSettled;

        public IReadOnlyList<string>? Cursor => page.Cursor;

        public bool IsLast => page.IsLast;

        public int Rows => page.Rows.Count;

        public long Written { get; private set; }

        public int Stale { get; private set; }

        /// <summary>It and all pages before it.</summary>
        public bool IsPrefixSettled
        {
            get
            {
                if (before is { IsPrefixSettled: true })
                {
                    before = null;
                }

                return isSettled && before is null;
            }
        }

        public bool IsOf(SnapshotJob other) => other == job;

        public override SnapshotMark? MarkOf(JudgedPage judged) =>
            judged.Reread.Count == 0 && page.Cursor is { } cursor && before is null or { IsPrefixSettled: true } ? new SnapshotMark(job.saved.Id, page.Cursor!)
                : null;

        public override void Applied(JudgedPage judged, long written)
        {
            Written = written;
            Stale = judged.Stale;
            if (judged.Reread.Count == 0)
            {
                Settle();
                return;
            }

            var hold = new Hold(new SyncPosition(new Lsn(ulong.MaxValue), uint.MaxValue), new Lsn(ulong.MaxValue));
            foreach (RowKey key in judged.Reread)
            {
                job.Ask(key, hold);
            }

            _ = SettleAfterAsync(hold);
        }

        private async Task SettleAfterAsync(Hold hold)
        {
            hold.Release();
            await hold.Done;
            Settle();
        }

        private void Settle()
        {
            isSettled = true;
            Interlocked.Decrement(ref job.inFlight);
            job.moved.Set();
        }
    }

    private void Ask(RowKey key, Hold hold) => lane.Rereader.Ask(key, hold);
}
