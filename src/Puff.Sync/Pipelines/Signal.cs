namespace Puff.Sync.Pipelines;

/// <summary>
/// Wakes whoever waits when something may have changed. What is waited for is taken before the condition is looked at, so that nothing is missed between.
/// </summary>
internal sealed class Signal
{
    private TaskCompletionSource source = new();

    /// <summary>Completes at the next <see cref="Set"/>.</summary>
    public Task Next => Volatile.Read(ref source).Task;

    public void Set() => Completion.Later(Interlocked.Exchange(ref source, new TaskCompletionSource()));
}

/// <summary>
/// Completes tasks apart from who causes it, who may hold locks, but on that one's scheduler: a source that runs continuations asynchronously would send
/// those of WhenAny and WaitAsync to the thread pool, out of a simulation's order.
/// </summary>
internal static class Completion
{
    public static void Later(TaskCompletionSource source) => Task.Factory.StartNew(
        static s => ((TaskCompletionSource)s!).TrySetResult(), source, CancellationToken.None, TaskCreationOptions.None, TaskScheduler.Current);
}
