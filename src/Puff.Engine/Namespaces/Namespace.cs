using Puff.Engine.Diagnostics;
using Puff.Engine.Formats;
using Puff.Engine.Schema;
using Puff.Engine.Wal;

namespace Puff.Engine.Namespaces;

/// <summary>
/// One open namespace on this node: keeps its view fresh, hands out snapshots, takes writes. Knows nothing of queries or of how segments are made.
/// </summary>
internal sealed class Namespace
{
    private readonly EngineContext context;
    private readonly NamespaceLoader loader;
    private readonly SharedProbe freshness;
    private readonly GroupCommitter committer;

    /// <summary>Guards applying entries, resolving batches and swapping the view. Held for processor work only.</summary>
    private readonly Lock stateLock = new();

    /// <summary>Guards taking a snapshot of the view's state against its release.</summary>
    private readonly Lock swapLock = new();

    private NamespaceView? view;

    public Namespace(EngineContext context, string name, INamespaceObserver observer)
    {
        this.context = context;
        Observer = observer;
        Keys = context.KeysOf(name);
        Manifests = new ManifestStore(context, Keys);
        loader = new NamespaceLoader(context, Keys, Manifests);
        freshness = new SharedProbe(CatchUpAsync);
        committer = new GroupCommitter(context, this);
        Behind = new BehindQueries(context, Name);
        Queries = new AdmissionGate(context.Settings.MaxConcurrentQueries, context.Settings.MaxWaitingQueries, $"queries of \"{name}\"");
    }

    public string Name => Keys.Name;

    public NamespaceKeys Keys { get; }

    public ManifestStore Manifests { get; }

    /// <summary>The view this node has, or null before the first look at the store.</summary>
    public NamespaceView? View => Volatile.Read(ref view);

    /// <summary>Admission of this namespace's queries on this node.</summary>
    public AdmissionGate Queries { get; }

    public BehindQueries Behind { get; }

    public INamespaceObserver Observer { get; }

    /// <summary>What checked queries say of this namespace's recall.</summary>
    public RecallEstimate Recall { get; } = new();

    /// <summary>Held by this node's background work while it publishes a manifest, so that it does not lose to itself.</summary>
    public SemaphoreSlim Publishing { get; } = new(1, 1);

    public bool IsBusy => committer.IsBusy || Behind.IsBusy;

    /// <summary>How long the last look at `current` proves something to a reader or a finished write (design 3.3).</summary>
    private TimeSpan TrustSpan => context.Settings.Grace / 2;

    public Task DrainAsync() => Task.WhenAll(committer.DrainAsync(), Behind.DrainAsync());

    /// <summary>Every write acknowledged before the call is in the view afterwards.</summary>
    public Task FreshenAsync() => freshness.RunAsync();

    /// <summary>The state a query reads: with every write acknowledged before the call, or as this node knows it, if no object of it can be gone.</summary>
    public async Task<NamespaceSnapshot> ReadAsync(bool isStrong, CancellationToken cancellation)
    {
        if (isStrong || View is not { State.IsLive: true } known || (!context.Store.Capabilities.SupportsMapping && !IsTrusted(known.ReadAt)))
        {
            await FreshenAsync().WaitAsync(cancellation);
        }

        var snapshot = Snapshot();
        CodeTail();
        return snapshot;
    }

    public NamespaceInfo Describe(EngineSettings settings)
    {
        lock (swapLock)
        {
            if (view is not { State: { IsLive: true } state, Current.Manifest: var manifest })
            {
                throw Missing();
            }

            bool waits = state.UnindexedBytes >= settings.IndexThresholdBytes || state.Entries.Count >= settings.IndexThresholdEntries;
            return new NamespaceInfo
            {
                Name = Name,
                Schema = state.Schema,
                ApproxRowCount = manifest.LiveDocuments,
                ApproxLogicalBytes = manifest.LogicalBytes,
                CreatedAt = DateTimeOffset.FromUnixTimeMilliseconds(manifest.CreatedAtMs),
                LastWriteAt = DateTimeOffset.FromUnixTimeMilliseconds(state.LastWriteAtMs),
                UpdatedAt = DateTimeOffset.FromUnixTimeMilliseconds(state.UpdatedAtMs),
                UnindexedBytes = waits ? state.UnindexedBytes : null,
                PinnedReplicas = state.Options.PinnedReplicas == 0 ? null : state.Options.PinnedReplicas,
                ParentNamespace = manifest.Parent,
                Shards = state.Options.Shards == 0 ? null : state.Options.Shards,
                ReadOnly = state.Options.ReadOnly,
                SampledRecall = Recall.Recall,
                RecallChecks = Recall.Checks,
            };
        }
    }

