using Puff.Sync.Changes;

namespace Puff.Sync.Pipelines;

/// <summary>
/// The side of a lane that the stream is poured into: takes what is new, records touched keys, lets pages in where the stream has passed them, and knows what
/// is not done yet. Thread-safe.
/// </summary>
internal sealed class LaneIntake
{
    private readonly Lock sync = new();
    private readonly Queue<LaneItem> queue = new();
    private readonly LinkedList<LaneItem> outstanding = new();
    private readonly List<Hold> holds = [];
    private readonly Func<StreamMark> stream;
    private List<int> open = [];
    private Lsn openBoundary;
    private SyncPosition routed;
    private SyncPosition applied;
    private Lsn? stoppedAt;
    private int heldPages;

    /// <param name="position">Where the mapping is: everything up to it is done.</param>
    /// <param name="stream">Where the stream is now.</param>
    public LaneIntake(SyncPosition position, Func<StreamMark> stream)
    {
        routed = applied = position;
        this.stream = stream;
    }

    /// <summary>Fires when there may be something to take.</summary>
    public Signal Arrived { get; } = new();

    public PageWindow Window { get; } = new();

    /// <summary>Guards <see cref="Window"/>.</summary>
    public Lock Sync => sync;

    /// <summary>Position that may be recorded: every change up to it is written, or recorded as a letter.</summary>
    public SyncPosition Applied
    {
        get
        {
            lock (sync)
            {
                holds.RemoveAll(h => h.IsDone);
                SyncPosition lowest = applied;
                foreach (Hold hold in holds)
                {
                    lowest = hold.Before < lowest ? hold.Before : lowest;
                }

                return lowest;
            }
        }
    }

    /// <summary>The position beyond which nothing may be recorded because rows before it are being read again.</summary>
    public SyncPosition KeptBack
    {
        get
        {
            lock (sync)
            {
                holds.RemoveAll(h => h.IsDone);
                var lowest = new SyncPosition(new Lsn(ulong.MaxValue), uint.MaxValue);
                foreach (Hold hold in holds)
                {
                    lowest = hold.Before < lowest ? hold.Before : lowest;
                }

                return lowest;
            }
        }
    }

    public bool IsStopped
    {
        get
        {
            lock (sync)
            {
                return stoppedAt is not null;
            }
        }
    }

    /// <summary>Whether everything that came in is done and nothing is being read again.</summary>
    public bool IsIdle
    {
        get
        {
            lock (sync)
            {
                holds.RemoveAll(h => h.IsDone);
                return outstanding.Count == 0 && open.Count == 0 && holds.Count == 0;
            }
        }
    }

    /// <summary>In words, for whoever wants to know what it waits for.</summary>
    public string Describe()
    {
        lock (sync)
        {
            return $"queue {queue.Count}, outstanding {outstanding.Count}, holds {holds.Count(h => !h.IsDone)}, open {open.Count}, held {Window.HeldCount}, "
                + $"recording {Window.IsRecording}, stopped {stoppedAt}, applied {applied}, routed {routed}";
        }
    }

    /// <summary>Whether everything that came in is written; rows may still be being read again.</summary>
    public bool IsWritten
    {
        get
        {
            lock (sync)
            {
                return outstanding.Count == 0 && open.Count == 0;
            }
        }
    }

    /// <summary>What may be confirmed to the server as far as this lane is concerned, when the stream's last whole transaction ended at <paramref
    /// name="end"/>.</summary>
    public Lsn Confirmable(Lsn end)
    {
        lock (sync)
        {
            if (stoppedAt is { } stopped)
            {
                return stopped;
            }

            holds.RemoveAll(h => h.IsDone);
            Lsn lowest = end;
            if (outstanding.First is { } first)
            {
                lowest = first.Value.Boundary < lowest ? first.Value.Boundary : lowest;
            }

            if (open.Count > 0 && openBoundary < lowest)
            {
                lowest = openBoundary;
            }

            foreach (Hold hold in holds)
            {
                lowest = hold.Boundary < lowest ? hold.Boundary : lowest;
            }

            return lowest;
        }
    }

    /// <summary>A change of the mapping's table. Its batch is handed over by <see cref="Seal"/>.</summary>
    /// <param name="rows">Knows the key's columns; asked only while touches are recorded.</param>
    public void Offer(in RowChange change, int index, Lsn boundary, Rereader rows)
    {
        lock (sync)
        {
            if (Window.IsRecording)
            {
                Record(change, rows);
            }

            if (stoppedAt is not null || change.Position <= routed)
            {
                return;
            }

            routed = change.Position;
            if (open.Count == 0)
            {
                openBoundary = boundary;
            }

            open.Add(index);
        }
    }

    /// <summary>Hands over what was offered of a batch of the stream.</summary>
    public void Seal(ChangeBatch batch, Lease lease)
    {
        lock (sync)
        {
            if (open.Count > 0)
            {
                lease.Share();
                Enqueue(new LaneItem(batch, open, openBoundary, lease, null));
                open = [];
            }
        }
    }

