using System.Collections.Concurrent;
using Puff.Engine.Diagnostics;
using Puff.Engine.Formats;
using Puff.Engine.Namespaces;
using Puff.Engine.Storage;

namespace Puff.Engine.Indexing;

/// <summary>
/// The background work of an engine: one lane turns tails into segments when they are due, one merges, one sweeps over all namespaces and collects. Failures
/// are logged and tried again. Correctness never depends on any of it.
/// </summary>
internal sealed class Maintenance : INamespaceObserver, IIndexWork
{
    private static readonly TimeSpan RetryDelay = TimeSpan.FromSeconds(5);

    /// <summary>Publications follow each other: the opening object is written for the last one of so long a time.</summary>
    private static readonly TimeSpan OpeningDelay = TimeSpan.FromSeconds(2);

    /// <summary>So often is looked whether a burst is over, in the time that a tail waits.</summary>
    private const int LooksPerDelay = 4;

    /// <summary>A tail that is indexed in a rush has at least such a part of a segment's full size.</summary>
    private const int LeastShareInRush = 8;

    /// <summary>So often a lease is renewed while it lasts.</summary>
    private const int BeatsPerLease = 3;

    /// <summary>A sweep that another node completed so recently, in parts of grace, stands for this node's.</summary>
    private const double LeastOfGrace = 0.9;

    private readonly EngineContext context;
    private readonly CancellationTokenSource stopping = new();
    private readonly DueList tails;
    private readonly DueList merges;
    private readonly DueList openings;
    private readonly Flusher flusher;
    private readonly Merger merger;
    private readonly Collector collector;
    private readonly IndexMetrics metrics;
    private readonly StoreLease collecting;
    private readonly JobTaker? taker;

    /// <summary>Of namespaces that are in a burst, or were and have not been merged since.</summary>
    private readonly ConcurrentDictionary<string, Burst> bursts = new(StringComparer.Ordinal);

    /// <summary>What is to be indexed whether it is due or not: jobs, what was forgotten, ends of bursts.</summary>
    private readonly ConcurrentDictionary<string, bool> anyway = new(StringComparer.Ordinal);

    /// <summary>Trees that are to be trained anew.</summary>
    private readonly ConcurrentDictionary<string, ulong> rebuilds = new(StringComparer.Ordinal);

    /// <summary>The manifest that this process last wrote a namespace's opening object for.</summary>
    private readonly ConcurrentDictionary<string, long> openingVersions = new(StringComparer.Ordinal);

    private NamespaceRegistry? registry;
    private Task lanes = Task.CompletedTask;
    private int begun;

    public Maintenance(EngineContext context, IndexMetrics metrics)
    {
        this.context = context;
        tails = new DueList(context.Time);
        merges = new DueList(context.Time);
        openings = new DueList(context.Time);
        flusher = new Flusher(context);
        merger = new Merger(context);
        collector = new Collector(context);
        this.metrics = metrics;
        collecting = new StoreLease(context, QueueKeys.CollectorLease(context.Settings.Root));
        taker = context.Settings.UseIndexQueue ? new JobTaker(context, new IndexQueue(context), this, metrics) : null;
    }

    /// <summary>Whether no tail waits to be indexed, no merge is due and neither is under way.</summary>
    public bool IsIdle => tails.IsIdle && merges.IsIdle;

    public void Start(NamespaceRegistry namespaces)
    {
        registry = namespaces;
        lanes = Task.WhenAll(
            RepeatAsync(async () => await WorkAsync(await tails.NextAsync(stopping.Token), tails, FlushAsync)),
            RepeatAsync(async () => await WorkAsync(await merges.NextAsync(stopping.Token), merges, MergeAsync)),
            RepeatAsync(async () => await WorkAsync(await openings.NextAsync(stopping.Token), null, WriteOpeningAsync)),
            RepeatAsync(SweepAsync),
            taker is null ? Task.CompletedTask : RepeatAsync(() => PausedAsync(taker.Pause, () => taker.TurnAsync(stopping.Token))),
            taker is null ? Task.CompletedTask : RepeatAsync(() => PausedAsync(context.Settings.LeaseTime / BeatsPerLease, taker.BeatAsync)));
    }

    public async Task StopAsync()
    {
        stopping.Cancel();
        await lanes;
        if (taker is not null)
        {
            await GuardedAsync(() => taker.LeaveAsync(Unfinished()));
        }
    }

