namespace Puff.Sync.Transforms;

/// <summary>Keeps one process at hand: started when needed, replaced when it is gone or worn out.</summary>
internal sealed class HostWorker(Func<CancellationToken, Task<HostProcess>> start, TransformHostOptions options, TimeProvider time) : IAsyncDisposable
{
    private static readonly TimeSpan StopPatience = TimeSpan.FromSeconds(5);

    private readonly SemaphoreSlim gate = new(1);
    private readonly List<Task> ending = [];
    private Tenancy? current;
    private bool isDisposed;

    /// <summary>Leases that are out: the measure for choosing a worker.</summary>
    public int Leases => current?.Count ?? 0;

    /// <summary>How many processes were started.</summary>
    public int Starts { get; private set; }

    /// <summary>A living process for one call. Throws <see cref="HostGoneException"/> when none starts.</summary>
    public async Task<Lease> LeaseAsync(CancellationToken cancellation)
    {
        await gate.WaitAsync(cancellation);
        try
        {
            ObjectDisposedException.ThrowIf(isDisposed, this);
            if (current is { } used && (used.Process.IsGone || IsWornOut(used.Process)))
            {
                current = null;
                Retire(used);
            }

            if (current is null)
            {
                Starts++;
                current = new Tenancy(await start(cancellation));
            }

            current.Enter();
            return new Lease(current);
        }
        finally
        {
            gate.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await gate.WaitAsync();
        try
        {
            isDisposed = true;
            if (current is { } used)
            {
                current = null;
                used.Process.Kill("the runner stops", onlyIfBusy: true);
                Retire(used);
            }

            await Task.WhenAll(ending);
        }
        finally
        {
            gate.Release();
        }
    }

    private bool IsWornOut(HostProcess process) => process.Served >= options.MaxCalls || process.ResidentBytes > options.MaxMemory;

    /// <summary>Calls that run in it may end; then it is stopped.</summary>
    private void Retire(Tenancy tenancy)
    {
        ending.RemoveAll(task => task.IsCompleted);
        ending.Add(EndAsync(tenancy));
    }

    private async Task EndAsync(Tenancy tenancy)
    {
        await tenancy.LeaveForGoodAsync();
        await tenancy.Process.StopAsync(StopPatience, time);
    }

    /// <summary>The use of a process for one call.</summary>
    internal readonly struct Lease(Tenancy tenancy) : IDisposable
    {
        public HostProcess Process => tenancy.Process;

        public void Dispose() => tenancy.Leave();
    }

    /// <summary>Counts who uses a process.</summary>
    internal sealed class Tenancy(HostProcess process)
    {
        private readonly TaskCompletionSource empty = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly Lock counting = new();
        private bool isClosed;

        public HostProcess Process { get; } = process;

        public int Count { get; private set; }

        public void Enter()
        {
            lock (counting)
            {
                Count++;
            }
        }

        public void Leave()
        {
            lock (counting)
            {
                Count--;
                SettleIfEmpty();
            }
        }

        public Task LeaveForGoodAsync()
        {
            lock (counting)
            {
                isClosed = true;
                SettleIfEmpty();
            }

            return empty.Task;
        }

        private void SettleIfEmpty()
        {
            if (isClosed && Count == 0)
            {
                empty.TrySetResult();
            }
        }
    }
}
