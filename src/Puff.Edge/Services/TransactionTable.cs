using System.Collections.Concurrent;
using Puff.Edge.Transport;

namespace Puff.Edge.Services;

/// <summary>The open transactions of a server. One that is neither committed nor rolled back in its time is rolled back.</summary>
internal sealed class TransactionTable(KvStore? kv, BlobStore? blobs, TimeProvider time) : IDisposable
{
    public const int MaxOpen = 1_024;

    public static readonly TimeSpan DefaultTimeout = TimeSpan.FromSeconds(30);
    public static readonly TimeSpan MaxTimeout = TimeSpan.FromSeconds(300);

    private readonly ConcurrentDictionary<string, (EdgeTransaction Transaction, ITimer Timer)> open = new();

    public static EdgeException Unknown(string id) => EdgeException.Precondition($"transaction {id} is unknown, ended or timed out; begin a new one");

    /// <param name="timeoutMilliseconds">Null, zero and less mean 30 s; at most 300 s.</param>
    public EdgeTransaction Begin(bool isReadOnly, int? timeoutMilliseconds)
    {
        if (open.Count >= MaxOpen)
        {
            throw new EdgeException(GrpcStatus.ResourceExhausted, $"{MaxOpen} transactions are open; commit or roll back some");
        }

        TimeSpan timeout = timeoutMilliseconds is > 0 and { } given ? TimeSpan.FromMilliseconds(given) : DefaultTimeout;
        timeout = timeout < MaxTimeout ? timeout : MaxTimeout;
        string id = Guid.NewGuid().ToString("D");
        var transaction = new EdgeTransaction(id, isReadOnly, time.GetUtcNow() + timeout, kv, blobs);
        ITimer timer = time.CreateTimer(_ => Take(id)?.Dispose(), null, timeout, Timeout.InfiniteTimeSpan);
        open[id] = (transaction, timer);
        return transaction;
    }

    /// <summary>An open transaction; a failed precondition when there is none of this id.</summary>
    public EdgeTransaction Find(string id) =>
        open.TryGetValue(id, out var found) && found.Transaction.Expires > time.GetUtcNow() ? found.Transaction : throw Unknown(id);

    /// <summary>Takes a transaction out of the table, to end it; null when there is none of this id.</summary>
    public EdgeTransaction? Take(string id)
    {
        if (!open.TryRemove(id, out var found))
        {
            return null;
        }

        found.Timer.Dispose();
        return found.Transaction;
    }

    public void Dispose()
    {
        foreach (string id in open.Keys)
        {
            Take(id)?.Dispose();
        }
    }
}
