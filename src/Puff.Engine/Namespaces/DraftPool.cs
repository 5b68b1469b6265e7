namespace Puff.Engine.Namespaces;

/// <summary>
/// Keeps a few drafts with their buffers for the next batches of any namespace: fresh memory costs a page fault for every four kibibytes, which under load
/// is as much as writing into it.
/// </summary>
internal sealed class DraftPool
{
    private const int MaxDrafts = 4;
    private const long MaxDraftBytes = 128L << 20;

    private readonly Lock gate = new();
    private readonly Stack<EntryDraft> free = new();

    /// <summary>An empty draft; dispose the lease to give it back.</summary>
    public Lease Rent()
    {
        lock (gate)
        {
            return new Lease(this, free.TryPop(out var draft) ? draft : new EntryDraft());
        }
    }

    private void Return(EntryDraft draft)
    {
        draft.Reset();
        if (draft.Capacity <= MaxDraftBytes)
        {
            lock (gate)
            {
                if (free.Count < MaxDrafts)
                {
                    free.Push(draft);
                    return;
                }
            }
        }

        draft.Dispose();
    }

    internal readonly struct Lease(DraftPool pool, EntryDraft draft) : IDisposable
    {
        public EntryDraft Draft => draft;

        public void Dispose() => pool.Return(draft);
    }
}
