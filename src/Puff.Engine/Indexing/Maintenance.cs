using System.Collections.Concurrent;
using Puff.Engine.Diagnostics;
using Puff.Engine.Namespaces;
using Puff.Engine.Storage;

namespace Puff.Engine.Indexing;

/// <summary>
/// The background work of an engine: one lane turns tails into segments when they are due, one merges, one sweeps over all namespaces and collects. Failures
/// are logged and tried again. Correctness never depends on any of it.
/// </summary>
internal sealed class Maintenance : INamespaceObserver
{
    private static readonly TimeSpan RetryDelay = TimeSpan.FromSeconds(5);

    /// <summary>So often is looked whether a burst is over, in the time that a tail waits.</summary>
    private const int LooksPerDelay = 4;

    /// <summary>A tail that is indexed in a rush has at least such a part of a segment's full size.</summary>
    private const int LeastShareInRush = 8;

    private readonly EngineContext context;
    private readonly CancellationTokenSource stopping = new();
    private readonly DueList tails;
    private readonly DueList merges;
    private readonly Flusher flusher;
    private readonly Merger merger;
    private readonly Collector collector;

    /// <summary>Of namespaces that are in a burst, or were and have not been merged since.</summary>
    private readonly ConcurrentDictionary<string, Burst> bursts = new(StringComparer.Ordinal);
    private NamespaceRegistry? registry;
    private Task lanes = Task.CompletedTask;

    public Maintenance(EngineContext context)
    {
        this.context = context;
        tails = new DueList(context.Time);
        merges = new DueList(context.Time);
        flusher = new Flusher(context);
        merger = new Merger(context);
        collector = new Collector(context);
    }

    /// <summary>Whether no tail waits to be indexed, no merge is due and neither is under way.</summary>
    public bool IsIdle => tails.IsIdle && merges.IsIdle;

    public void Start(NamespaceRegistry namespaces)
    {
        registry = namespaces;
        lanes = Task.WhenAll(
            RepeatAsync(async () => await WorkAsync(await tails.NextAsync(stopping.Token), tails, FlushAsync)),
            RepeatAsync(async () => await WorkAsync(await merges.NextAsync(stopping.Token), merges, MergeAsync)),
            RepeatAsync(SweepAsync));
    }

    public async Task StopAsync()
    {
        stopping.Cancel();
        await lanes;
    }

    public void TailGrew(Namespace changed)
    {
        if (registry is not null && changed.View is { } view && DueAt(view.State) is { } at)
        {
            tails.Schedule(changed.Name, at);
        }
    }

    /// <summary>When a tail should become a segment; null while there is none.</summary>
    private DateTimeOffset? DueAt(NamespaceState state)
    {
        if (state.OldestUnindexedMs is not { } oldest)
        {
            return null;
        }

        var settings = context.Settings;
        var since = DateTimeOffset.FromUnixTimeMilliseconds(oldest);
        if (state.UnindexedBytes >= settings.IndexFlushBytes || state.IsDeleted)
        {
            return context.Time.GetUtcNow();
        }

        return state.UnindexedBytes >= settings.IndexThresholdBytes || state.Entries.Count >= settings.IndexThresholdEntries
            ? since + settings.IndexDelay
            : since + settings.IndexMaxAge;
    }

    private async Task FlushAsync(Namespace target)
    {
        await target.FreshenAsync();
        bool isRush = target.View is { State: var tail } && GrowsInRush(tail);
        if (await flusher.FlushAsync(target, stopping.Token))
        {
            if (isRush)
            {
                bursts[target.Name] = new Burst(context.Time.GetUtcNow(), HasLeftTail: false);
            }

            merges.Schedule(target.Name, context.Time.GetUtcNow());
        }

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

            bool isOver = bursts.TryGetValue(target.Name, out var burst) && !IsOverflowing(target.View?.State);
            if (!await merger.MergeAsync(target, isOver || IdleSince(target) <= context.Time.GetUtcNow(), stopping.Token))
            {
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
        tails.Schedule(target.Name, now);
        merges.Schedule(target.Name, now + context.Settings.IndexDelay);
        return true;
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

    /// <summary>Looks at every namespace once a grace period: the safety net for what a crash left behind, and the collector's turn.</summary>
    private async Task SweepAsync()
    {
        await Task.Delay(context.Settings.Grace, context.Time, stopping.Token);
        try
        {
            await foreach (string name in NamespaceFolders.ListAsync(context, stopping.Token))
            {
                await WorkAsync(name, null, SweepOneAsync);
            }
        }
        catch (Exception failure) when (!IsStop(failure))
        {
            LogMessages.BackgroundFailed(context.Log, "*", failure.Message);
        }
    }

    private async Task SweepOneAsync(Namespace target)
    {
        await collector.CollectAsync(target, stopping.Token);
        if (await HasForgottenTailAsync(target))
        {
            tails.Schedule(target.Name, context.Time.GetUtcNow());
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
            retry?.Schedule(name, context.Time.GetUtcNow() + RetryDelay);
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
