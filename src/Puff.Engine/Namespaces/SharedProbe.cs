namespace Puff.Engine.Namespaces;

/// <summary>
/// Lets any number of callers share one run of an operation that started after they all arrived: who comes while one runs waits for the next, which
/// starts when that one ends (design 3.2: concurrent strong queries share one probe).
/// </summary>
internal sealed class SharedProbe(Func<Task> operation)
{
    private readonly Lock gate = new();
    private Task? running;
    private Task? next;

    public Task RunAsync()
    {
        lock (gate)
        {
            if (next is not null)
            {
                return next;
            }

            return running is null || running.IsCompleted ? running = operation() : next = RunAfterAsync(running);
        }
    }

    private async Task RunAfterAsync(Task previous)
    {
        // Never inside the lock of the caller, who has yet to note this run as the next one.
        await Task.Yield();
        try
        {
            await previous;
        }
        catch (Exception)
        {
            // Its own callers saw it; the next run stands for itself.
        }

        lock (gate)
        {
            running = next;
            next = null;
        }

        await operation();
    }
}
