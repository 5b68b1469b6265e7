namespace Puff.TestKit.Storage;

/// <summary>A clock that jumps: whoever waits goes on at once, and the clock says that the wait is over. Every wait is recorded.</summary>
public sealed class SkippingTime : TimeProvider
{
    private readonly Lock gate = new();
    private readonly List<TimeSpan> waits = [];
    private TimeSpan elapsed;

    public IReadOnlyList<TimeSpan> Waits
    {
        get
        {
            lock (gate)
            {
                return [.. waits];
            }
        }
    }

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp()
    {
        lock (gate)
        {
            return elapsed.Ticks;
        }
    }

    /// <summary>Time passes without anybody waiting for it.</summary>
    public void Advance(TimeSpan time)
    {
        lock (gate)
        {
            elapsed += time;
        }
    }

    public override DateTimeOffset GetUtcNow() => new DateTimeOffset(2024, 1, 1, 0, 0, 0, TimeSpan.Zero).AddTicks(GetTimestamp());

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        lock (gate)
        {
            waits.Add(dueTime);
            elapsed += dueTime > TimeSpan.Zero ? dueTime : TimeSpan.Zero;
        }

        if (dueTime >= TimeSpan.Zero)
        {
            ThreadPool.QueueUserWorkItem(_ => callback(state));
        }

        return new Fired();
    }

    private sealed class Fired : ITimer
    {
        public bool Change(TimeSpan dueTime, TimeSpan period) => false;

        public void Dispose()
        {
        }

        public ValueTask DisposeAsync() => default;
    }
}
