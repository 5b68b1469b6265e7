using System.Globalization;
using System.Runtime.CompilerServices;
using Puff.Sync.Changes;
using Puff.Sync.Postgres;
using Puff.TestKit.Simulation;

namespace Puff.Sync.Tests.Simulation;

/// <summary>The connections of one process to the simulated server: slow, cut now and then, answering in any order.</summary>
internal sealed class SimulatedSource(SimulatedDatabase database, SimulatedWorld world, TimeProvider time, Func<bool> isFaulty)
    : IChangeFeed, IRowSource, ISourceServer
{
    public async IAsyncEnumerable<ChangeBatch> ReadAsync(Lsn from, int maxBytes, [EnumeratorCancellation] CancellationToken cancellation)
    {
        await PauseAsync(20, cancellation);
        Lsn start = from > database.Confirmed ? from : database.Confirmed;
        int next = database.Log.FindIndex(r => r.End > start);
        next = next < 0 ? database.Log.Count : next;
        while (true)
        {
            if (next < database.Log.Count)
            {
                LogRecord record = database.Log[next++];
                int at = 0;
                do
                {
                    int count = world.Random.Next(3) == 0 ? 1 + world.Random.Next(3) : int.MaxValue / 2;
                    var batch = new ChangeBatch(256);
                    database.Write(record, batch, at, count);
                    at += count;
                    while (at >= record.Transaction.Changes.Count && next < database.Log.Count && world.Random.Next(3) != 0)
                    {
                        record = database.Log[next++];
                        database.Write(record, batch, 0, int.MaxValue / 2);
                        at = int.MaxValue / 2;
                    }

                    yield return batch;
                    await PauseAsync(3, cancellation);
                    Fail(200);
                }
                while (at < record.Transaction.Changes.Count);
            }
            else
            {
                await PauseAsync(10, cancellation);
                Fail(300);
            }
        }
    }

    public void Confirm(Lsn done) => database.Confirmed = done > database.Confirmed ? done : database.Confirmed;

    public async Task<RowPage> ReadPageAsync(
        RowQuery query, IReadOnlyList<string>? after, IReadOnlyList<string>? upTo, int maxRows, long maxBytes, CancellationToken cancellation)
    {
        await PauseAsync(30, cancellation);
        Fail(30);
        int table = TableOf(query);
        long low = after is null ? long.MinValue : Number(after[0]);
        long high = upTo is null ? long.MaxValue : Number(upTo[0]);
        long[] ids = [.. database.Visible[table].Keys.Where(k => k > low && k <= high).Take(maxRows)];
        return await PageAsync(table, ids, ids.Length < maxRows, cancellation);
    }

    public async Task<RowPage> ReadKeysAsync(RowQuery query, IReadOnlyList<IReadOnlyList<string>> keys, CancellationToken cancellation)
    {
        await PauseAsync(30, cancellation);
        Fail(30);
        int table = TableOf(query);
        return await PageAsync(table, [.. keys.Select(k => Number(k[0])).Where(database.Visible[table].ContainsKey)], true, cancellation);
    }

    public async Task<(IReadOnlyList<string>? Key, long Rows)> FindEndAsync(RowQuery query, CancellationToken cancellation)
    {
        await PauseAsync(10, cancellation);
        SortedDictionary<long, SimulatedRow> rows = database.Visible[TableOf(query)];
        return rows.Count == 0 ? (null, 0) : ([rows.Keys.Last().ToString(CultureInfo.InvariantCulture)], rows.Count);
    }

    public Task<SourceIdentity> IdentifyAsync(CancellationToken cancellation) => Task.FromResult(new SourceIdentity(1, 1, 1, database.Insert));

    public Task<SlotState?> ReadSlotAsync(string slot, CancellationToken cancellation) =>
        Task.FromResult<SlotState?>(new SlotState(database.Confirmed, WalStatus.Reserved, 0, null, true, 1));

    public async Task<Lsn> ReadInsertLsnAsync(CancellationToken cancellation)
    {
        await PauseAsync(5, cancellation);
        return database.Insert;
    }

    public async Task EmitMessageAsync(string prefix, string content, CancellationToken cancellation)
    {
        await PauseAsync(5, cancellation);
        Fail(50);
        database.Emit(prefix, content);
    }

    public ValueTask DisposeAsync() => default;

    private static int TableOf(RowQuery query) => int.Parse(query.Table[1..], CultureInfo.InvariantCulture);

    private static long Number(string text) => long.Parse(text, CultureInfo.InvariantCulture);

    private async Task<RowPage> PageAsync(int table, long[] ids, bool isLast, CancellationToken cancellation)
    {
        TransactionSnapshot snapshot = database.Snapshot();
        RelationShape shape = database.Shapes[table];
        var rows = new ChangeBatch(256);
        foreach (long id in ids)
        {
            SimulatedRow row = database.Visible[table][id];
            rows.Add(ChangeKind.Snapshot, shape, 0, default, 0);
            rows.AddNew(ColumnState.Text, SimulatedChange.Text(id));
            rows.AddNew(ColumnState.Text, System.Text.Encoding.UTF8.GetBytes(row.Body));
            rows.AddNew(ColumnState.Text, SimulatedChange.Text(row.Number));
        }

        await PauseAsync(30, cancellation);
        Lsn high = database.Insert;
        await PauseAsync(10, cancellation);
        return new RowPage(rows, snapshot, high, isLast, ids.Length == 0 ? null : [ids[^1].ToString(CultureInfo.InvariantCulture)]);
    }

    private Task PauseAsync(int maxMilliseconds, CancellationToken cancellation) =>
        Task.Delay(TimeSpan.FromMilliseconds(world.Random.NextDouble() * maxMilliseconds), time, cancellation);

    private void Fail(int oneIn)
    {
        if (isFaulty() && world.Random.Next(oneIn) == 0)
        {
            throw new FeedInterruptedException("the connection was cut");
        }
    }
}
