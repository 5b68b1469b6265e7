using Puff.Engine.Diagnostics;
using Puff.Engine.Namespaces;
using Puff.Engine.Storage;

namespace Puff.Engine.Indexing;

/// <summary>
/// The background work of an engine: indexes tails when they are due, merges, and collects. One namespace at a time, the longest due first; failures are logged and
/// tried again. Correctness never depends on it.
/// </summary>
internal sealed class Maintenance : INamespaceObserver
{
    private static readonly TimeSpan RetryDelay = TimeSpan.FromSeconds(5);

    private readonly EngineContext context;
    private readonly CancellationTokenSource stopping = new();
    private readonly Lock gate = new();
    private readonly Dictionary<string, DateTimeOffset> due = new(StringComparer.Ordinal);
    private readonly Flusher flusher;
    private readonly Merger merger;
    private readonly Collector collector;
    private TaskCompletionSource wake = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private NamespaceRegistry? registry;
    private Task indexing = Task.CompletedTask;
    private Task sweeping = Task.CompletedTask;

    public Maintenance(EngineContext context)
    {
        this.context = context;
        flusher = new Flusher(context);
        merger = new Merger(context);
        collector = new Collector(context);
    }

    public void Start(NamespaceRegistry namespaces)
    {
        registry = namespaces;
        indexing = IndexAsync();
        sweeping = SweepAsync();
    }

    public async Task StopAsync()
    {
        await stopping.CancelAsync();
        await indexing;
        await sweeping;
    }

    public void TailGrew(Namespace changed)
    {
        if (registry is null || changed.View is not { } view || DueAt(view.State) is not { } at)
        {
            return;
        }

        lock (gate)
        {
            if (due.TryGetValue(changed.Name, out var known) && known <= at)
            {
                return;
            }

            due[changed.Name] = at;
            wake.TrySetResult();
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

    private async Task IndexAsync()
    {
        await Task.Yield();
        try
        {
            while (true)
            {
                string name = await NextDueAsync();
                await WorkAsync(name);
            }
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // Stopped: an unfinished build leaves orphans for the collector, nothing else.
        }
    }

    private async Task WorkAsync(string name)
    {
        using var lease = registry!.Open(name);
        var target = lease.Namespace;
        try
        {
            await target.FreshenAsync();
            await flusher.FlushAsync(target, stopping.Token);
            while (await merger.MergeAsync(target, stopping.Token))
            {
                if (target.View is { } view && DueAt(view.State) <= context.Time.GetUtcNow())
                {
                    await flusher.FlushAsync(target, stopping.Token);
                }
            }

            TailGrew(target);
        }
        catch (PuffException failure)
        {
            LogMessages.BackgroundFailed(context.Log, name, failure.Message);
            Schedule(name, context.Time.GetUtcNow() + RetryDelay);
        }
    }

    /// <summary>Waits until some namespace is due and takes it off the list.</summary>
    private async Task<string> NextDueAsync()
    {
        while (true)
        {
            Task woken;
            TimeSpan wait = Timeout.InfiniteTimeSpan;
            lock (gate)
            {
                var first = due.OrderBy(d => d.Value).FirstOrDefault();
                var now = context.Time.GetUtcNow();
                if (first.Key is not null && first.Value <= now)
                {
                    due.Remove(first.Key);
                    return first.Key;
                }

                if (first.Key is not null)
                {
                    wait = first.Value - now;
                }

                wake = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                woken = wake.Task;
            }

            using var giveUp = CancellationTokenSource.CreateLinkedTokenSource(stopping.Token);
            await Task.WhenAny(woken, Task.Delay(wait, context.Time, giveUp.Token));
            await giveUp.CancelAsync();
            stopping.Token.ThrowIfCancellationRequested();
        }
    }

    /// <summary>Looks at every namespace once a grace period: the safety net for what a crash left behind, and the collector's turn.</summary>
    private async Task SweepAsync()
    {
        await Task.Yield();
        try
        {
            while (true)
            {
                await Task.Delay(context.Settings.Grace, context.Time, stopping.Token);
                await SweepOnceAsync();
            }
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // Stopped.
        }
    }

    private async Task SweepOnceAsync()
    {
        try
        {
            await foreach (string name in NamespaceFolders.ListAsync(context, stopping.Token))
            {
                await CollectOneAsync(name);
            }
        }
        catch (StoreException failure)
        {
            LogMessages.BackgroundFailed(context.Log, "*", failure.Message);
        }
    }

    private async Task CollectOneAsync(string name)
    {
        try
        {
            using var lease = registry!.Open(name);
            await collector.CollectAsync(lease.Namespace, stopping.Token);
        }
        catch (PuffException failure)
        {
            LogMessages.BackgroundFailed(context.Log, name, failure.Message);
        }
    }

    private void Schedule(string name, DateTimeOffset at)
    {
        lock (gate)
        {
            due[name] = at;
            wake.TrySetResult();
        }
    }
}
