using Puff.Sync.Changes;
using Puff.Sync.Pipelines;
using Puff.Sync.Postgres;
using Xunit;

namespace Puff.Sync.Tests.Pipelines;

/// <summary>
/// A table with transactions that run at once, are logged, streamed, and become visible in any order that a server allows, while pages and rows by key are
/// read:
/// at the end what was written must be the table. A row's content is the number of the transaction that wrote it last.
/// </summary>
internal sealed class WindowHistory(Random random)
{
    private const int Keys = 8;
    private readonly PageWindow window = new();
    private readonly List<Running> running = [];
    private readonly List<Running> invisible = [];
    private readonly Queue<Running> log = new();
    private readonly Dictionary<int, ulong> table = [];
    private readonly Dictionary<int, ulong> visible = [];
    private readonly Dictionary<int, ulong> written = [];
    private readonly HashSet<int> locked = [];
    private readonly Queue<uint> streamed = new();
    private readonly HashSet<RowKey> pending = [];
    private ulong nextTransaction = uint.MaxValue - 20UL;
    private ulong position = 1;
    private int cursor;

    public static void Run(Random random)
    {
        var history = new WindowHistory(random);
        history.Live(steps: 40);
        history.window.Start([.. history.streamed]);
        history.Live(steps: 200);
        history.Settle();
        Assert.Equal(history.table.OrderBy(r => r.Key), history.written.OrderBy(r => r.Key));
    }

    private void Live(int steps)
    {
        for (int i = 0; i < steps; i++)
        {
            switch (random.Next(7))
            {
                case 0:
                    running.Add(new Running(nextTransaction++));
                    break;
                case 1 when running.Count > 0:
                    Change(running[random.Next(running.Count)]);
                    break;
                case 2 when running.Count > 0:
                    Commit(random.Next(running.Count));
                    break;
                case 3 when invisible.Count > 0:
                    Show(random.Next(invisible.Count));
                    break;
                case 4:
                    Deliver();
                    break;
                case 5 when window.IsRecording && cursor < Keys:
                    ReadPage();
                    break;
                case 6 when window.IsRecording && pending.Count > 0:
                    Reread();
                    break;
            }
        }
    }

    private void Settle()
    {
        while (running.Count > 0)
        {
            Commit(0);
        }

        while (invisible.Count > 0)
        {
            Show(0);
        }

        for (int guard = 0; cursor < Keys || pending.Count > 0 || log.Count > 0 || window.HeldCount > 0; guard++)
        {
            Assert.True(guard < 1000, "the pages never end");
            Deliver();
            if (log.Count == 0)
            {
                ReadPage();
                Reread();
                Pass(position);
            }
        }
    }

    private void Change(Running transaction)
    {
        int key = random.Next(Keys);
        if (!transaction.Rows.ContainsKey(key) && !locked.Add(key))
        {
            return; // Another transaction holds the row.
        }

        bool exists = transaction.Rows.TryGetValue(key, out ulong? own) ? own is not null : table.ContainsKey(key);
        ulong? becomes = exists && random.Next(3) == 0 ? null : transaction.Number;
        transaction.Rows[key] = becomes;
        transaction.Changes.Add((key, becomes, exists && becomes is not null && random.Next(2) == 0));
    }

    private void Commit(int index)
    {
        Running transaction = running[index];
        running.RemoveAt(index);
        transaction.CommitAt = position;
        position += 10;
        foreach ((int key, ulong? content) in transaction.Rows)
        {
            Put(table, key, content);
        }

        log.Enqueue(transaction);
        invisible.Add(transaction);
        if (random.Next(4) != 0)
        {
            Show(invisible.Count - 1);
        }
    }

    private void Show(int index)
    {
        Running transaction = invisible[index];
        invisible.RemoveAt(index);
        foreach ((int key, ulong? content) in transaction.Rows)
        {
            locked.Remove(key); // A server lets locks go after it has made the commit visible.
            Put(visible, key, content);
        }
    }

    private void Deliver()
    {
        if (!log.TryDequeue(out Running? transaction))
        {
            return;
        }

        Pass(transaction.CommitAt);
        streamed.Enqueue((uint)transaction.Number);
        foreach ((int key, ulong? content, bool incomplete) in transaction.Changes)
        {
            window.Record(PageWindowTests.Key(key), (uint)transaction.Number, incomplete);
            if (!incomplete || written.ContainsKey(key))
            {
                Put(written, key, content); // An incomplete change is a patch: nothing where there is no document.
            }
        }
    }

    private void Pass(ulong delivered)
    {
        foreach (JudgedPage judged in window.Pass(new Lsn(delivered)))
        {
            Dictionary<RowKey, ulong> contents = ((Contents)judged.Held.Owner).Rows;
            foreach (int row in judged.Apply)
            {
                RowKey key = judged.Held.Keys[row];
                written[int.Parse(key.Values[0], System.Globalization.CultureInfo.InvariantCulture)] = contents[key];
            }

            foreach (RowKey gone in judged.Gone)
            {
                written.Remove(int.Parse(gone.Values[0], System.Globalization.CultureInfo.InvariantCulture));
            }

            pending.UnionWith(judged.Reread);
        }
    }

    private void ReadPage()
    {
        int[] keys = [.. visible.Keys.Where(k => k >= cursor).Order().Take(2)];
        if (Read(keys, null))
        {
            cursor = keys.Length < 2 ? Keys : keys[^1] + 1;
        }
    }

    private void Reread()
    {
        RowKey[] asked = [.. pending];
        if (asked.Length > 0 && Read([.. asked.Select(k => int.Parse(k.Values[0], System.Globalization.CultureInfo.InvariantCulture))
            .Where(visible.ContainsKey)], asked))
        {
            pending.Clear();
        }
    }

    private bool Read(int[] found, RowKey[]? asked)
    {
        ulong[] open = [.. running.Concat(invisible).Select(t => t.Number)];
        var snapshot = new TransactionSnapshot(open.Length == 0 ? nextTransaction : open.Min(), nextTransaction, open.ToHashSet());
        RowPage page = PageWindowTests.Page(snapshot, position, found);
        var contents = new Contents(found.ToDictionary(PageWindowTests.Key, k => visible[k]));
        HeldPage held = PageWindowTests.Held(page) with { Asked = asked, Owner = contents };
        long ticket = window.BeginRead();
        if (!window.TryHold(ticket, held))
        {
            window.AbandonRead(ticket);
            return false;
        }

        return true;
    }

    private static void Put(Dictionary<int, ulong> rows, int key, ulong? content)
    {
        if (content is { } number)
        {
            rows[key] = number;
        }
        else
        {
            rows.Remove(key);
        }
    }

    private sealed class Contents(Dictionary<RowKey, ulong> rows) : PageOwner
    {
        public Dictionary<RowKey, ulong> Rows => rows;

        public override void Applied(JudgedPage page, long written)
        {
        }
    }

    private sealed class Running(ulong number)
    {
        public ulong Number => number;

        public ulong CommitAt { get; set; }

        public Dictionary<int, ulong?> Rows { get; } = [];

        public List<(int Key, ulong? Content, bool Incomplete)> Changes { get; } = [];
    }
}
