namespace Puff.Sync.Pipelines;

/// <summary>Lets a number of holders in at once, Unlike SemaphoreSlim it never leaves the scheduler of who waits.</summary>
internal sealed class Turnstile(int places)
{
    private readonly Lock sync = new();
    private readonly Signal left = new();
    private int free = places;

    public async Task EnterAsync(CancellationToken cancellation)
    {
        while (true)
        {
            Task next = left.Next;
            lock (sync)
            {
                if (free > 0)
                {
                    free--;
                    return;
                }
            }

            await next.WaitAsync(cancellation);
        }
    }

    public void Leave()
    {
        lock (sync)
        {
            free++;
        }

        left.Set();
    }
}