    public void TailGrew(Namespace changed)
    {
        if (registry is not null && changed.View is { } view && IndexingSchedule.DueAt(context, view.State) is { } at)
        {
            tails.Schedule(changed.Name, at);
        }
    }

    public void RecallStaysLow(Namespace changed, ulong tree)
    {
        if (registry is not null)
        {
            Rebuild(changed.Name, tree);
        }
    }

    public void Rebuild(string name, ulong tree)
    {
        rebuilds[name] = tree;
        merges.Schedule(name, context.Time.GetUtcNow());
    }

    /// <summary>A tick apart, so that the list keeps the order.</summary>
    public void Begin(string name) => ScheduleAnyway(name, context.Time.GetUtcNow().AddTicks(Interlocked.Increment(ref begun) % 1_000));

    public bool IsWorkingOn(string name) =>
        tails.Concerns(name, context.Time.GetUtcNow() + RetryDelay) || merges.Concerns(name, DateTimeOffset.MaxValue);

    public void Drop(string name)
    {
        anyway.TryRemove(name, out _);
        rebuilds.TryRemove(name, out _);
        tails.Drop(name);
        merges.Drop(name);
    }

    private void ScheduleAnyway(string name, DateTimeOffset at)
    {
        anyway[name] = true;
        tails.Schedule(name, at);
    }

    /// <summary>What this node knows to wait and does not get to any more.</summary>
    private IEnumerable<IndexJob> Unfinished()
    {
        foreach (string name in tails.Names)
        {
            if (registry!.Peek(name) is { State: { UnindexedBytes: > 0 } state } view)
            {
                yield return new IndexJob(name, view.Epoch, state.Sequence, state.UnindexedBytes, context.NowMs);
            }
        }
    }

    private async Task FlushAsync(Namespace target)
    {
        // A segment costs more than a look whether somebody else has made it meanwhile.
        if (target.View is { } known)
        {
            await target.RefreshAsync(known);
        }

        await target.FreshenAsync();
        if (!anyway.ContainsKey(target.Name) && target.View is { } fresh && IndexingSchedule.DueAt(context, fresh.State) > context.Time.GetUtcNow())
        {
            TailGrew(target);
            return;
        }

        bool isRush = target.View is { State: var tail } && GrowsInRush(tail);
        if (await flusher.FlushAsync(target, stopping.Token))
        {
            if (isRush)
            {
                bursts[target.Name] = new Burst(context.Time.GetUtcNow(), HasLeftTail: false);
            }

            metrics.Flushed();
            merges.Schedule(target.Name, context.Time.GetUtcNow());
            ScheduleOpening(target);
        }

        anyway.TryRemove(target.Name, out _);
        TailGrew(target);
    }

    private async Task MergeAsync(Namespace target)
    {
        while (!IsInBurst(target))
        {
            if (IndexesEndOfBurst(target))
            {
                return;
            }

            if (rebuilds.TryGetValue(target.Name, out ulong tree))
            {
                await RebuildAsync(target, tree);
            }

            bool isOver = bursts.TryGetValue(target.Name, out var burst) && !IsOverflowing(target.View?.State);
            if (!await merger.MergeAsync(target, isOver || IdleSince(target) <= context.Time.GetUtcNow(), stopping.Token))
            {
                ScheduleOpening(target);
                if (isOver)
                {
                    bursts.TryRemove(KeyValuePair.Create(target.Name, burst));
                }

                // Not again when it is idle already: then the merge was refused, and the next flush brings the next attempt.
                if (IdleSince(target) > context.Time.GetUtcNow() && target.View is { Current.Manifest: var manifest } && merger.WaitsForIdle(manifest))
                {
                    merges.Schedule(target.Name, IdleSince(target));
                }

                return;
            }
        }

        merges.Schedule(target.Name, context.Time.GetUtcNow() + context.Settings.IndexDelay / LooksPerDelay);
    }

    /// <summary>Tried again when it fails, and forgotten when it is done, or no longer of use.</summary>
    private async Task RebuildAsync(Namespace target, ulong tree)
    {
        // By an old manifest, everything would be built in vain.
        if (target.View is { } known)
        {
            await target.RefreshAsync(known);
        }

        await target.FreshenAsync();
        if (await merger.RebuildAsync(target, tree, stopping.Token))
        {
            metrics.Rebuilt();
            ScheduleOpening(target);
        }

        rebuilds.TryRemove(KeyValuePair.Create(target.Name, tree));
    }

