using Puff.Engine.Diagnostics;
using Puff.Engine.Formats;
using Puff.Engine.Namespaces;

namespace Puff.Engine.Indexing;

/// <summary>
/// The side of the index queue that takes jobs: looks what waits, takes the most urgent, renews its leases, and reports what is done. A lease saves double work
/// and nothing else: who has lost one goes on, and one of two publications fails.
/// </summary>
internal sealed class JobTaker(EngineContext context, IndexQueue queue, IIndexWork work, IndexMetrics metrics)
{
    /// <summary>Jobs that a node has at a time. They are worked on one after another, but merges may hold some back.</summary>
    private const int MaxTaken = 32;

    /// <summary>After so many failures in a row others may try.</summary>
    private const int MaxFailures = 3;

    /// <summary>A job that has waited a second more goes before one that is smaller than this: the smallest has its turn, too.</summary>
    private const double BytesPerSecond = 1 << 20;

    /// <summary>A job that failed here is left alone for so many lease times.</summary>
    private const int PauseAfterFailure = 4;

    private readonly Lock gate = new();
    private readonly Dictionary<string, Taken> taken = new(StringComparer.Ordinal);
    private readonly Dictionary<string, long> shunned = new(StringComparer.Ordinal);
    private readonly LeaseWatch leases = new(context.Time, context.Settings.LeaseTime);

    /// <summary>How soon to look again: sooner while there are jobs that may be done.</summary>
    public TimeSpan Pause
    {
        get
        {
            lock (gate)
            {
                var soon = context.Settings.LeaseTime / 30;
                return taken.Count > 0 && soon < context.Settings.IndexQueuePoll ? soon : context.Settings.IndexQueuePoll;
            }
        }
    }

    /// <summary>One look at the queue: hands in what is done, notices what was lost, takes what waits.</summary>
    public async Task TurnAsync(CancellationToken cancellation)
    {
        await HandInAsync();
        await queue.LookAsync(cancellation);
        foreach (var job in Own())
        {
            Compare(job, queue.Find(job.Namespace));
        }

        await TakeAsync();
        Report();
    }

    /// <summary>Renews the leases of all jobs of this node.</summary>
    public async Task BeatAsync()
    {
        var own = Own();
        var kept = (await queue.BeatAsync(own, context.WriterId)).ToDictionary(j => j.Namespace, StringComparer.Ordinal);
        foreach (var job in own)
        {
            Compare(job, kept.GetValueOrDefault(job.Namespace));
        }
    }

    /// <summary>Work on a namespace failed; true when this node lets others try instead of trying again.</summary>
    public bool HasGivenUp(string name)
    {
        lock (gate)
        {
            return taken.TryGetValue(name, out var item) && ++item.Failures >= MaxFailures;
        }
    }

    /// <summary>The node stops: others may take what it has, and what else it knows to wait.</summary>
    public async Task LeaveAsync(IEnumerable<IndexJob> unfinished)
    {
        var own = Own();
        lock (gate)
        {
            taken.Clear();
        }

        await queue.ReleaseAsync(own, context.WriterId);
        await Task.WhenAll(unfinished.Select(queue.AnnounceAsync));
    }

    private void Report()
    {
        var jobs = queue.Jobs.ToArray();
        metrics.Saw(jobs.Length, jobs.Length == 0 ? 0 : Math.Max(0, context.NowMs - jobs.Min(j => j.EnqueuedAtMs)));
    }

    private IndexJob[] Own()
    {
        lock (gate)
        {
            return [.. taken.Values.Select(t => t.Job)];
        }
    }

    private async Task HandInAsync()
    {
        IndexJob[] done, failed;
        lock (gate)
        {
            failed = [.. taken.Values.Where(t => t.Failures >= MaxFailures).Select(t => t.Job)];
            done = [.. taken.Values.Where(t => t.Failures < MaxFailures && !work.IsWorkingOn(t.Job.Namespace)).Select(t => t.Job)];
        }

        await queue.ReleaseAsync(failed, context.WriterId);
        var grown = (await queue.CompleteAsync(done, context.WriterId)).ToDictionary(j => j.Namespace, StringComparer.Ordinal);
        foreach (var job in done)
        {
            if (grown.TryGetValue(job.Namespace, out var more))
            {
                Compare(job, more);
            }
            else
            {
                Forget(job.Namespace);
                metrics.Done();
            }
        }

        foreach (var job in failed)
        {
            Forget(job.Namespace);
            lock (gate)
            {
                shunned[job.Namespace] = context.Time.GetTimestamp();
            }
        }
    }

    /// <summary>What the queue says now of a job that this node has: it was lost, or there is more to do, or neither.</summary>
    private void Compare(IndexJob job, IndexJob? now)
    {
        if (now is null || now.Owner != context.WriterId)
        {
            if (Forget(job.Namespace))
            {
                work.Drop(job.Namespace);
                metrics.Lost();
                LogMessages.LeaseLost(context.Log, job.Namespace);
            }

            return;
        }

        lock (gate)
        {
            if (!taken.TryGetValue(job.Namespace, out var item) || now.IsOfSameWork(item.Job))
            {
                return;
            }

            item.Job = now;
        }

        Begin(now);
    }

    private bool Forget(string name)
    {
        lock (gate)
        {
            return taken.Remove(name);
        }
    }

    private async Task TakeAsync()
    {
        var jobs = queue.Jobs.ToArray();
        leases.Keep(name => queue.Find(name) is not null);
        IndexJob[] wanted;
        lock (gate)
        {
            long nowMs = context.NowMs;
            foreach (string over in shunned.Where(s => context.Time.GetElapsedTime(s.Value) > context.Settings.LeaseTime * PauseAfterFailure)
                .Select(s => s.Key).ToArray())
            {
                shunned.Remove(over);
            }

            wanted = jobs.Where(j => !taken.ContainsKey(j.Namespace) && !shunned.ContainsKey(j.Namespace) && IsFree(j))
                .OrderByDescending(j => j.Bytes + (BytesPerSecond * Math.Max(0, nowMs - j.EnqueuedAtMs) / 1_000))
                .ThenBy(j => j.Namespace, StringComparer.Ordinal)
                .Take(MaxTaken - taken.Count).ToArray();
        }

        var won = (await queue.TakeAsync(wanted, context.WriterId)).ToDictionary(j => j.Namespace, StringComparer.Ordinal);
        foreach (var job in wanted.Select(w => won.GetValueOrDefault(w.Namespace)).OfType<IndexJob>())
        {
            lock (gate)
            {
                taken[job.Namespace] = new Taken { Job = job };
            }

            Begin(job);
        }
    }

    private void Begin(IndexJob job)
    {
        work.Begin(job.Namespace);
        if (job.PoorTree != 0)
        {
            work.Rebuild(job.Namespace, job.PoorTree);
        }
    }

    /// <summary>Nobody's, this node's without its knowledge, or of a node that has fallen silent.</summary>
    private bool IsFree(IndexJob job) => leases.HasEnded(job.Namespace, job.Owner, job.Beat) || job.Owner == context.WriterId;

    private sealed class Taken
    {
        public required IndexJob Job { get; set; }

        public int Failures { get; set; }
    }
}
