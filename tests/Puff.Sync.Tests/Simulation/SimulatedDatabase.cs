using System.Globalization;
using System.Text;
using Puff.Sync.Changes;
using Puff.Sync.Postgres;

namespace Puff.Sync.Tests.Simulation;

/// <summary>A row of the simulated tables: a large value that updates may leave out, and a small one.</summary>
internal sealed record SimulatedRow(string Body, int Number);

/// <summary>
/// A server with tables, transactions that run at once, a log, visibility that may come after the log was streamed, and one slot. Rows are locked until their
/// transaction is visible, as a server does it.
/// </summary>
internal sealed class SimulatedDatabase
{
    private readonly List<SimulatedTransaction> running = [];
    private readonly List<SimulatedTransaction> invisible = [];
    private readonly HashSet<(int Table, long Id)> locked = [];
    private ulong nextTransaction = uint.MaxValue - 40UL;
    private ulong insert = 1_000;

    public SimulatedDatabase(params ReplicaIdentity[] identities)
    {
        Shapes = [.. identities.Select((identity, i) => new RelationShape(
            (uint)i + 100, "public", $"t{i}", identity,
            [new ColumnShape("id", 20, -1, true), new ColumnShape("body", 25, -1, identity == ReplicaIdentity.Full), new ColumnShape("n", 23, -1,
                identity == ReplicaIdentity.Full)]))];
        Visible = [.. identities.Select(_ => new SortedDictionary<long, SimulatedRow>())];
    }

    public RelationShape[] Shapes { get; }

    public SortedDictionary<long, SimulatedRow>[] Visible { get; }

    /// <summary>Committed transactions in commit order.</summary>
    public List<LogRecord> Log { get; } = [];

    public Lsn Insert => new(insert);

    public Lsn Confirmed { get; set; } = new(1_000);

    public int Open => running.Count + invisible.Count;

    public TransactionSnapshot Snapshot()
    {
        ulong[] open = [.. running.Concat(invisible).Select(t => t.Number)];
        return new TransactionSnapshot(open.Length == 0 ? nextTransaction : open.Min(), nextTransaction, open.ToHashSet());
    }

    /// <summary>One step of what applications do.</summary>
    public void Step(Random random, int keys)
    {
        switch (random.Next(10))
        {
            case 0 or 1 when running.Count < 4:
                running.Add(new SimulatedTransaction(nextTransaction++));
                break;
            case 9 when running.Count > 0 && random.Next(12) == 0:
                Truncate(running[random.Next(running.Count)], random.Next(Shapes.Length));
                break;
            case < 6 when running.Count > 0:
                Change(running[random.Next(running.Count)], random, keys);
                break;
            case 6 or 7 when running.Count > 0:
                Commit(random.Next(running.Count), random);
                break;
            case 8 when running.Count > 0 && random.Next(6) == 0:
                Abort(random.Next(running.Count));
                break;
            default:
                if (invisible.Count > 0)
                {
                    Show(random.Next(invisible.Count));
                }

                break;
        }
    }

    public void Settle(Random random)
    {
        while (running.Count > 0)
        {
            Commit(0, random);
        }

        while (invisible.Count > 0)
        {
            Show(0);
        }
    }

    public void Emit(string prefix, string content)
    {
        var transaction = new SimulatedTransaction(nextTransaction++);
        insert += 8;
        var at = new Lsn(insert);
        insert += 24;
        Log.Add(new LogRecord(transaction, at, new Lsn(insert), (prefix, content)));
    }

    /// <summary>The record as the stream has it.</summary>
    public void Write(LogRecord record, ChangeBatch batch, int from, int count)
    {
        uint number = (uint)record.Transaction.Number;
        if (from == 0)
        {
            batch.Add(ChangeKind.Begin, null, number, new SyncPosition(record.At, 0), record.Micros);
        }

        if (record.Message is { } message && from == 0)
        {
            batch.Add(ChangeKind.Message, null, number, new SyncPosition(record.At, 0), record.Micros);
            batch.AddNew(ColumnState.Text, Encoding.UTF8.GetBytes(message.Prefix));
            batch.AddNew(ColumnState.Text, Encoding.UTF8.GetBytes(message.Content));
        }

        for (int i = from; i < Math.Min(from + count, record.Transaction.Changes.Count); i++)
        {
            record.Transaction.Changes[i].Write(batch, Shapes, number, new SyncPosition(record.At, (uint)i + 1), record.Micros);
        }

        if (from + count >= record.Transaction.Changes.Count)
        {
            batch.Add(ChangeKind.Commit, null, number, new SyncPosition(record.At, 0), record.Micros);
            batch.SetEnd(record.End);
        }
    }

    private void Change(SimulatedTransaction transaction, Random random, int keys)
    {
        int table = random.Next(Shapes.Length);
        long id = random.Next(keys) + 1;
        if (!Lock(transaction, table, id))
        {
            return;
        }

        SimulatedRow? old = transaction.Read(Visible, table, id);
        var fresh = new SimulatedRow($"body {random.Next(1000).ToString(CultureInfo.InvariantCulture)}", random.Next(1000));
        if (old is null)
        {
            transaction.Add(new SimulatedChange(ChangeKind.Insert, table, id, null, fresh, null, false));
        }
        else if (random.Next(4) == 0)
        {
            transaction.Add(new SimulatedChange(ChangeKind.Delete, table, id, null, null, old, false));
        }
        else if (random.Next(6) == 0 && random.Next(keys) + 1 is var other && other != id && Lock(transaction, table, other)
            && transaction.Read(Visible, table, other) is null)
        {
            bool keeps = random.Next(2) == 0;
            transaction.Add(new SimulatedChange(ChangeKind.Update, table, other, id, keeps ? old with { Number = fresh.Number } : fresh, old, keeps));
        }
        else
        {
            bool keeps = random.Next(2) == 0;
            transaction.Add(new SimulatedChange(ChangeKind.Update, table, id, null, keeps ? old with { Number = fresh.Number } : fresh, old, keeps));
        }

        insert += 16;
    }

