namespace Puff.Sync.Pipelines;

/// <summary>
/// Wakes whoever waits when something may have changed. What is waited for is taken before the condition is looked at, so that nothing is missed between.
/// </summary>
internal sealed class Signal
{
    private TaskCompletionSource source = New();

    /// <summary>Completes at the next <see cref="Set"/>.</summary>
    public Task Next => Volatile.Read(ref source).Task;

    public void Set() => Interlocked.Exchange(ref source, New()).TrySetResult();

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