    /// <summary>
    /// Whether a burst has just ended and left a tail: it is indexed first, and the merge that follows takes it along, instead of leaving a small segment that
    /// the next merge would have to add to a large one.
    /// </summary>
    private bool IndexesEndOfBurst(Namespace target)
    {
        if (target.View is not { State: { UnindexedBytes: > 0 } state } || IsOverflowing(state)
            || !bursts.TryGetValue(target.Name, out var burst) || burst.HasLeftTail
            || !bursts.TryUpdate(target.Name, burst with { HasLeftTail = true }, burst))
        {
            return false;
        }

        var now = context.Time.GetUtcNow();
        ScheduleAnyway(target.Name, now);
        merges.Schedule(target.Name, now + context.Settings.IndexDelay);
        return true;
    }

    /// <summary>
    /// Soon, and for a busy namespace not more often than that. A store that maps objects needs none; nor does a namespace whose opening object is as new as
    /// its manifest.
    /// </summary>
    private void ScheduleOpening(Namespace target)
    {
        bool isKnown = target.View?.Current?.Manifest.Version is { } newest && openingVersions.TryGetValue(target.Name, out long version) && version == newest;
        if (!context.Store.Capabilities.SupportsMapping && !isKnown)
        {
            openings.Schedule(target.Name, context.Time.GetUtcNow() + OpeningDelay);
        }
    }

    private async Task WriteOpeningAsync(Namespace target)
    {
        var pinned = target.PinView();
        try
        {
            if (pinned?.Current is { Manifest: { Deleted: false, Segments.Count: > 0 } manifest })
            {
                await new OpeningWriter(context.Store).WriteAsync(target.Keys, manifest, stopping.Token);
                openingVersions[target.Name] = manifest.Version;
            }
        }
        finally
        {
            pinned?.State.Unpin();
        }
    }

    /// <summary>When a namespace counts as idle, if nothing is written to it until then.</summary>
    private DateTimeOffset IdleSince(Namespace target) =>
        DateTimeOffset.FromUnixTimeMilliseconds(target.View?.State.LastWriteAtMs ?? 0) + context.Settings.IdleMergeDelay;

    /// <summary>
    /// Writes come in a rush: merging, which writes everything once more, would take the disk and the processors from them, and what is merged in the middle of
    /// it is merged again after it. Queries bear with more segments for a while, but not with any number.
    /// </summary>
    private bool IsInBurst(Namespace target)
    {
        if (target.View is not { State: var state } || IsOverflowing(state))
        {
            return false;
        }

        if (bursts.TryGetValue(target.Name, out var burst))
        {
            // Over when no tail has filled for as long as an unhurried one waits, or sooner, when writes have stopped.
            var written = DateTimeOffset.FromUnixTimeMilliseconds(state.LastWriteAtMs);
            var over = burst.LastRush + context.Settings.IndexDelay;
            var quiet = written + context.Settings.IndexDelay / 2;
            return context.Time.GetUtcNow() < (quiet < over ? quiet : over);
        }

        return state.UnindexedBytes > context.Settings.IndexFlushBytes / 2;
    }

    private bool IsOverflowing(NamespaceState? state) =>
        state is not null && MergePolicy.OverflowsBurst(state.Manifest.Segments, context.Settings.MergeFanIn, context.Settings.IndexFlushBytes);

    /// <summary>Whether a tail fills a segment sooner than its delay ends.</summary>
    private bool GrowsInRush(NamespaceState state)
    {
        var settings = context.Settings;
        double age = Math.Max(1, context.NowMs - (state.OldestUnindexedMs ?? 0));
        return state.UnindexedBytes >= settings.IndexFlushBytes / LeastShareInRush
            && state.UnindexedBytes * settings.IndexDelay.TotalMilliseconds >= settings.IndexFlushBytes * age;
    }

    /// <summary>
    /// Looks at every namespace once a grace period: the safety net for what a crash left behind, and the collector's turn. One node at a time does it for all.
    /// </summary>
    private async Task SweepAsync()
    {
        await Task.Delay(context.Settings.Grace, context.Time, stopping.Token);
        await GuardedAsync(async () =>
        {
            if (await collecting.TryTakeAsync(context.Settings.Grace * LeastOfGrace, stopping.Token))
            {
                await SweepUnderLeaseAsync();
            }
        });
    }