    private bool Lock(SimulatedTransaction transaction, int table, long id) =>
        transaction.Locks.Contains((table, id)) || (locked.Add((table, id)) && transaction.Locks.Add((table, id)));

    /// <summary>Needs the table for itself.</summary>
    private void Truncate(SimulatedTransaction transaction, int table)
    {
        if (running.Concat(invisible).Any(t => t != transaction && t.Locks.Any(l => l.Table == table)))
        {
            return;
        }

        for (long id = 1; id <= 64; id++)
        {
            Lock(transaction, table, id);
        }

        transaction.Add(new SimulatedChange(ChangeKind.Truncate, table, 0, null, null, null, false));
        insert += 16;
    }

    private void Commit(int index, Random random)
    {
        SimulatedTransaction transaction = running[index];
        running.RemoveAt(index);
        insert += 8;
        var at = new Lsn(insert);
        insert += 24;
        if (transaction.Changes.Count > 0)
        {
            Log.Add(new LogRecord(transaction, at, new Lsn(insert), null));
        }

        invisible.Add(transaction);
        if (random.Next(4) != 0)
        {
            Show(invisible.Count - 1);
        }
    }

    private void Abort(int index)
    {
        SimulatedTransaction transaction = running[index];
        running.RemoveAt(index);
        locked.ExceptWith(transaction.Locks);
    }

    private void Show(int index)
    {
        SimulatedTransaction transaction = invisible[index];
        invisible.RemoveAt(index);
        locked.ExceptWith(transaction.Locks);
        for (int table = 0; table < Shapes.Length; table++)
        {
            foreach ((long id, SimulatedRow? row) in transaction.RowsOf(Visible, table))
            {
                if (row is null)
                {
                    Visible[table].Remove(id);
                }
                else
                {
                    Visible[table][id] = row;
                }
            }
        }
    }
}

/// <param name="At">The commit's record: its position in the stream's order.</param>
internal sealed record LogRecord(SimulatedTransaction Transaction, Lsn At, Lsn End, (string Prefix, string Content)? Message)
{
    public long Micros => (long)At.Value;
}

/// <param name="From">The key before, when it changed.</param>
/// <param name="KeepsBody">The large value did not change: the server may leave it out.</param>
internal sealed record SimulatedChange(ChangeKind Kind, int Table, long Id, long? From, SimulatedRow? Row, SimulatedRow? Old, bool KeepsBody)
{
    public void Write(ChangeBatch batch, RelationShape[] shapes, uint number, SyncPosition position, long micros)
    {
        RelationShape shape = shapes[Table];
        bool isFull = shape.Identity == ReplicaIdentity.Full;
        batch.Add(Kind, shape, number, position, micros);
        if (Row is not null)
        {
            batch.AddNew(ColumnState.Text, Text(Id));
            batch.AddNew(KeepsBody ? ColumnState.Unchanged : ColumnState.Text, KeepsBody ? [] : Encoding.UTF8.GetBytes(Row.Body));
            batch.AddNew(ColumnState.Text, Text(Row.Number));
        }

        if (Old is not null && (isFull || From is not null || Kind == ChangeKind.Delete))
        {
            OldTupleKind kind = isFull ? OldTupleKind.Full : OldTupleKind.Key;
            batch.AddOld(kind, ColumnState.Text, Text(From ?? Id));
            batch.AddOld(kind, isFull ? ColumnState.Text : ColumnState.Null, isFull ? Encoding.UTF8.GetBytes(Old.Body) : []);
            batch.AddOld(kind, isFull ? ColumnState.Text : ColumnState.Null, isFull ? Text(Old.Number) : []);
        }
    }

    public static byte[] Text(long number) => Encoding.UTF8.GetBytes(number.ToString(CultureInfo.InvariantCulture));
}

internal sealed class SimulatedTransaction(ulong number)
{
    public ulong Number => number;

    public HashSet<(int Table, long Id)> Locks { get; } = [];

    public List<SimulatedChange> Changes { get; } = [];

    public void Add(SimulatedChange change) => Changes.Add(change);

    public SimulatedRow? Read(SortedDictionary<long, SimulatedRow>[] visible, int table, long id) =>
        RowsOf(visible, table).TryGetValue(id, out SimulatedRow? own) ? own : visible[table].GetValueOrDefault(id);

    /// <summary>Rows as this transaction leaves them; null for those it removes.</summary>
    public Dictionary<long, SimulatedRow?> RowsOf(SortedDictionary<long, SimulatedRow>[] visible, int table)
    {
        var rows = new Dictionary<long, SimulatedRow?>();
        foreach (SimulatedChange change in Changes.Where(c => c.Table == table))
        {
            if (change.Kind == ChangeKind.Truncate)
            {
                foreach (long id in visible[table].Keys.Concat(rows.Keys).ToArray())
                {
                    rows[id] = null;
                }

                continue;
            }

            if (change.From is { } from)
            {
                rows[from] = null;
            }

            rows[change.Id] = change.Row;
        }

        return rows;
    }
}
