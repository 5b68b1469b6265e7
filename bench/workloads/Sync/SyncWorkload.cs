using System.Diagnostics;
using Puff.Sync.Changes;
using Puff.Sync.Postgres;

namespace Puff.Workloads.Sync;

/// <summary>
/// Reading Postgres: decoding of a recorded stream, the stream of a real slot into nothing beside pg_recvlogical, pages of a table. The server is the one of
/// tests/tools/postgres-server (PUFF_TEST_POSTGRES).
/// </summary>
internal static class SyncWorkload
{
    private const int RowsPerTransaction = 100;
    private const int BodyBytes = 200;

    public static async Task RunAsync(Options options)
    {
        string mode = options.Text("mode", "all");
        int rows = options.Number("rows", 300_000);
        if (mode is "decode" or "all")
        {
            Decode("one column of 5 bytes, 100 rows a transaction, generated", Generated(rows), rounds: 10);
        }

        await using var database = await SyncDatabase.CreateAsync();
        await database.FillAsync(rows, RowsPerTransaction, BodyBytes);
        if (mode is "decode" or "all")
        {
            Decode(
                "rows of about 240 bytes (4 columns), 100 a transaction, recorded from the server",
                await database.RecordAsync(Math.Min(rows, 200_000)), rounds: 5);
        }

        if (mode is "slot" or "all")
        {
            await StreamAsync(database, rows);
        }

        if (mode is "snapshot" or "all")
        {
            await PagesAsync(database, rows);
        }
    }

    private static List<byte[]> Generated(int rows)
    {
        var shape = new RelationShape(1, "public", "t", ReplicaIdentity.Default, [new ColumnShape("v", 25, -1, true)]);
        var encoder = new PgOutputEncoder();
        var messages = new List<byte[]>();
        void Add(Action write)
        {
            write();
            messages.Add(encoder.Message.ToArray());
        }

        for (int row = 0; row < rows; row += RowsPerTransaction)
        {
            var lsn = new Lsn((ulong)row + 1);
            Add(() => encoder.Begin(lsn, row, (uint)row));
            Add(() => encoder.Relation(shape));
            for (int one = 0; one < RowsPerTransaction; one++)
            {
                Add(() => encoder.Insert(shape, "12345"));
            }

            Add(() => encoder.Commit(lsn, lsn, row));
        }

        return messages;
    }

    private static void Decode(string what, List<byte[]> messages, int rounds)
    {
        var batch = new ChangeBatch(1 << 20);
        var seconds = new List<double>();
        long allocated = 0;
        for (int round = 0; round <= rounds; round++)
        {
            var decoder = new PgOutputDecoder("puff_sync:");
            long before = GC.GetAllocatedBytesForCurrentThread();
            long start = Stopwatch.GetTimestamp();
            foreach (byte[] message in messages)
            {
                decoder.Decode(message, batch);
                if (batch.ByteCount >= 512 * 1024)
                {
                    batch.Clear();
                }
            }

            batch.Clear();
            if (round > 0)
            {
                seconds.Add(Stopwatch.GetElapsedTime(start).TotalSeconds);
                allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            }
        }

        seconds.Sort();
        double median = seconds[seconds.Count / 2];
        double bytes = messages.Sum(message => (double)message.Length);
        Console.WriteLine(
            $"decode: {what}: {messages.Count / median:N0} messages/s, {bytes / median / 1e6:N0} MB/s, {median / messages.Count * 1e9:N0} ns each, "
            + $"{(double)allocated / messages.Count:N2} bytes allocated each");
    }

    private static async Task StreamAsync(SyncDatabase database, int rows)
    {
        await using var feed = new SlotFeed(database.Sessions, new SlotFeedOptions(database.Slot(1), "p", "puff_sync:"), []);
        var before = Process.GetCurrentProcess().TotalProcessorTime;
        long start = Stopwatch.GetTimestamp();
        int seen = 0;
        int batches = 0;
        await foreach (var batch in feed.ReadAsync(default, 1 << 20, CancellationToken.None))
        {
            batches++;
            for (int index = 0; index < batch.Count; index++)
            {
                seen += batch[index].Kind == ChangeKind.Insert ? 1 : 0;
            }

            if (seen >= rows)
            {
                break;
            }
        }

        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        double processor = (Process.GetCurrentProcess().TotalProcessorTime - before).TotalSeconds;
        Console.WriteLine(
            $"slot → nothing: {rows / seconds:N0} rows/s, {feed.BytesReceived / seconds / 1e6:N0} MB/s, {processor / rows * 1e6:N1} µs of processor a row, "
            + $"{batches:N0} batches");
        double peer = await database.ReceiveAsync(database.Slot(2));
        Console.WriteLine($"pg_recvlogical → /dev/null, the same changes: {rows / peer:N0} rows/s");
    }

    private static async Task PagesAsync(SyncDatabase database, int rows)
    {
        await using var source = new RowSource(database.Sessions, connections: 1);
        var query = new RowQuery("public", "rows", ["id", "user_id", "at", "body"], ["id"], null);
        long start = Stopwatch.GetTimestamp();
        IReadOnlyList<string>? after = null;
        int seen = 0;
        int pages = 0;
        for (bool isLast = false; !isLast; pages++)
        {
            var page = await source.ReadPageAsync(query, after, null, 10_000, 16 << 20, CancellationToken.None);
            (after, isLast) = (page.Cursor, page.IsLast);
            seen += page.Rows.Count;
        }

        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        Console.WriteLine($"pages → nothing, one connection: {seen / seconds:N0} rows/s ({seen:N0} of {rows:N0} rows in {pages} pages)");
    }
}
