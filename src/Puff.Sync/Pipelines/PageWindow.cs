using Puff.Sync.Changes;
using Puff.Sync.Postgres;

namespace Puff.Sync.Pipelines;

/// <summary>
/// Decides which rows read outside the stream may be applied. A page shows what the transactions of its snapshot did and nothing else; a key that a streamed
/// transaction outside that snapshot touched is left to the stream, which carries something newer. A page is held until the stream has delivered everything
/// that was committed before the position read after the page, so that at its release every such transaction has been seen. Not thread-safe: its owner locks.
/// </summary>
internal sealed class PageWindow
{
    private readonly Dictionary<RowKey, List<Touch>> touches = [];
    private readonly List<uint> truncates = [];
    private readonly List<HeldPage> held = [];
    private readonly Dictionary<long, ulong> readFloors = [];
    private readonly HashSet<ulong> distrusted = [];
    private IReadOnlyCollection<uint> unproven = [];
    private ulong lastXmin;
    private long nextTicket;
    private int pins;
    private int pruneAt = 1024;

    /// <summary>Whether touched keys are being recorded: from <see cref="Start"/> to <see cref="Stop"/>.</summary>
    public bool IsRecording { get; private set; }

    public int HeldCount => held.Count;

    /// <summary>Keys with a recorded touch: what memory is spent on.</summary>
    public int TouchedCount => touches.Count;

    /// <summary>The lowest position a held page waits for; null when none is held.</summary>
    public Lsn? Awaited => held.Count == 0 ? null : held.Min(p => p.Page.High);

    /// <summary>Begins to record. Transactions streamed before are known by number only: no page is accepted until a snapshot has seen them all.</summary>
    /// <param name="streamed">The latest transactions of the stream, the one being read among them.</param>
    public void Start(IReadOnlyCollection<uint> streamed)
    {
        if (IsRecording)
        {
            return;
        }

        IsRecording = true;
        unproven = streamed;
        lastXmin = 0;
    }

    /// <summary>
    /// No page is ever accepted whose snapshot does not see these: they had not ended when the process began, so that one of them may have been streamed to an
    /// earlier process without being visible yet.
    /// </summary>
    public void Distrust(IEnumerable<ulong> transactions) => distrusted.UnionWith(transactions);

    /// <summary>Keeps recording between reads, as long as a snapshot runs.</summary>
    public void Pin() => pins++;

    public void Unpin() => pins--;

    /// <summary>Forgets what is recorded when nobody needs it any more.</summary>
    public void StopIfIdle()
    {
        if (IsRecording && pins == 0 && held.Count == 0 && readFloors.Count == 0)
        {
            Stop();
        }
    }

    /// <summary>Forgets everything: nothing is held or being read any more, or the stream was interrupted and all has to be read again.</summary>
    public void Stop()
    {
        IsRecording = false;
        touches.Clear();
        truncates.Clear();
        held.Clear();
        readFloors.Clear();
        unproven = [];
        pruneAt = 1024;
    }

    /// <summary>The pages that are held, which are no longer.</summary>
    public IReadOnlyList<HeldPage> TakeHeld()
    {
        HeldPage[] taken = [.. held];
        held.Clear();
        return taken;
    }

    /// <summary>To be called before a page or keys are read: keeps what its snapshot may not see from being forgotten.</summary>
    public long BeginRead()
    {
        readFloors[++nextTicket] = lastXmin;
        return nextTicket;
    }

    /// <summary>The read came to nothing.</summary>
    public void AbandonRead(long ticket) => readFloors.Remove(ticket);

    /// <summary>A streamed change of a row.</summary>
    /// <param name="incomplete">The change does not carry the whole row, and the row before it may not have been written.</param>
    public void Record(RowKey key, uint transaction, bool incomplete)
    {
        if (!IsRecording)
        {
            return;
        }

        if (!touches.TryGetValue(key, out List<Touch>? ofKey))
        {
            touches.Add(key, ofKey = new List<Touch>(1));
        }

        if (ofKey.Count > 0 && ofKey[^1].Transaction == transaction)
        {
            ofKey[^1] = ofKey[^1] with { Incomplete = incomplete || ofKey[^1].Incomplete };
        }
        else
        {
            ofKey.Add(new Touch(transaction, incomplete));
        }
    }

    /// <summary>A streamed truncate of the table.</summary>
    public void RecordTruncate(uint transaction)
    {
        if (IsRecording)
        {
            truncates.Add(transaction);
        }
    }

    /// <summary>
    /// Takes what was read. False when its snapshot does not yet see all that was streamed before recording began: then it is to be read again a little later.
    /// </summary>
    public bool TryHold(long ticket, HeldPage page)
    {
        if (!readFloors.ContainsKey(ticket))
        {
            return false;
        }

        distrusted.RemoveWhere(t => page.Page.Snapshot.Saw(t) == true);
        if (distrusted.Count > 0)
        {
            return false;
        }

        foreach (uint transaction in unproven)
        {
            if (page.Page.Snapshot.Saw(page.Page.Snapshot.Widen(transaction)) != true)
            {
                return false;
            }
        }

        unproven = [];
        readFloors.Remove(ticket);
        lastXmin = Math.Max(lastXmin, page.Page.Snapshot.Xmin);
        held.Add(page);
        return true;
    }

