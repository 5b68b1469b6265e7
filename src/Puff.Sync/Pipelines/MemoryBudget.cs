namespace Puff.Sync.Pipelines;

/// <summary>Counts the bytes between socket and destination. Whoever brings more waits above the limit until three quarters of it are left.</summary>
internal sealed class MemoryBudget(long limit)
{
    private readonly Signal freed = new();
    private long used;
    private volatile bool paused;

    public long Used => Interlocked.Read(ref used);

    public long Limit => limit;

    /// <summary>Whether reading waits now.</summary>
    public bool IsPaused => paused;

    public void Take(long bytes) => Interlocked.Add(ref used, bytes);

    public void Give(long bytes)
    {
        Interlocked.Add(ref used, -bytes);
        if (paused)
        {
            freed.Set();
        }
    }

    public async Task WaitAsync(CancellationToken cancellation)
    {
        if (Used < limit)
        {
            return;
        }

        paused = true;
        while (true)
        {
            Task next = freed.Next;
            if (Used <= limit / 4 * 3)
            {
                break;
            }

            await next.WaitAsync(cancellation);
        }

        paused = false;
    }
}

/// <summary>A buffer that several lanes read: what it weighs is given back when the last of them is done.</summary>
internal sealed class Lease(MemoryBudget budget, long bytes)
{
    private int holders = 1;

    public void Share() => Interlocked.Increment(ref holders);

    public void Release()
    {
        if (Interlocked.Decrement(ref holders) == 0)
        {
            budget.Give(bytes);
        }
    }

    public static Lease Take(MemoryBudget budget, long bytes)
    {
        budget.Take(bytes);
        return new Lease(budget, bytes);
    }
}
