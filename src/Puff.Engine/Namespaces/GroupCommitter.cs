using Puff.Engine.Formats;
using Puff.Engine.Schema;
using Puff.Engine.Storage;
using Puff.Engine.Wal;

namespace Puff.Engine.Namespaces;

/// <summary>
/// Commits what waits for a namespace, one WAL entry at a time: while a put flies, the next batch gathers (design 3.2), and what in it does not depend on
/// documents is resolved already. The state each batch is resolved against comes from, and goes back to, the namespace.
/// </summary>
internal sealed class GroupCommitter(EngineContext context, Namespace owner)
{
    /// <summary>A batch that loses this many slots in a row is refused with a retryable error.</summary>
    private const int MaxLostSlots = 200;

    private readonly Lock gate = new();
    private readonly LinkedList<Proposal> waiting = new();
    private TaskCompletionSource? arrival;
    private CommitBatch? ahead;
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
    /// <param name="kind">What it needs to know, and what may follow it.</param>
    /// <returns>What <paramref name="resolve"/> returned in the run that was committed.</returns>
    public Task<object?> ProposeAsync(Func<WriteResolver, object?> resolve, ProposalKind kind = ProposalKind.Ordinary)
    {
        var proposal = new Proposal(resolve, kind);
        TaskCompletionSource? awaited;
        lock (gate)
        {
            waiting.AddLast(proposal);
            awaited = arrival;
            if (!running)
            {
                running = true;
                loop = RunAsync();
            }
        }

        awaited?.TrySetResult();
        return proposal.Done.Task;
    }

    private async Task RunAsync()
    {
        // Whoever proposes first must not be held by the batches of those who come after, and holds the lock.
        await Task.Yield();
        while (TakeBatch() is { } batch)
        {
            try
            {
                await CommitAsync(batch);
            }
            catch (Exception failure)
            {
                batch.Fail(failure);
            }
            finally
            {
                batch.Dispose();
            }
        }
    }

    private async Task CommitAsync(CommitBatch batch)
    {
        for (int lost = 0; lost < MaxLostSlots; lost++)
        {
            await owner.PrepareWriteAsync();
            var (view, sequence, schema) = owner.Resolve(on => ResolveAll(on, batch));
            if (batch.Draft.IsEmpty)
            {
                // Nothing to store, but the answers must hold for the newest state.
                if (await owner.ConfirmAsync(view, sequence))
                {
                    batch.Complete();
                    return;
                }
            }
            else if (view.NeedsEpoch)
            {
                await owner.CreateEpochAsync(view);
            }
            else if (await PutAsync(view, schema, batch, sequence + 1))
            {
                batch.Complete();
                return;
            }

        }

        throw new PuffException(
            ErrorKind.Unavailable,
            $"namespace \"{owner.Name}\" is written from elsewhere so fast that this write lost {MaxLostSlots} slots in a row; repeat it");
    }

    /// <summary>True when committed, false when the slot was lost to somebody else.</summary>
    private async Task<bool> PutAsync(NamespaceView view, NamespaceSchema schema, CommitBatch batch, long sequence)
    {
        var header = new WalEntryHeader
        {
            Epoch = view.Epoch,
            Sequence = sequence,
            WriterId = context.WriterId,
            BatchId = context.NextUInt128(),
            TimestampMs = Math.Max(context.NowMs, view.State.CommittedAtMs),
            Flags = WalEntryFlags.None,
            Operations = 0,
        };
        var memory = batch.Draft.Build(header);
        try
        {
            var entry = OpenOwn(view, schema, memory, sequence);
            return await ClaimAsync(view, header, memory, entry, batch);
        }
        finally
        {
            memory.Release();
        }
    }

    /// <summary>Owns the entry's reference.</summary>
    private async Task<bool> ClaimAsync(NamespaceView view, WalEntryHeader header, NativeObjectMemory memory, WalEntry entry, CommitBatch batch)
    {
        bool isApplied = false;
        try
        {
            var claiming = view.Log.ClaimAsync(memory, header, context.Time, CancellationToken.None).AsTask();
            await ResolveAheadAsync(view, batch, claiming);
            switch (await claiming)
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

    /// <summary>Resolves the batch and, while there is room, everything that waits. Failures are kept for the answers.</summary>
    private void ResolveAll(NamespaceView view, CommitBatch batch)
    {
        bool isResolved = batch.IsResolvedOn(view);
        if (!isResolved)
        {
            batch.Reset();
        }

        using var resolver = ResolverOn(view, batch);
        if (!isResolved)
        {
            batch.Resolve(resolver);
        }

        while (HasRoom(batch) && TakeWaiting(independentOnly: false) is { } more)
        {
            batch.Add(more, resolver);
        }
    }

    private WriteResolver ResolverOn(NamespaceView view, CommitBatch batch) => new(context.Settings, view.State, owner.Name, batch.Draft);

    /// <summary>
    /// While the entry of <paramref name="current"/> flies: resolves what arrives for the next one, as far as neither documents nor a changed schema can make
    /// a difference. Should the view turn out to have changed, all of it is resolved again.
    /// </summary>
    private async Task ResolveAheadAsync(NamespaceView view, CommitBatch current, Task claiming)
    {
        if (!view.State.IsLive || current.Draft.ChangesDeclarations)
        {
            return;
        }

        while (!claiming.IsCompleted)
        {
            var arrived = NextArrival();
            while ((ahead is null || HasRoom(ahead)) && TakeWaiting(independentOnly: true) is { } next)
            {
                ResolveAhead(ahead ??= new CommitBatch(context.Drafts.Rent()), next);
            }

            await Task.WhenAny(claiming, arrived);

            // Whoever proposed is not to do the work of this loop.
            await Task.Yield();
        }
    }

    /// <summary>Never fails: the entry that flies must be seen home.</summary>
    private void ResolveAhead(CommitBatch next, Proposal proposal)
    {
        try
        {
            owner.Resolve(on =>
            {
                using var resolver = ResolverOn(on, next);
                next.AddAhead(proposal, resolver, on);
            });
        }
        catch (Exception failure)
        {
            ahead = null;
            proposal.Done.TrySetException(failure);
            next.Fail(failure);
            next.Dispose();
        }
    }

    private bool HasRoom(CommitBatch batch) => batch.Draft.Bytes < context.Settings.MaxEntryBytes && !batch.IsClosed;

    /// <summary>Completes when the next proposal comes.</summary>
    private Task NextArrival()
    {
        lock (gate)
        {
            arrival = new TaskCompletionSource();
            return arrival.Task;
        }
    }

    /// <summary>What was resolved ahead, or a batch that begins with the first that waits; null when there is nothing, which ends the loop.</summary>
    private CommitBatch? TakeBatch()
    {
        if (ahead is { } resolved)
        {
            ahead = null;
            return resolved;
        }

        lock (gate)
        {
            arrival = null;
            if (waiting.First is not { } node)
            {
                running = false;
                return null;
            }

            waiting.RemoveFirst();
            return new CommitBatch(context.Drafts.Rent(), node.Value);
        }
    }

    private Proposal? TakeWaiting(bool independentOnly)
    {
        lock (gate)
        {
            if (waiting.First is not { } node || (independentOnly && node.Value.Kind != ProposalKind.Independent))
            {
                return null;
            }

            waiting.RemoveFirst();
            return node.Value;
        }
    }
}
