using Puff.Sync.Changes;

namespace Puff.Sync.Pipelines;

/// <summary>Work for a lane, in the order of the stream: changes of one of the stream's batches, or rows that were read outside it and passed.</summary>
/// <param name="Rows">Where the changes are.</param>
/// <param name="Indices">Which of them, in order.</param>
/// <param name="Boundary">End of the transaction before the first of them: what may be confirmed while they are not done.</param>
/// <param name="Lease">Released when the lane is done with it.</param>
/// <param name="Page">Of rows read outside the stream; null for changes.</param>
internal sealed record LaneItem(ChangeBatch Rows, IReadOnlyList<int> Indices, Lsn Boundary, Lease Lease, JudgedPage? Page);

/// <summary>Who is waiting for rows read outside the stream to be applied.</summary>
internal abstract class PageOwner
{
    /// <summary>All rows of the page are durable at the destination or recorded as letters.</summary>
    /// <param name="written">Rows that became documents or removed them.</param>
    public abstract void Applied(JudgedPage page, long written);

    /// <summary>The snapshot and the cursor a token should carry once the page is durable; null when it should leave them as they are.</summary>
    public virtual SnapshotMark? MarkOf(JudgedPage page) => null;
}

/// <summary>How far a snapshot is: stored with the documents in one atomic write where the destination can.</summary>
internal sealed record SnapshotMark(long Snapshot, IReadOnlyList<string> Cursor);
