namespace Puff.Engine.Indexing;

/// <summary>Names with the time at which something should be done about them; whoever waits gets the earliest that is due.</summary>
internal sealed class DueList(TimeProvider time)
{
    private readonly Lock gate = new();
    private readonly Dictionary<string, DateTimeOffset> due = new(StringComparer.Ordinal);
    private TaskCompletionSource wake = new();
    private bool isWaiting;
    private string? current;

    /// <summary>Whether nothing is due now or later and whoever works through the list waits for more.</summary>
    public bool IsIdle
    {
        get
        {
            lock (gate)
            {
                return isWaiting && due.Count == 0;
            }
        }
    }

    /// <summary>Names on the list, in no order.</summary>
    public string[] Names
    {
        get
        {
            lock (gate)
            {
                return [.. due.Keys];
            }
        }
    }

    /// <summary>Whether a name is due before a time, or was handed out last.</summary>
    public bool Concerns(string name, DateTimeOffset before)
    {
        lock (gate)
        {
            return current == name || (due.TryGetValue(name, out var at) && at < before);
        }
    }

    /// <summary>Takes everything that is due now off the list.</summary>
    public string[] TakeDue()
    {
        lock (gate)
        {
            var now = time.GetUtcNow();
            string[] taken = [.. due.Where(d => d.Value <= now).Select(d => d.Key)];
            Array.ForEach(taken, name => due.Remove(name));
            return taken;
        }
    }

    /// <summary>Takes a name off the list.</summary>
    public void Drop(string name)
    {
        lock (gate)
        {
            due.Remove(name);
        }
    }

    /// <summary>Keeps the earlier of two times.</summary>
    public void Schedule(string name, DateTimeOffset at)
    {
        lock (gate)
        {
            if (due.TryGetValue(name, out var known) && known <= at)
            {
                return;
            }

            due[name] = at;
            wake.TrySetResult();
        }
    }

    /// <summary>Waits until some name is due and takes it off the list.</summary>
    public async Task<string> NextAsync(CancellationToken cancellation)
    {
        while (true)
        {
            Task woken;
            TimeSpan wait = Timeout.InfiniteTimeSpan;
            lock (gate)
            {
                current = null;
                var now = time.GetUtcNow();
                if (due.Count > 0)
                {
                    var first = due.MinBy(d => d.Value);
                    if (first.Value <= now)
                    {
                        due.Remove(first.Key);
                        isWaiting = false;
                        current = first.Key;
                        return first.Key;
                    }

                    // Delays are cut to whole milliseconds: rounding up keeps the loop from spinning through the last one.
                    wait = TimeSpan.FromMilliseconds(Math.Ceiling((first.Value - now).TotalMilliseconds));
                }

                isWaiting = true;
                wake = new TaskCompletionSource();
                woken = wake.Task;
            }

            await woken.WaitAsync(wait, time, cancellation)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);

            // Leaves the thread of whoever scheduled.
            await Task.Yield();
            cancellation.ThrowIfCancellationRequested();
        }
    }
}
