using Puff.Sync.Changes;

namespace Puff.Sync.Pipelines;

/// <summary>
/// Keeps a position (or a snapshot's cursor) from moving past changes whose rows are being read again. Thread-safe.
/// </summary>
/// <param name="before">The last position that may be recorded meanwhile.</param>
/// <param name="boundary">What may be confirmed to the server meanwhile.</param>
internal sealed class Hold(SyncPosition before, Lsn boundary)
{
    private readonly TaskCompletionSource done = new();
    private int pending = 1;
    private bool isDone;

    public SyncPosition Before => before;

    public Lsn Boundary => boundary;

    public Task Done => done.Task;

    public bool IsDone => Volatile.Read(ref isDone);

    public void Add() => Interlocked.Increment(ref pending);

    /// <summary>One of its rows is settled, or whoever made it has added the last.</summary>
    public void Release()
    {
        if (Interlocked.Decrement(ref pending) == 0)
        {
            Volatile.Write(ref isDone, true);
            Completion.Later(done);
        }
    }
}