    /// <summary>Whether <see cref="Pass"/> has anything to do.</summary>
    public bool HoldsPages => Volatile.Read(ref heldPages) > 0;

    /// <summary>Takes a page that was read; see <see cref="PageWindow.TryHold"/>.</summary>
    public bool TryHold(long ticket, HeldPage page)
    {
        lock (sync)
        {
            bool held = Window.TryHold(ticket, page);
            Volatile.Write(ref heldPages, Window.HeldCount);
            return held;
        }
    }

    /// <summary>The stream has delivered everything committed before a position: pages that waited for it come in at this place.</summary>
    /// <param name="batch">The stream's batch at hand: what was offered of it comes before the pages.</param>
    public void Pass(Lsn delivered, Lsn boundary, ChangeBatch? batch, Lease? lease)
    {
        if (!HoldsPages)
        {
            return;
        }

        lock (sync)
        {
            IReadOnlyList<JudgedPage> judged = Window.Pass(delivered);
            Volatile.Write(ref heldPages, Window.HeldCount);
            if (judged.Count == 0)
            {
                return;
            }

            if (batch is not null && lease is not null)
            {
                Seal(batch, lease);
            }

            Window.StopIfIdle();
            foreach (JudgedPage page in judged)
            {
                page.Held.Page.Rows.Place(page.Position);
                Enqueue(new LaneItem(page.Held.Page.Rows, page.Apply, boundary, page.Held.Lease, page));
            }
        }
    }

    public bool TryTake(out LaneItem? item)
    {
        lock (sync)
        {
            return queue.TryDequeue(out item);
        }
    }

    public bool HasItems
    {
        get
        {
            lock (sync)
            {
                return queue.Count > 0;
            }
        }
    }

    /// <summary>Keeps positions back until rows are read again; registered before the changes that need it count as done.</summary>
    public void Keep(Hold hold)
    {
        lock (sync)
        {
            holds.Add(hold);
        }
    }

    /// <summary>Items are done, and everything of the stream up to a position with them.</summary>
    public void Done(IEnumerable<LaneItem> items, SyncPosition? upTo)
    {
        lock (sync)
        {
            foreach (LaneItem item in items)
            {
                // Almost always the first: lanes work in order.
                if (outstanding.Remove(item))
                {
                    item.Lease.Release();
                }
            }

            if (upTo is { } position && position > applied)
            {
                applied = position;
            }

            holds.RemoveAll(h => h.IsDone);
        }
    }

    /// <summary>The stream was interrupted: everything held or being read must be read again. What was passed stays.</summary>
    public IReadOnlyList<HeldPage> Interrupt()
    {
        lock (sync)
        {
            IReadOnlyList<HeldPage> discarded = Window.TakeHeld();
            Window.Stop();
            Volatile.Write(ref heldPages, 0);
            foreach (HeldPage page in discarded)
            {
                page.Lease.Release();
            }

            return discarded;
        }
    }

    /// <summary>Takes nothing more; what is not done stays as the position that may be confirmed.</summary>
    public void Stop()
    {
        lock (sync)
        {
            if (stoppedAt is not null)
            {
                return;
            }

            Lsn at = Confirmable(stream().End);
            foreach (LaneItem item in outstanding)
            {
                item.Lease.Release();
            }

            stoppedAt = at;
            outstanding.Clear();
            queue.Clear();
            open = [];
        }

        Interrupt();
        Arrived.Set();
    }

    private void Record(in RowChange change, Rereader rows)
    {
        if (change.Kind == ChangeKind.Truncate)
        {
            Window.RecordTruncate(change.TransactionId);
            return;
        }

        int[] ordinals = rows.OrdinalsOf(change.Relation);
        RowKey? after = RowKey.Of(change.New, ordinals);
        RowKey? before = RowKey.Of(change.Old, ordinals);
        if (after is { } now)
        {
            Window.Record(now, change.TransactionId, change.Kind == ChangeKind.Update && change.OldKind != OldTupleKind.Full && HasUnchanged(change.New));
        }

        if (before is { } old && !(after is { } same && same.Equals(old)))
        {
            Window.Record(old, change.TransactionId, incomplete: false);
        }
    }

    /// <summary>Of any column, read or not: reading a row again without need is harmless.</summary>
    private static bool HasUnchanged(in RowTuple row)
    {
        for (int i = 0; i < row.ColumnCount; i++)
        {
            if (row[i] == ColumnState.Unchanged)
            {
                return true;
            }
        }

        return false;
    }

    private void Enqueue(LaneItem item)
    {
        queue.Enqueue(item);
        outstanding.AddLast(item);
        Arrived.Set();
    }
}

/// <param name="End">End of the last transaction that was delivered whole.</param>
internal readonly record struct StreamMark(Lsn End);
