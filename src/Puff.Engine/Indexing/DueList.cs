namespace Puff.Engine.Indexing;

/// <summary>Names with the time at which something should be done about them; whoever waits gets the earliest that is due.</summary>
internal sealed class DueList(TimeProvider time)
{
    private readonly Lock gate = new();
    private readonly Dictionary<string, DateTimeOffset> due = new(StringComparer.Ordinal);
    private TaskCompletionSource wake = new();
    private bool isWaiting;

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
                var now = time.GetUtcNow();
                if (due.Count > 0)
                {
                    var first = due.MinBy(d => d.Value);
                    if (first.Value <= now)
                    {
                        due.Remove(first.Key);
                        isWaiting = false;
                        return first.Key;
                    }

                    // Delays are cut to whole milliseconds: rounding up keeps the loop from spinning through the last one.
                    wait = TimeSpan.FromMilliseconds(Math.Ceiling((first.Value - now).TotalMilliseconds));
                }

                isWaiting = true;
                wake = new TaskCompletionSource();
                woken = wake.Task;
            }

            using var giveUp = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            await Task.WhenAny(woken, Task.Delay(wait, time, giveUp.Token));
            giveUp.Cancel();

            // Leaves the thread of whoever scheduled. Asynchronous continuations of the source would not do: under WhenAny they leave the caller's scheduler.
            await Task.Yield();
            cancellation.ThrowIfCancellationRequested();
        }
    }
}
