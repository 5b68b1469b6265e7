using Puff.Engine.Formats;
using Puff.Engine.Schema;
using Puff.Engine.Storage;
using Puff.Engine.Wal;

namespace Puff.Engine.Namespaces;

/// <summary>
/// Commits what waits for a namespace, one WAL entry at a time: while a put flies, the next batch gathers (design 3.2). The state each batch is resolved
/// against
/// comes from, and goes back to, the namespace.
/// </summary>
internal sealed class GroupCommitter(EngineContext context, Namespace owner)
{
    /// <summary>A batch that loses this many slots in a row is refused with a retryable error.</summary>
    private const int MaxLostSlots = 200;

    private readonly Lock gate = new();
    private readonly LinkedList<Proposal> waiting = new();
    private Task loop = Task.CompletedTask;
    private bool running;

    /// <summary>True while something waits or is being committed.</summary>
    public bool IsBusy
    {
        get
        {
            lock (gate)
            {
                return running;
            }
        }
    }

    /// <summary>Completes when everything proposed so far was decided.</summary>
    public Task DrainAsync()
    {
        lock (gate)
        {
            return loop;
        }
    }

    /// <param name="resolve">Appends the proposal to the batch or throws; may run several times, when slots are lost.</param>
    /// <param name="endsBatch">Nothing may follow in the same entry.</param>
    /// <returns>What <paramref name="resolve"/> returned in the run that was committed.</returns>
    public Task<object?> ProposeAsync(Func<WriteResolver, object?> resolve, bool endsBatch = false)
    {
        var proposal = new Proposal(resolve, endsBatch);
        lock (gate)
        {
            waiting.AddLast(proposal);
            if (running)
            {
                return proposal.Done.Task;
            }

            running = true;
            loop = RunAsync();
        }

        return proposal.Done.Task;
    }

    private async Task RunAsync()
    {
        // Whoever proposes first must not be held by the batches of those who come after, and holds the lock.
        await Task.Yield();
        while (TakeFirst() is { } first)
        {
            var batch = new List<Proposal> { first };
            try
            {
                await CommitAsync(batch);
            }
            catch (Exception failure)
            {
                foreach (var proposal in batch)
                {
                    proposal.Done.TrySetException(failure);
                }
            }
        }
    }

    private async Task CommitAsync(List<Proposal> batch)
    {
        for (int lost = 0; lost < MaxLostSlots; lost++)
        {
            await owner.PrepareWriteAsync();
            using var lease = context.Drafts.Rent();
            var draft = lease.Draft;
            var (view, sequence, schema) = owner.Resolve(draft, resolver => ResolveAll(resolver, draft, batch));
            if (draft.IsEmpty)
            {
                // Nothing to store, but the answers must hold for the newest state.
                if (await owner.ConfirmAsync(view, sequence))
                {
                    Complete(batch);
                    return;
                }

                continue;
            }

            if (view.NeedsEpoch)
            {
                await owner.CreateEpochAsync(view);
                continue;
            }

            if (await PutAsync(view, schema, draft, sequence + 1))
            {
                Complete(batch);
                return;
            }
        }

        throw new PuffException(
            ErrorKind.Unavailable,
            $"namespace \"{owner.Name}\" is written from elsewhere so fast that this write lost {MaxLostSlots} slots in a row; repeat it");
    }

    /// <summary>True when committed, false when the slot was lost to somebody else.</summary>
    private async Task<bool> PutAsync(NamespaceView view, NamespaceSchema schema, EntryDraft draft, long sequence)
    {
        var header = new WalEntryHeader
        {
            Epoch = view.Epoch,
            Sequence = sequence,
            WriterId = context.WriterId,
            BatchId = context.NextUInt128(),
            TimestampMs = context.NowMs,
            Flags = WalEntryFlags.None,
            Operations = 0,
        };
        var memory = draft.Build(header);
        try
        {
            var entry = OpenOwn(view, schema, memory, sequence);
            return await ClaimAsync(view, header, memory, entry);
        }
        finally
        {
            memory.Release();
        }
    }

    /// <summary>Owns the entry's reference.</summary>
    private async Task<bool> ClaimAsync(NamespaceView view, WalEntryHeader header, NativeObjectMemory memory, WalEntry entry)
    {
        bool isApplied = false;
        try
        {
            switch (await view.Log.ClaimAsync(memory, header, context.Time, CancellationToken.None))
            {
                case SlotOutcome.Lost:
                    await owner.CatchUpAsync();
                    return false;
                case SlotOutcome.Unknown:
                    throw UnknownOutcome();
            }

            if (!await owner.IsSlotTrustedAsync(view, header.Sequence))
            {
                throw UnknownOutcome();
            }

            isApplied = true;
            owner.ApplyOwn(view, entry);
            return true;
        }
        finally
        {
            if (!isApplied)
            {
                entry.Memory.Release();
            }
        }
    }

    /// <summary>Reads the entry as every other node will, before it is stored: a defect of the writer must not stop the namespace for good.</summary>
    private WalEntry OpenOwn(NamespaceView view, NamespaceSchema schema, NativeObjectMemory memory, long sequence)
    {
        WalEntry? entry = null;
        try
        {
            memory.AddReference();
            entry = WalEntry.Open(owner.Keys.WalEntry(view.Epoch, sequence), memory, view.Epoch, sequence);
            entry.CheckFits(schema);
            return entry;
        }
        catch (PuffException damage) when (damage.Kind == ErrorKind.Corrupt)
        {
            entry?.Memory.Release();
            throw PuffException.Internal($"the log entry for \"{owner.Name}\" was not stored, because it would not be readable: {damage.Message}");
        }
    }

    private PuffException UnknownOutcome() => new(ErrorKind.Unavailable,
        $"the store did not say whether the write to \"{owner.Name}\" happened: it may be applied now or later. Read the documents back, or repeat the write");

    /// <summary>Resolves the batch and, while there is room, everything that waits. Failures are kept for <see cref="Complete"/>.</summary>
    private void ResolveAll(WriteResolver resolver, EntryDraft draft, List<Proposal> batch)
    {
        foreach (var proposal in batch)
        {
            proposal.Resolve(resolver);
        }

        while (draft.Bytes < context.Settings.MaxEntryBytes && !batch[^1].EndsBatch && TakeWaiting() is { } more)
        {
            batch.Add(more);
            more.Resolve(resolver);
        }
    }

    private static void Complete(List<Proposal> batch)
    {
        foreach (var proposal in batch)
        {
            proposal.Complete();
        }
    }

    private Proposal? TakeFirst()
    {
        lock (gate)
        {
            if (waiting.First is not { } node)
            {
                running = false;
                return null;
            }

            waiting.RemoveFirst();
            return node.Value;
        }
    }

    private Proposal? TakeWaiting()
    {
        lock (gate)
        {
            if (waiting.First is not { } node)
            {
                return null;
            }

            waiting.RemoveFirst();
            return node.Value;
        }
    }

    private sealed class Proposal(Func<WriteResolver, object?> resolve, bool endsBatch)
    {
        private object? result;
        private Exception? failure;

        public TaskCompletionSource<object?> Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public bool EndsBatch => endsBatch;

        public void Resolve(WriteResolver resolver)
        {
            (result, failure) = (null, null);
            try
            {
                result = resolve(resolver);
            }
            catch (PuffException error)
            {
                failure = error;
            }
        }

        public void Complete()
        {
            if (failure is null)
            {
                Done.TrySetResult(result);
            }
            else
            {
                Done.TrySetException(failure);
            }
        }
    }
}