    /// <summary>A snapshot of the live namespace; NotFound when it does not exist.</summary>
    public NamespaceSnapshot Snapshot() => SnapshotWithView().Snapshot;

    /// <summary>A snapshot and the view it belongs to.</summary>
    public (NamespaceView View, NamespaceSnapshot Snapshot) SnapshotWithView()
    {
        lock (swapLock)
        {
            return view is { State: { IsLive: true } state } now
                ? (now, state.Snapshot(Recall.Aim(context.Settings.VectorIndex, state.Manifest.Trees))) : throw Missing();
        }
    }

    /// <summary>The view with its state pinned against release, or null before the first look at the store. The caller unpins the state.</summary>
    public NamespaceView? PinView()
    {
        lock (swapLock)
        {
            view?.State.Pin();
            return view;
        }
    }

    public PuffException Missing() => PuffException.NotFound($"namespace \"{Name}\" does not exist");

    public async Task<WriteResult> WriteAsync(WriteRequest request)
    {
        if (IsHeldBack(request) && View is { } full)
        {
            await RefreshAsync(full);
            if (IsHeldBack(request))
            {
                throw PuffException.Limited($"namespace \"{Name}\" has {View?.State.UnindexedBytes} bytes of writes that are not indexed yet; "
                    + "wait and repeat, or set disable_backpressure");
            }
        }

        var kind = request.DependsOnState ? ProposalKind.Ordinary : ProposalKind.Independent;
        return (WriteResult)(await committer.ProposeAsync(resolver => resolver.Resolve(request), kind))!;
    }

    public Task PatchAsync(MetadataPatch patch) => committer.ProposeAsync(resolver =>
    {
        resolver.Resolve(patch);
        return null;
    });

    public Task DeleteAsync() => committer.ProposeAsync(
        resolver =>
        {
            resolver.ResolveDeletion();
            return null;
        },
        ProposalKind.EndsBatch);

    /// <summary>
    /// Ends an empty namespace, or an epoch that waits for its first entry: a write to a log that is replaced open would be lost. Conflict with documents.
    /// </summary>
    public Task EndEmptyAsync() => committer.ProposeAsync(
        resolver =>
        {
            resolver.ResolveEndOfEmpty();
            return null;
        },
        ProposalKind.EndsBatch);

    /// <summary>Lets go of the view's memory. The next use loads again.</summary>
    public void Close() => Swap(Volatile.Read(ref view), null);

    /// <summary>Has a tail that is searched, and long, coded: a node that only answers queries may have it for long.</summary>
    private void CodeTail()
    {
        if (View is { State: var seen } && seen.WantsTailCodes(context.Settings.VectorIndex))
        {
            Behind.TryRun(() =>
            {
                var pinned = PinView()?.State;
                try
                {
                    pinned?.CodeTail(context.Settings.VectorIndex, CancellationToken.None);
                }
                finally
                {
                    pinned?.Unpin();
                }
            });
        }
    }

    // ---- For the committer ----

    /// <summary>Makes the view one that a write may build on: recent enough that the put can be acknowledged afterwards.</summary>
    public async Task PrepareWriteAsync()
    {
        var known = View;
        if (known is null || known.NeedsEpoch)
        {
            await CatchUpAsync();
        }
        else if (context.Time.GetElapsedTime(known.ReadAt) > TrustSpan / 2 || IsOverdue(known))
        {
            await RefreshAsync(known);
        }
    }