    private async Task SweepUnderLeaseAsync()
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(stopping.Token);
        var holding = HoldAsync(ending);
        bool isCompleted = false;
        try
        {
            await foreach (string name in NamespaceFolders.ListAsync(context, stopping.Token))
            {
                if (ending.IsCancellationRequested)
                {
                    break;
                }

                await WorkAsync(name, null, SweepOneAsync);
            }

            isCompleted = !ending.IsCancellationRequested;
        }
        finally
        {
            ending.Cancel();
            if (await holding)
            {
                await collecting.ReleaseAsync(isCompleted);
            }
        }
    }

    /// <summary>Renews the lease until the sweep ends, and ends the sweep when the lease is somebody else's; then false.</summary>
    private async Task<bool> HoldAsync(CancellationTokenSource ending)
    {
        bool isHeld = true;
        await Task.Yield();
        while (isHeld)
        {
            try
            {
                await Task.Delay(context.Settings.LeaseTime / BeatsPerLease, context.Time, ending.Token);
                isHeld = await collecting.BeatAsync();
            }
            catch (OperationCanceledException) when (ending.IsCancellationRequested)
            {
                return true;
            }
            catch (PuffException failure)
            {
                LogMessages.BackgroundFailed(context.Log, "*", failure.Message);
                isHeld = false;
            }
        }

        ending.Cancel();
        return false;
    }

    private async Task SweepOneAsync(Namespace target)
    {
        await collector.CollectAsync(target, stopping.Token);
        if (await HasForgottenTailAsync(target))
        {
            ScheduleAnyway(target.Name, context.Time.GetUtcNow());
        }
    }

    /// <summary>
    /// Whether log entries wait that should long have been indexed: their node crashed, or closed the namespace. Two small requests, because most
    /// namespaces have none; the store's clock is good enough for a hint.
    /// </summary>
    private async Task<bool> HasForgottenTailAsync(Namespace target)
    {
        if (await target.Manifests.ReadAsync(null, stopping.Token) is not { Manifest: { Deleted: false } manifest })
        {
            return false;
        }

        string indexed = target.Keys.WalEntry(manifest.Epoch, manifest.IndexedThrough);
        var options = new ListOptions(target.Keys.WalEpochFolder(manifest.Epoch), indexed, Limit: 1);
        var page = await context.Store.ListAsync(options, StorePurpose.Collect, stopping.Token);
        return page.Objects.Count > 0 && page.Objects[0].LastModified + context.Settings.IndexMaxAge < context.Time.GetUtcNow();
    }

    private async Task WorkAsync(string name, DueList? retry, Func<Namespace, Task> work)
    {
        using var lease = registry!.Open(name);
        try
        {
            await work(lease.Namespace);
        }
        catch (Exception failure) when (!IsStop(failure))
        {
            // Whatever it is, it must not end the lane: then nothing would be indexed any more until a restart.
            LogMessages.BackgroundFailed(context.Log, name, failure.Message);
            if (retry is not null && taker?.HasGivenUp(name) != true)
            {
                retry.Schedule(name, context.Time.GetUtcNow() + RetryDelay);
            }
        }
    }

    private async Task PausedAsync(TimeSpan pause, Func<Task> step)
    {
        await Task.Delay(pause, context.Time, stopping.Token);
        await GuardedAsync(step);
    }

    /// <summary>Work on no namespace in particular: its failure is logged, and its next turn comes.</summary>
    private async Task GuardedAsync(Func<Task> work)
    {
        try
        {
            await work();
        }
        catch (Exception failure) when (!IsStop(failure))
        {
            LogMessages.BackgroundFailed(context.Log, "*", failure.Message);
        }
    }

    /// <param name="LastRush">When a tail that had grown in a rush was last indexed.</param>
    /// <param name="HasLeftTail">It is over, and what was in the tail then is being indexed.</param>
    private readonly record struct Burst(DateTimeOffset LastRush, bool HasLeftTail);

    private bool IsStop(Exception failure) => failure is OperationCanceledException && stopping.IsCancellationRequested;

    private async Task RepeatAsync(Func<Task> step)
    {
        await Task.Yield();
        try
        {
            while (true)
            {
                await step();
            }
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // Stopped: an unfinished build leaves orphans for the collector, nothing else.
        }
    }
}
