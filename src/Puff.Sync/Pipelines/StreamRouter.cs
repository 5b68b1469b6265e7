using Puff.Sync.Changes;

namespace Puff.Sync.Pipelines;

/// <summary>
/// Gives each change of the stream to the lanes of its table and tells pages how far the stream is. Called by one reader; asked by any thread.
/// </summary>
internal sealed class StreamRouter(PipelineOptions options, MemoryBudget budget)
{
    private const int Remembered = 10_000;
    private readonly Lock sync = new();
    private readonly Queue<uint> recent = new(Remembered);
    private readonly Dictionary<uint, Lane[]> byTable = [];
    private volatile Lane[] lanes = [];
    private ulong end;
    private ulong delivered;

    /// <summary>Bytes and transactions since the beginning.</summary>
    public long Bytes { get; private set; }

    public long Transactions { get; private set; }

    public long Unrouted { get; private set; }

    /// <summary>Fires when a message of this pipeline came back; with its content.</summary>
    public event Action<string>? MessageReturned;

    /// <summary>Commit time of the last transaction, microseconds since 2000-01-01 UTC.</summary>
    public long LastCommitMicroseconds { get; private set; }

    public StreamMark Mark => new(new Lsn(Volatile.Read(ref end)));

    /// <summary>Everything committed before this has been delivered.</summary>
    public Lsn Delivered => new(Volatile.Read(ref delivered));

    public IReadOnlyList<Lane> Lanes => lanes;

    /// <summary>The numbers of the latest transactions, the one being read among them.</summary>
    public IReadOnlyCollection<uint> Recent()
    {
        lock (sync)
        {
            return [.. recent];
        }
    }

    public void SetLanes(IEnumerable<Lane> all)
    {
        lock (sync)
        {
            lanes = [.. all];
            byTable.Clear();
        }
    }

    /// <summary>The stream begins (again) after this position.</summary>
    public void Restart(Lsn from)
    {
        Volatile.Write(ref end, from.Value);
        Volatile.Write(ref delivered, from.Value);
    }

    public void Route(ChangeBatch batch)
    {
        Lane[] all = lanes;
        Lease lease = Lease.Take(budget, batch.ByteCount + (64L * batch.Count));
        Bytes += batch.ByteCount;
        for (int i = 0; i < batch.Count; i++)
        {
            RowChange change = batch[i];
            switch (change.Kind)
            {
                case ChangeKind.Begin:
                    Remember(change.TransactionId);
                    Pass(all, change.Position.Commit, batch, lease);
                    break;
                case ChangeKind.Commit:
                    Transactions++;
                    LastCommitMicroseconds = change.CommitMicroseconds;
                    Volatile.Write(ref end, Math.Max(end, change.EndLsn.Value));
                    Pass(all, change.EndLsn, batch, lease);
                    break;
                case ChangeKind.Message:
                    Return(change);
                    break;
                default:
                    Offer(change, i);
                    break;
            }
        }

        foreach (Lane lane in all)
        {
            lane.Intake.Seal(batch, lease);
        }

        lease.Release();
    }

    private void Remember(uint transaction)
    {
        lock (sync)
        {
            if (recent.Count == Remembered)
            {
                recent.Dequeue();
            }

            recent.Enqueue(transaction);
        }
    }

    private void Pass(Lane[] all, Lsn position, ChangeBatch batch, Lease lease)
    {
        Volatile.Write(ref delivered, Math.Max(delivered, position.Value));
        foreach (Lane lane in all)
        {
            lane.Intake.Pass(position, Mark.End, batch, lease);
        }
    }

    private void Return(in RowChange change)
    {
        RowTuple message = change.New;
        if (message.Exists && message.ColumnCount > 1 && message.Bytes(0).SequenceEqual(System.Text.Encoding.UTF8.GetBytes($"puff_sync:{options.Name}")))
        {
            MessageReturned?.Invoke(System.Text.Encoding.UTF8.GetString(message.Bytes(1)));
        }
    }

    private void Offer(in RowChange change, int index)
    {
        RelationShape relation = change.Relation;
        if (!byTable.TryGetValue(relation.Oid, out Lane[]? ofTable))
        {
            lock (sync)
            {
                ofTable = [.. lanes.Where(l => IsOf(l, relation))];
                byTable[relation.Oid] = ofTable;
            }
        }

        if (ofTable.Length == 0)
        {
            Unrouted++;
        }

        foreach (Lane lane in ofTable)
        {
            lane.Intake.Offer(change, index, Mark.End, lane.Rereader);
        }
    }

    /// <summary>By the table's number where it is known, so that a renamed table is followed; else by name.</summary>
    private static bool IsOf(Lane lane, RelationShape relation) => lane.Mapping.Record.RelationOid == relation.Oid
        || (lane.Mapping.Definition.Source.Schema == relation.Schema && lane.Mapping.Definition.Source.Table == relation.Table);
}