    /// <summary>Resolves something on the present view, whose state neither moves on nor is released meanwhile; returns what it saw.</summary>
    public (NamespaceView View, long Sequence, NamespaceSchema Schema) Resolve(Action<NamespaceView> resolve)
    {
        lock (stateLock)
        {
            var on = View!;
            using var ticket = on.State.EnterRead();
            resolve(on);
            return (on, on.State.Sequence, on.State.Schema);
        }
    }

    /// <summary>True when the store has nothing newer than the state that was resolved against.</summary>
    public async Task<bool> ConfirmAsync(NamespaceView on, long sequence)
    {
        await CatchUpAsync();
        var now = View!;
        return now.Epoch == on.Epoch && now.State.Sequence == sequence && now.State.IsLive == on.State.IsLive;
    }

    /// <summary>Puts a manifest with a new epoch in place of none or of an ended one; whoever loses sees the winner's.</summary>
    public async Task CreateEpochAsync(NamespaceView on)
    {
        if (await Manifests.PublishAsync(NewLife(on), on.Current, CancellationToken.None) is { Manifest.Version: 0 } created)
        {
            var log = new WriteAheadLog(context.Store, Keys, created.Manifest.Epoch);
            Swap(on, new NamespaceView(new NamespaceState(Name, created.Manifest, [], []), created, log, created.ReadAt));
        }
        else
        {
            await ReloadAsync(on);
        }
    }

    /// <summary>The first manifest of a next life: a fresh epoch, and the old one's objects given up.</summary>
    public Manifest NewLife(NamespaceView on)
    {
        long now = Math.Max(context.NowMs, on.State.CommittedAtMs);
        var first = new Manifest { Epoch = context.NextUInt64() | 1, CreatedAtMs = now, IndexedAtMs = now };
        if (on.Current?.Manifest.Dated(context.NowMs, context.Settings.Grace) is not { } old)
        {
            return first;
        }

        var next = first with { Retired = old.Retired, Trims = [new TrimMark(0, 0)], PinsHeld = old.PinsHeld };
        return next.Retiring(old.Segments, [.. TailKeys(old), .. Manifest.KeysOf(old.Trees)]);
    }

    /// <summary>
    /// Log entries of parents that a manifest is the last to need: remembered by their first, so that the pins on them stay for grace, for the sake of
    /// readers and branches that stand on it.
    /// </summary>
    public IEnumerable<string> TailKeys(Manifest manifest) => manifest.InheritedTails.Select(t => Keys.Of(t.Name).WalEntry(t.Epoch, t.From));

    /// <summary>Whether a put that just succeeded may be acknowledged: the slot cannot have been a trimmed one (design 3.3).</summary>
    public async Task<bool> IsSlotTrustedAsync(NamespaceView on, long sequence)
    {
        if (IsTrusted(on.ReadAt))
        {
            return true;
        }

        var current = await Manifests.ReadAsync(null, CancellationToken.None);
        return current is not null && current.Manifest.Epoch == on.Epoch && current.Manifest.TrimmedThrough < sequence;
    }

    /// <summary>Applies an entry this node committed, unless a probe has found it already. Takes over its reference.</summary>
    public void ApplyOwn(NamespaceView on, WalEntry entry)
    {
        lock (stateLock)
        {
            var now = view;
            if (now is null || now.Epoch != on.Epoch || now.State.Sequence + 1 != entry.Header.Sequence)
            {
                entry.Memory.Release();
                return;
            }

            now.State.Apply(entry);
        }

        Observer.TailGrew(this);
    }

    // ---- Freshness ----

    /// <summary>Brings the view to the newest acknowledged state: a probe of the next slot, and of `current` when its last look is too old.</summary>
    public async Task CatchUpAsync()
    {
        while (true)
        {
            var known = View;
            if (known is null)
            {
                // Losing to another load proves nothing: it may have begun before this call.
                if (await ReloadAsync(null) && View is { } loaded && IsTrusted(loaded.ReadAt))
                {
                    return;
                }

                continue;
            }

            if (!known.State.IsLive)
            {
                // Only `current` can tell of a creation; a live manifest may then have entries already.
                if (!await RefreshAsync(known) || View is not { } refreshed)
                {
                    continue;
                }

                known = refreshed;
                if (known.NeedsEpoch)
                {
                    return;
                }
            }

            if (!await AdvanceAsync(known))
            {
                return;
            }
        }
    }

