namespace Puff.TestKit.Simulation;

/// <summary>
/// The clocks of one node: the monotonic one runs with the world, the wall clock is off by a constant. Timers fire on the world's thread; those of a sleeping
/// node when it wakes.
/// </summary>
internal sealed class SimulatedTime(SimulatedWorld world, SimulatedNode? node, TimeSpan offset) : TimeProvider
{
    public static readonly DateTimeOffset Start = new(2024, 5, 1, 0, 0, 0, TimeSpan.Zero);

    public override DateTimeOffset GetUtcNow() => Start + TimeSpan.FromTicks(world.Now) + offset;

    public override long GetTimestamp() => world.Now;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new Timer(world, node, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    private sealed class Timer(SimulatedWorld world, SimulatedNode? node, TimerCallback callback, object? state) : ITimer
    {
        private int version;

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            int armed = ++version;
            if (dueTime != Timeout.InfiniteTimeSpan)
            {
                world.After(dueTime, node, () => Fire(armed, period));
            }

            return true;
        }

        public void Dispose() => version++;

        public ValueTask DisposeAsync()
        {
            version++;
            return default;
        }

        private void Fire(int armed, TimeSpan period)
        {
            if (armed != version)
            {
                return;
            }

            if (period > TimeSpan.Zero)
            {
                world.After(period, node, () => Fire(armed, period));
            }

            callback(state);
        }
    }
}
