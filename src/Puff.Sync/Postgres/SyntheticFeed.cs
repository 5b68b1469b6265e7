using System.Runtime.CompilerServices;
using Puff.Sync.Changes;

namespace Puff.Sync.Postgres;

/// <summary>
/// Inserts without a server, for benchmarks: transactions of equal size into one table of columns `id` (int8, key) and `body` (text), encoded and decoded as
/// a server's. Ends after the given number of rows.
/// </summary>
internal sealed class SyntheticFeed(long rows, int rowsPerTransaction = 100, int bodyBytes = 232) : IChangeFeed
{
    private const ulong TransactionSpan = 1 << 16;
    private readonly PgOutputEncoder encoder = new();
    private readonly PgOutputDecoder decoder = new("puff_sync:");
    private readonly string body = new('x', bodyBytes);

    public RelationShape Shape { get; } =
        new(16384, "public", "rows", ReplicaIdentity.Default, [new("id", 20, -1, IsKey: true), new("body", 25, -1, IsKey: false)]);

    public void Confirm(Lsn done)
    {
        // Nothing is kept that could be forgotten.
    }

    public async IAsyncEnumerable<ChangeBatch> ReadAsync(Lsn from, int maxBytes, [EnumeratorCancellation] CancellationToken cancellation)
    {
        decoder.Restart();
        var batch = new ChangeBatch();
        uint transaction = (uint)Math.Max(1, (from.Value + TransactionSpan - 1) / TransactionSpan);
        long row = (long)(transaction - 1) * rowsPerTransaction;
        for (; row < rows; transaction++)
        {
            cancellation.ThrowIfCancellationRequested();
            var commit = new Lsn(transaction * TransactionSpan);
            encoder.Begin(commit, transaction, transaction);
            decoder.Decode(encoder.Message.Span, batch);
            encoder.Relation(Shape);
            decoder.Decode(encoder.Message.Span, batch);
            long last = Math.Min(rows, row + rowsPerTransaction);
            for (; row < last; row++)
            {
                encoder.Insert(Shape, (row + 1).ToString(System.Globalization.CultureInfo.InvariantCulture), body);
                decoder.Decode(encoder.Message.Span, batch);
            }

            encoder.Commit(commit, new Lsn(commit.Value + 1), transaction);
            decoder.Decode(encoder.Message.Span, batch);
            if (batch.ByteCount >= maxBytes || row >= rows)
            {
                yield return batch;
                batch = new ChangeBatch(batch.ByteCount);
            }
        }

        await Task.CompletedTask;
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