    /// <summary>Looks at `current` and takes over what changed. Other nodes' indexing is noticed here.</summary>
    /// <returns>False when the view was replaced meanwhile by somebody who may have looked earlier.</returns>
    public async Task<bool> RefreshAsync(NamespaceView known)
    {
        long readAt = context.Time.GetTimestamp();
        var current = await Manifests.ReadAsync(known.Current, CancellationToken.None);
        if (current is null)
        {
            return known.Current is null
                ? Swap(known, known with { ReadAt = readAt }, releaseOld: false)
                : Swap(known, NamespaceView.Absent(context, Keys, readAt));
        }

        if (known.Current is not null && current.ETag == known.Current.ETag)
        {
            return Swap(known, known with { ReadAt = current.ReadAt }, releaseOld: false);
        }

        if (current.Manifest.Epoch == known.Epoch && known.Current is not null)
        {
            await AdoptAsync(current);
            return View?.Epoch == known.Epoch;
        }

        return await ReloadAsync(known);
    }

    /// <summary>Rebuilds the state on a newer manifest of the same epoch, keeping the entries after it.</summary>
    public async Task AdoptAsync(ManifestVersion current)
    {
        bool isDone = false;
        while (!isDone && PinView() is { } known)
        {
            try
            {
                isDone = known.Epoch != current.Manifest.Epoch || known.Current is null || known.Current.Manifest.Version >= current.Manifest.Version
                    || await AdoptAsync(known, current);
            }
            finally
            {
                known.State.Unpin();
            }
        }
    }

    /// <summary>False when the view was replaced meanwhile.</summary>
    private async Task<bool> AdoptAsync(NamespaceView known, ManifestVersion current)
    {
        OpenIndex index;
        try
        {
            index = await loader.OpenIndexAsync(current.Manifest, known.State, CancellationToken.None);
        }
        catch (PuffException missing) when (missing.Kind == ErrorKind.Corrupt && !IsTrusted(current.ReadAt))
        {
            // Too long ago: what that manifest names may have been replaced and collected since.
            await ReloadAsync(known);
            return true;
        }

        var state = new NamespaceState(Name, current.Manifest, index.Segments, index.Trees);
        bool isAdopted = false;
        try
        {
            // Most of the tail is applied beside commits and queries, only what came meanwhile in front of them.
            int applied = Replay(known.State, 0, state);
            lock (stateLock)
            {
                if (!ReferenceEquals(view?.State, known.State))
                {
                    return false;
                }

                Replay(known.State, applied, state);
                state.Skip(known.State.Sequence);
                Swap(view, new NamespaceView(state, current, known.Log, current.ReadAt));
                return isAdopted = true;
            }
        }
        finally
        {
            if (!isAdopted)
            {
                state.Release();
            }
        }
    }

    /// <summary>
    /// Applies those of a state's entries, from number <paramref name="first"/> on, that a newer manifest has not indexed. Returns how many it has seen.
    /// </summary>
    private static int Replay(NamespaceState old, int first, NamespaceState state)
    {
        var entries = old.EntriesFrom(first);
        foreach (var entry in entries)
        {
            bool inherited = entry.Header.Epoch != state.Manifest.Epoch;
            if (inherited ? state.Manifest.InheritedTails.Count == 0 : entry.Header.Sequence <= state.Manifest.IndexedThrough)
            {
                continue;
            }

            if (!inherited)
            {
                state.Skip(entry.Header.Sequence - 1);
            }

            entry.Memory.AddReference();
            state.Apply(entry, inherited);
        }

        return first + entries.Length;
    }

    /// <summary>
    /// Enough waits to be indexed, and has for long enough that another node will have done it: only a look at `current` shows that, and without it the tail in
    /// memory would grow for as long as the last look is trusted.
    /// </summary>
    private bool IsOverdue(NamespaceView known) =>
        (known.State.UnindexedBytes >= context.Settings.IndexThresholdBytes || known.State.Entries.Count >= context.Settings.IndexThresholdEntries)
        && context.Time.GetElapsedTime(known.ReadAt) > context.Settings.IndexDelay * 4;

