namespace Puff.TestKit.Simulation;

/// <summary>
/// Runs the tasks of one simulated node, one at a time, on the thread of its world, which picks the next one by the seed. Never inlines: every
/// continuation is a
/// choice of the seed. A node that sleeps keeps its tasks; a dead one drops them.
/// </summary>
internal sealed class SimulatedScheduler(SimulatedWorld world, SimulatedNode node) : TaskScheduler
{
    public override int MaximumConcurrencyLevel => 1;

    /// <summary>Called by the world alone.</summary>
    public void Execute(Task task) => TryExecuteTask(task);

    protected override void QueueTask(Task task) => world.Enqueue(node, task);

    protected override bool TryExecuteTaskInline(Task task, bool taskWasPreviouslyQueued) => false;

    protected override IEnumerable<Task> GetScheduledTasks() => [];
}
