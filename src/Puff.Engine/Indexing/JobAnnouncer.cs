using System.Collections.Concurrent;
using Puff.Engine.Diagnostics;
using Puff.Engine.Formats;
using Puff.Engine.Namespaces;

namespace Puff.Engine.Indexing;

/// <summary>
/// The background work of a node that does not index: says on the store which of its namespaces wait, when they are due, and says it again as long as nothing
/// has come of it.
/// </summary>
internal sealed class JobAnnouncer : INamespaceObserver
{
    private static readonly TimeSpan RetryDelay = TimeSpan.FromSeconds(5);

    private readonly EngineContext context;
    private readonly IndexQueue queue;
    private readonly IndexMetrics metrics;
    private readonly DueList due;
    private readonly CancellationTokenSource stopping = new();

    /// <summary>Not to be announced again before that time.</summary>
    private readonly ConcurrentDictionary<string, DateTimeOffset> announced = new(StringComparer.Ordinal);
    private NamespaceRegistry? registry;
    private Task lane = Task.CompletedTask;

    public JobAnnouncer(EngineContext context, IndexMetrics metrics)
    {
        this.context = context;
        this.metrics = metrics;
        queue = new IndexQueue(context);
        due = new DueList(context.Time);
    }

    public bool IsIdle => due.IsIdle;

    public void Start(NamespaceRegistry namespaces)
    {
        registry = namespaces;
        lane = RunAsync();
    }

    /// <summary>What waits is announced before the end, due or not: nobody else may come to know of it soon.</summary>
    public async Task StopAsync()
    {
        stopping.Cancel();
        await lane;
        await AnnounceAsync(due.Names, isEarly: true);
    }

    public void TailGrew(Namespace changed)
    {
        if (registry is not null && changed.View is { } view && IndexingSchedule.DueAt(context, view.State) is { } at)
        {
            due.Schedule(changed.Name, announced.TryGetValue(changed.Name, out var again) && again > at ? again : at);
        }
    }

    private async Task RunAsync()
    {
        await Task.Yield();
        try
        {
            while (true)
            {
                string first = await due.NextAsync(stopping.Token);
                await AnnounceAsync([first, .. due.TakeDue()], isEarly: false);
            }
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // Stopped: what is left is announced by whoever stops it.
        }
    }

    /// <summary>Several at a time: those of one shard share its compare-and-set.</summary>
    private Task AnnounceAsync(IEnumerable<string> names, bool isEarly) => Task.WhenAll(names.Select(async name =>
    {
        using var lease = registry!.Open(name);
        try
        {
            await AnnounceAsync(lease.Namespace, isEarly);
        }
        catch (Exception failure)
        {
            LogMessages.BackgroundFailed(context.Log, name, failure.Message);
            due.Schedule(name, context.Time.GetUtcNow() + RetryDelay);
        }
    }));

    /// <param name="target">What may wait.</param>
    /// <param name="isEarly">Announce it even if it is not due yet.</param>
    private async Task AnnounceAsync(Namespace target, bool isEarly)
    {
        // It may have been indexed since: only `current` shows that.
        if (target.View is { } known)
        {
            await target.RefreshAsync(known);
        }

        if (target.View is not { State: var state } view || IndexingSchedule.DueAt(context, state) is not { } at)
        {
            announced.TryRemove(target.Name, out _);
            return;
        }

        if (!isEarly && at > context.Time.GetUtcNow())
        {
            due.Schedule(target.Name, at);
            return;
        }

        await queue.AnnounceAsync(new IndexJob(target.Name, view.Epoch, state.Sequence, state.UnindexedBytes, context.NowMs));
        metrics.Announced();
        var again = context.Time.GetUtcNow() + IndexingSchedule.RepeatAfter(context.Settings);
        announced[target.Name] = again;
        due.Schedule(target.Name, again);
    }
}
