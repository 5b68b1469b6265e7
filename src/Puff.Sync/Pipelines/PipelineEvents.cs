namespace Puff.Sync.Pipelines;

/// <summary>One thing that happened, as logs name it: stable event name, mapping, and fields. Never row values.</summary>
internal sealed record PipelineEvent(DateTimeOffset At, string Level, string Name, string? Mapping, string Text);

/// <summary>Where a pipeline tells what happens: whoever wants to hear it subscribes. A failure that goes on is told once.</summary>
internal sealed class PipelineEvents(TimeProvider time)
{
    private readonly Lock sync = new();
    private readonly Queue<PipelineEvent> recent = new();
    private volatile bool stateDown;

    public event Action<PipelineEvent>? Happened;

    /// <summary>The last 200.</summary>
    public IReadOnlyList<PipelineEvent> Recent
    {
        get
        {
            lock (sync)
            {
                return [.. recent];
            }
        }
    }

    public void Info(string name, string? mapping, string text) => Tell("info", name, mapping, text);

    public void Warn(string name, string? mapping, string text) => Tell("warn", name, mapping, text);

    public void Error(string name, string? mapping, string text) => Tell("error", name, mapping, text);

    public void StateUnavailable(string text)
    {
        if (!stateDown)
        {
            stateDown = true;
            Warn("state_unavailable", null, text);
        }
    }

    public void StateAvailable() => stateDown = false;

    private void Tell(string level, string name, string? mapping, string text)
    {
        var told = new PipelineEvent(time.GetUtcNow(), level, name, mapping, text);
        lock (sync)
        {
            recent.Enqueue(told);
            if (recent.Count > 200)
            {
                recent.Dequeue();
            }
        }

        Happened?.Invoke(told);
    }
}
