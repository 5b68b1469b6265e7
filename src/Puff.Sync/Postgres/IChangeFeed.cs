using Puff.Sync.Changes;

namespace Puff.Sync.Postgres;

/// <summary>The stream of one slot: committed transactions in commit order. A server's slot, a recorded file, a generator, or a simulator.</summary>
internal interface IChangeFeed : IAsyncDisposable
{
    /// <summary>
    /// Reads from a position until cancelled; a batch holds what was at hand, at most <paramref name="maxBytes"/> and never less than one change.
    /// Throws <see cref="SyncException"/> for what reconnecting does not mend, <see cref="FeedInterruptedException"/> for the rest: then it may be read anew.
    /// </summary>
    IAsyncEnumerable<ChangeBatch> ReadAsync(Lsn from, int maxBytes, CancellationToken cancellation);

    /// <summary>
    /// Everything that ended at or before this position is done: the server may forget it. Sent by a timer of the feed, also while nobody reads.
    /// </summary>
    void Confirm(Lsn done);
}

/// <summary>The source's connection was lost or refused for now.</summary>
internal sealed class FeedInterruptedException(string message, Exception? inner = null) : Exception(message, inner);
