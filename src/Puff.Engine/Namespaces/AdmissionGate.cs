namespace Puff.Engine.Namespaces;

/// <summary>Lets a bounded number in at once, a bounded number wait in order, and turns the rest away. An entry may weigh more than one place.</summary>
internal sealed class AdmissionGate(int places, int maxWaiting, string what)
{
    private readonly int places = places;
    private readonly Lock gate = new();
    private readonly Queue<(TaskCompletionSource Admitted, int Weight)> waiting = new();
    private int taken;

    /// <summary>Waits for room; dispose the result to leave.</summary>
    /// <exception cref="PuffException">Limited: too many wait already.</exception>
    public async ValueTask<Pass> EnterAsync(int weight, CancellationToken cancellation)
    {
        weight = Math.Min(weight, places);
        TaskCompletionSource admitted;
        lock (gate)
        {
            if (waiting.Count == 0 && places - taken >= weight)
            {
                taken += weight;
                return new Pass(this, weight);
            }

            if (waiting.Count >= maxWaiting)
            {
                throw PuffException.Limited($"too many {what}: {places} run and {maxWaiting} wait; repeat in a moment");
            }

            admitted = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            waiting.Enqueue((admitted, weight));
        }

        await using var registration = cancellation.Register(() => admitted.TrySetCanceled(cancellation));
        await admitted.Task;
        return new Pass(this, weight);
    }

    private void Leave(int weight)
    {
        lock (gate)
        {
            taken -= weight;
            while (waiting.TryPeek(out var next) && (next.Admitted.Task.IsCompleted || places - taken >= next.Weight))
            {
                waiting.Dequeue();
                if (next.Admitted.TrySetResult())
                {
                    taken += next.Weight;
                }
            }
        }
    }

    internal readonly struct Pass(AdmissionGate owner, int weight) : IDisposable
    {
        public void Dispose() => owner.Leave(weight);
    }
}