    /// <summary>The stream has delivered everything committed before this position: the pages that waited for it, in the order they were taken,
    /// judged.</summary>
    public IReadOnlyList<JudgedPage> Pass(Lsn delivered)
    {
        if (held.Count == 0)
        {
            return [];
        }

        List<JudgedPage>? judged = null;
        for (int i = 0; i < held.Count;)
        {
            if (held[i].Page.High > delivered)
            {
                i++;
                continue;
            }

            (judged ??= []).Add(Judge(held[i]));
            held.RemoveAt(i);
        }

        if (judged is not null)
        {
            Prune();
        }

        return judged ?? (IReadOnlyList<JudgedPage>)[];
    }

    private JudgedPage Judge(HeldPage page)
    {
        TransactionSnapshot snapshot = page.Page.Snapshot;
        Verdict truncated = Verdict.Apply;
        foreach (uint transaction in truncates)
        {
            truncated = Worse(truncated, Of(snapshot, new Touch(transaction, Incomplete: false)));
        }

        var apply = new List<int>(page.Page.Rows.Count);
        var reread = new List<RowKey>();
        int stale = 0;
        for (int row = 0; row < page.Keys.Count; row++)
        {
            switch (Worse(truncated, Of(snapshot, page.Keys[row])))
            {
                case Verdict.Apply:
                    apply.Add(row);
                    break;
                case Verdict.Stale:
                    stale++;
                    break;
                default:
                    stale++;
                    reread.Add(page.Keys[row]);
                    break;
            }
        }

        return new JudgedPage(page, apply, JudgeMissing(page, truncated, reread), reread, stale);
    }

    /// <summary>Of keys that were asked for and have no row: those whose absence is the newest that is known.</summary>
    private List<RowKey> JudgeMissing(HeldPage page, Verdict truncated, List<RowKey> reread)
    {
        var gone = new List<RowKey>();
        if (page.Asked is null)
        {
            return gone;
        }

        var found = new HashSet<RowKey>(page.Keys);
        foreach (RowKey key in page.Asked)
        {
            if (!found.Add(key))
            {
                continue;
            }

            switch (Worse(truncated, Of(page.Page.Snapshot, key)))
            {
                case Verdict.Apply:
                    gone.Add(key);
                    break;
                case Verdict.Reread:
                    reread.Add(key);
                    break;
            }
        }

        return gone;
    }

    private Verdict Of(TransactionSnapshot snapshot, RowKey key)
    {
        var verdict = Verdict.Apply;
        if (touches.TryGetValue(key, out List<Touch>? ofKey))
        {
            foreach (Touch touch in ofKey)
            {
                verdict = Worse(verdict, Of(snapshot, touch));
            }
        }

        return verdict;
    }

    private static Verdict Of(TransactionSnapshot snapshot, Touch touch) => snapshot.Saw(snapshot.Widen(touch.Transaction)) switch
    {
        true => Verdict.Apply,
        false => touch.Incomplete ? Verdict.Reread : Verdict.Stale,
        null => Verdict.Reread,
    };

    private static Verdict Worse(Verdict one, Verdict other) => one > other ? one : other;

    /// <summary>Forgets transactions that every page held, being read or to come sees.</summary>
    private void Prune()
    {
        if (touches.Count + truncates.Count < pruneAt)
        {
            return;
        }

        ulong floor = lastXmin;
        foreach (ulong ofRead in readFloors.Values)
        {
            floor = Math.Min(floor, ofRead);
        }

        foreach (HeldPage page in held)
        {
            floor = Math.Min(floor, page.Page.Snapshot.Xmin);
        }

        if (floor > 0)
        {
            bool IsOld(uint transaction) => unchecked((int)(transaction - (uint)floor)) < 0;
            truncates.RemoveAll(IsOld);
            foreach ((RowKey key, List<Touch> ofKey) in touches)
            {
                if (ofKey.RemoveAll(t => IsOld(t.Transaction)) > 0 && ofKey.Count == 0)
                {
                    touches.Remove(key);
                }
            }
        }

        pruneAt = Math.Max(1024, 2 * (touches.Count + truncates.Count));
    }

    private enum Verdict
    {
        Apply,

        /// <summary>The stream has something newer.</summary>
        Stale,

        /// <summary>The stream has something newer that is not the whole row, or it cannot be known whether it is newer.</summary>
        Reread,
    }

    private readonly record struct Touch(uint Transaction, bool Incomplete);
}

/// <summary>Rows read outside the stream, waiting for it.</summary>
/// <param name="Keys">Of each row, in their order.</param>
/// <param name="Asked">Of a read by key: what was asked for. Null for pages.</param>
/// <param name="Owner">Who waits for them.</param>
/// <param name="Lease">What the rows weigh in memory.</param>
internal sealed record HeldPage(RowPage Page, IReadOnlyList<RowKey> Keys, IReadOnlyList<RowKey>? Asked, PageOwner Owner, Lease Lease);

/// <summary>A page the stream has passed.</summary>
/// <param name="Apply">Indices of the rows that are the newest known.</param>
/// <param name="Gone">Keys asked for whose rows no longer exist.</param>
/// <param name="Reread">Keys that must be read again.</param>
/// <param name="Stale">Rows left to the stream.</param>
internal sealed record JudgedPage(HeldPage Held, IReadOnlyList<int> Apply, IReadOnlyList<RowKey> Gone, IReadOnlyList<RowKey> Reread, int Stale)
{
    /// <summary>Where its rows stand in the order of the stream: after all that was committed before, before all that comes.</summary>
    public SyncPosition Position => new(Held.Page.High, 0);
}
