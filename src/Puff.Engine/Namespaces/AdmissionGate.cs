namespace Puff.Engine.Namespaces;

/// <summary>Lets a bounded number in at once, a bounded number wait in order, and turns the rest away. An entry may weigh more than one place.</summary>
internal sealed class AdmissionGate(int places, int maxWaiting, string what)
{
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

            DropCancelled();
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

    /// <summary>Who has given up must not keep others from waiting. Only the head matters for admission, all of them for the bound.</summary>
    private void DropCancelled()
    {
        if (waiting.Count >= maxWaiting)
        {
            for (int left = waiting.Count; left > 0; left--)
            {
                var next = waiting.Dequeue();
                if (!next.Admitted.Task.IsCompleted)
                {
                    waiting.Enqueue(next);
                }
            }
        }
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
