namespace Puff.TestKit.Simulation;

/// <summary>
/// The loop that drives a simulation: one thread, one virtual clock, one seed. Runs a randomly chosen runnable task until none is left, then jumps to the next
/// event. Everything that happens goes into the trace's hash, so that two runs of a seed can be compared.
/// </summary>
internal sealed class SimulatedWorld(int seed, TextWriter? trace = null)
{
    private readonly PriorityQueue<(SimulatedNode? Node, Action Action), (long Time, long Order)> events = new();
    private readonly List<(SimulatedNode Node, Task Task)> runnable = [];
    private readonly List<SimulatedNode> nodes = [];
    private readonly int thread = Environment.CurrentManagedThreadId;
    private volatile string? escape;
    private long order;

    /// <summary>Virtual time since the start, in ticks of 100 ns.</summary>
    public long Now { get; private set; }

    /// <summary>Counts everything that happened: orders events of the same virtual time.</summary>
    public long Step { get; private set; }

    public Random Random { get; } = new(seed);

    public ulong TraceHash { get; private set; } = 14695981039346656037;

    public SimulatedNode AddNode(string role, TimeSpan clockOffset)
    {
        var node = new SimulatedNode(this, nodes.Count, role, clockOffset);
        nodes.Add(node);
        return node;
    }

    public IEnumerable<SimulatedNode> LiveNodes => nodes.Where(n => !n.IsDead);

    /// <summary>Runs an action later; with a node, only while that node is awake, and never after its death.</summary>
    public void After(TimeSpan delay, SimulatedNode? node, Action action) =>
        events.Enqueue((node, action), (Now + Math.Max(delay.Ticks, 0), ++order));

    /// <summary>A task became runnable. Only what runs in the world may cause that: anything else has left its order.</summary>
    public void Enqueue(SimulatedNode node, Task task)
    {
        if (thread != Environment.CurrentManagedThreadId)
        {
            escape ??= Environment.StackTrace;
            return;
        }

        if (node.IsDead)
        {
            return;
        }

        if (node.IsAsleep)
        {
            node.HeldTasks.Add(task);
        }
        else
        {
            runnable.Add((node, task));
        }
    }

    /// <summary>The node's tasks and timers wait for that long, in the middle of whatever they were doing; what it sent before is still on its way.</summary>
    public void Sleep(SimulatedNode node, TimeSpan duration)
    {
        if (!node.Runs)
        {
            return;
        }

        Trace("sleep", node.Name, duration.Ticks);
        node.IsAsleep = true;
        node.HeldTasks.AddRange(runnable.Where(r => r.Node == node).Select(r => r.Task));
        runnable.RemoveAll(r => r.Node == node);
        After(duration, null, () => Wake(node));
    }

    public void Wake(SimulatedNode node)
    {
        if (!node.IsAsleep || node.IsDead)
        {
            return;
        }

        Trace("wake", node.Name, 0);
        node.IsAsleep = false;
        runnable.AddRange(node.HeldTasks.Select(t => (node, t)));
        node.HeldTasks.Clear();
        node.HeldTimers.ForEach(t => t());
        node.HeldTimers.Clear();
    }

    /// <summary>Ends a node between two steps of its tasks: its memory is gone.</summary>
    public void Kill(SimulatedNode node)
    {
        Trace("kill", node.Name, 0);
        node.IsDead = true;
        node.HeldTasks.Clear();
        node.HeldTimers.Clear();
        runnable.RemoveAll(r => r.Node == node);
    }

    /// <summary>Runs until the condition holds; false when nothing can happen any more or the virtual time is up.</summary>
    public bool Run(Func<bool> done, TimeSpan limit)
    {
        var outer = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(null);
        try
        {
            long end = Now + limit.Ticks;
            while (!done())
            {
                if (!Advance(end))
                {
                    return false;
                }
            }

            return true;
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(outer);
        }
    }

    /// <summary>Notes something that happened.</summary>
    public void Trace(string what, string subject, long number)
    {
        Step++;
        Mix((ulong)Now);
        Mix((ulong)number);
        Mix(what);
        Mix(subject);
        trace?.WriteLine($"{Step,7} {TimeSpan.FromTicks(Now).TotalSeconds,12:F6} {what,-18} {subject} {number}");
    }

    public bool IsTracing => trace is not null;

    public void Remark(string text) => trace?.WriteLine(text);

    private bool Advance(long end)
    {
        Step++;
        if (escape is not null)
        {
            throw new InvalidOperationException($"something left the simulated scheduler: {escape}");
        }

        if (runnable.Count > 0)
        {
            int index = Random.Next(runnable.Count);
            var (node, task) = runnable[index];
            runnable[index] = runnable[^1];
            runnable.RemoveAt(runnable.Count - 1);
            Mix((ulong)node.Number);
            node.Scheduler.Execute(task);
            return true;
        }

        if (!events.TryPeek(out var next, out var at) || at.Time > end)
        {
            Now = end;
            return false;
        }

        events.Dequeue();
        Now = at.Time;
        if (next.Node is { IsAsleep: true } sleeper)
        {
            sleeper.HeldTimers.Add(next.Action);
        }
        else if (next.Node is not { IsDead: true })
        {
            next.Action();
        }

        return true;
    }

    private void Mix(ulong value) => TraceHash = (TraceHash ^ value) * 1099511628211;

    private void Mix(string text)
    {
        foreach (char c in text)
        {
            Mix(c);
        }
    }
}
