namespace Puff.TestKit.Simulation;

/// <summary>One process of the simulated cluster: what it runs stops together, when it sleeps or dies.</summary>
internal sealed class SimulatedNode
{
    public SimulatedNode(SimulatedWorld world, int number, string role, TimeSpan clockOffset)
    {
        Number = number;
        Name = $"{role}#{number}";
        Scheduler = new SimulatedScheduler(world, this);
        Time = new SimulatedTime(world, this, clockOffset);
        Factory = new TaskFactory(Scheduler);
    }

    public int Number { get; }

    public string Name { get; }

    public SimulatedScheduler Scheduler { get; }

    public SimulatedTime Time { get; }

    public TaskFactory Factory { get; }

    public bool IsAsleep { get; set; }

    public bool IsDead { get; set; }

    /// <summary>What became runnable while the node slept.</summary>
    public List<Task> HeldTasks { get; } = [];

    /// <summary>Timers that ran out while the node slept.</summary>
    public List<Action> HeldTimers { get; } = [];

    public bool Runs => !IsAsleep && !IsDead;

    /// <summary>Starts an asynchronous method on this node.</summary>
    public Task StartAsync(Func<Task> work) => Factory.StartNew(work).Unwrap();
}
