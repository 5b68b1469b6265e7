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
    /// <summary>Namespaces looked at together.</summary>
    private const int AtOnce = 64;

    private static readonly TimeSpan RetryDelay = TimeSpan.FromSeconds(5);

    private readonly EngineContext context;
    private readonly IndexQueue queue;
    private readonly IndexMetrics metrics;
    private readonly DueList due;
    private readonly CancellationTokenSource stopping = new();

    /// <summary>Not to be announced again before that time.</summary>
    private readonly ConcurrentDictionary<string, DateTimeOffset> announced = new(StringComparer.Ordinal);

    /// <summary>Trees to be trained anew that were not announced yet.</summary>
    private readonly ConcurrentDictionary<string, ulong> poorTrees = new(StringComparer.Ordinal);
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

    public void RecallStaysLow(Namespace changed, ulong tree)
    {
        if (registry is not null)
        {
            poorTrees[changed.Name] = tree;
            due.Schedule(changed.Name, context.Time.GetUtcNow());
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

    /// <summary>All at once: those of one shard share its compare-and-set.</summary>
    private async Task AnnounceAsync(IEnumerable<string> names, bool isEarly)
    {
        var jobs = new List<IndexJob>();
        foreach (string[] some in names.Chunk(AtOnce))
        {
            jobs.AddRange((await Task.WhenAll(some.Select(name => LookAsync(name, isEarly)))).OfType<IndexJob>());
        }

        await Task.WhenAll(jobs.Select(AnnounceAsync));
    }

    /// <summary>What is to be announced of a namespace now; null when it was indexed since, or is not due.</summary>
    private async Task<IndexJob?> LookAsync(string name, bool isEarly)
    {
        using var lease = registry!.Open(name);
        var target = lease.Namespace;
        try
        {
            // Only `current` shows what others have indexed. Not open any more: so many others are.
            await (target.View is { } known ? target.RefreshAsync(known) : target.FreshenAsync());
            poorTrees.TryGetValue(name, out ulong poorTree);
            if (poorTree != 0 && target.View is { State: { IsLive: true } live } now)
            {
                return new IndexJob(name, now.Epoch, live.Sequence, live.UnindexedBytes, context.NowMs, PoorTree: poorTree);
            }

            if (target.View is not { State: var state } view || IndexingSchedule.DueAt(context, state) is not { } at)
            {
                announced.TryRemove(name, out _);
                return null;
            }

            if (!isEarly && at > context.Time.GetUtcNow())
            {
                due.Schedule(name, at);
                return null;
            }

            return new IndexJob(name, view.Epoch, state.Sequence, state.UnindexedBytes, context.NowMs);
        }
        catch (Exception failure)
        {
            TryLater(name, failure);
            return null;
        }
    }

    private async Task AnnounceAsync(IndexJob job)
    {
        try
        {
            await queue.AnnounceAsync(job);
        }
        catch (Exception failure)
        {
            TryLater(job.Namespace, failure);
            return;
        }

        metrics.Announced();
        poorTrees.TryRemove(KeyValuePair.Create(job.Namespace, job.PoorTree));
        var again = context.Time.GetUtcNow() + IndexingSchedule.RepeatAfter(context.Settings);
        announced[job.Namespace] = again;
        due.Schedule(job.Namespace, again);
    }

    private void TryLater(string name, Exception failure)
    {
        LogMessages.BackgroundFailed(context.Log, name, failure.Message);
        due.Schedule(name, context.Time.GetUtcNow() + RetryDelay);
    }
}