    /// <summary>One step of catching up; false when the state is the newest.</summary>
    private async Task<bool> AdvanceAsync(NamespaceView known)
    {
        long next = known.State.Sequence + 1;
        var refreshing = IsTrusted(known.ReadAt) && !IsOverdue(known) ? Task.CompletedTask : RefreshAsync(known);
        WalEntry? entry = null;
        bool isDamaged = false;
        try
        {
            entry = await known.Log.ReadAsync(next, CancellationToken.None);
        }
        catch (PuffException damage) when (damage.Kind == ErrorKind.Corrupt && context.Settings.CorruptEntries == CorruptEntryPolicy.Skip)
        {
            LogMessages.CorruptEntrySkipped(context.Log, Keys.WalEntry(known.Epoch, next), damage.Message);
            isDamaged = true;
        }
        finally
        {
            await refreshing;
        }

        // Measured after the probe, because the node may have slept before it was sent or answered: an old look at `current` neither proves that a 404 means
        // "not written yet", nor that what was found is the entry that counts and not a stray put into a slot long trimmed.
        bool isProof = IsTrusted(View is { } now && ReferenceEquals(now.State, known.State) ? now.ReadAt : known.ReadAt);
        if (!isProof)
        {
            entry?.Memory.Release();
            return true;
        }

        if (entry is null && !isDamaged)
        {
            return false;
        }

        ApplyFound(known, entry, next);
        return true;
    }

    /// <summary>Whether a look at `current` that began then still says which slots cannot have been trimmed.</summary>
    private bool IsTrusted(long readAt) => context.Time.GetElapsedTime(readAt) <= TrustSpan;

    private void ApplyFound(NamespaceView known, WalEntry? entry, long sequence)
    {
        lock (stateLock)
        {
            var now = view;
            if (now is null || now.Epoch != known.Epoch || now.State.Sequence + 1 != sequence)
            {
                entry?.Memory.Release();
                return;
            }

            if (entry is null || !TryApply(now.State, entry))
            {
                now.State.Skip(sequence);
            }
        }

        Observer.TailGrew(this);
    }

    /// <summary>False when the entry turns out not to fit and the policy is to leave it out.</summary>
    private bool TryApply(NamespaceState state, WalEntry entry)
    {
        try
        {
            state.Apply(entry);
            return true;
        }
        catch (PuffException damage) when (damage.Kind == ErrorKind.Corrupt)
        {
            entry.Memory.Release();
            if (context.Settings.CorruptEntries != CorruptEntryPolicy.Skip)
            {
                throw;
            }

            LogMessages.CorruptEntrySkipped(context.Log, entry.Key, damage.Message);
            return false;
        }
    }

    /// <summary>False when the view was replaced meanwhile.</summary>
    private async Task<bool> ReloadAsync(NamespaceView? known)
    {
        var loaded = await loader.LoadAsync(CancellationToken.None);
        if (!Swap(known, loaded))
        {
            loaded.State.Release();
            return false;
        }

        Observer.TailGrew(this);
        return true;
    }

    /// <summary>Replaces the view if it still stands on the state of <paramref name="expected"/>.</summary>
    private bool Swap(NamespaceView? expected, NamespaceView? next, bool releaseOld = true)
    {
        lock (stateLock)
        {
            lock (swapLock)
            {
                if (!ReferenceEquals(view?.State, expected?.State))
                {
                    return false;
                }

                if (next is not null)
                {
                    next.State.TailGrew = () => Observer.TailGrew(this);
                }

                Volatile.Write(ref view, next);
            }
        }

        if (releaseOld)
        {
            expected?.State.Release();
            context.Warmer.Follow(this);
        }

        return true;
    }

    private bool IsHeldBack(WriteRequest request)
    {
        bool exempt = request.DisableBackpressure && request.Patches is null && request.PatchByFilter is null && request.DeleteByFilter is null
            && request.UpsertCondition is null && request.DeleteCondition is null;
        return !exempt && View is { } known && known.State.TailLoad > context.Settings.BackpressureBytes;
    }
}
