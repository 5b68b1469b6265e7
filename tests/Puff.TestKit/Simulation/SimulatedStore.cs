using Puff.Engine.Storage;

namespace Puff.TestKit.Simulation;

/// <summary>
/// One object store shared by all nodes. What it holds is always consistent; what may go wrong is the way there and back: calls are slow, refused, lose
/// their reply,
/// happen after their caller was told of a failure, happen twice, or die with their node.
/// </summary>
internal sealed class SimulatedStore(SimulatedWorld world, StoreSabotage sabotage)
{
    private int onTheWay;

    public MemoryObjectStore Inner { get; } = new(new SimulatedTime(world, null, TimeSpan.Zero));

    public FaultProfile Faults { get; set; } = FaultProfile.None;

    public IStoreWitness? Witness { get; set; }

    /// <summary>Ends a node.</summary>
    public Action<SimulatedNode>? Crash { get; set; }

    /// <summary>Calls that may still change something, those of dead nodes included.</summary>
    public int OnTheWay => onTheWay;

    public long Calls { get; private set; }

    /// <summary>The store as one node reaches it.</summary>
    public IObjectStore Connect(SimulatedNode node) => new SimulatedConnection(this, node);

    /// <summary>Sends a call on its way. <paramref name="act"/> runs when it arrives, on the world's thread.</summary>
    public Task<T> Send<T>(SimulatedNode node, string what, string key, bool writes, Func<T> act)
    {
        Calls++;
        var random = world.Random;
        var fate = Faults.FateOf(random, writes);
        world.Trace(what, $"{node.Name} {key}", (int)fate);
        var reply = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        var there = Faults.Latency(random);
        var back = Faults.Latency(random);
        switch (fate)
        {
            case Fate.Refused:
                world.After(back, node, () => reply.SetException(Failure(what, key, unknown: false)));
                break;
            case Fate.Vanished:
                world.After(there + back, node, () => reply.SetException(Failure(what, key, unknown: writes)));
                break;
            case Fate.ReplyLost:
                Arrive(node, there, what, key, writes ? act : null,
                    _ => world.After(back, node, () => reply.SetException(Failure(what, key, unknown: writes))));
                break;
            case Fate.Late:
                world.After(there + back, node, () => reply.SetException(Failure(what, key, unknown: true)));
                Arrive(node, there + Faults.Straying(random), what, key, act, null);
                break;
            case Fate.LastWords:
                Arrive(node, there + Faults.Straying(random), what, key, act, null);
                world.After(TimeSpan.Zero, null, () => Crash?.Invoke(node));
                break;
            case Fate.Twice:
                // The caller may hear of either delivery: who sent once can be told that somebody was first.
                bool hearsSecond = random.Next(3) == 0;
                Action<Action<TaskCompletionSource<T>>> answer = result => world.After(back, node, () => result(reply));
                Arrive(node, there, what, key, act, hearsSecond ? null : answer);
                Arrive(node, there + (hearsSecond ? back : Faults.Straying(random)), what, key, act, hearsSecond ? answer : null);
                break;
            default:
                Arrive(node, there, what, key, act, result => world.After(back, node, () => result(reply)));
                break;
        }

        return reply.Task;
    }

    public PutResult Put(string key, byte[] content, PutCondition condition, int operation)
    {
        if (IsSabotaged(key, StoreSabotage.ForgetsPuts, 50))
        {
            return new PutResult(PutStatus.Written, "forgotten");
        }

        var result = Wait(Inner.PutAsync(key, content, condition, StorePurpose.User, CancellationToken.None));
        if (result.Status != PutStatus.Written && sabotage == StoreSabotage.TwoWinners && world.Random.Next(50) == 0)
        {
            result = Wait(Inner.PutAsync(key, content, PutCondition.None, StorePurpose.User, CancellationToken.None));
        }

        world.Trace(result.Status == PutStatus.Written ? "written" : "not written", key, content.Length);
        if (result.Status == PutStatus.Written)
        {
            Witness?.Written(key, content, operation);
        }

        return result;
    }

    public bool Delete(string key)
    {
        Wait(Inner.DeleteAsync(key, StorePurpose.User, CancellationToken.None).AsTask());
        world.Trace("deleted", key, 0);
        Witness?.Deleted(key);
        return true;
    }

    public bool HidesEntry(string key) => IsSabotaged(key, StoreSabotage.StaleReads, 20);

    /// <summary>The memory store answers at once; anything else would leave the world's order.</summary>
    public static T Wait<T>(ValueTask<T> done) =>
        done.IsCompleted ? done.Result : throw new InvalidOperationException("the memory store did not answer at once");

    /// <summary>One in so many calls about log entries, until the store is told to behave.</summary>
    private bool IsSabotaged(string key, StoreSabotage kind, int oneIn) =>
        sabotage == kind && Faults != FaultProfile.None && key.Contains("/wal/", StringComparison.Ordinal) && world.Random.Next(oneIn) == 0;

    private static void Wait(Task done)
    {
        if (!done.IsCompletedSuccessfully)
        {
            throw new InvalidOperationException("the memory store did not answer at once");
        }
    }

    private static StoreException Failure(string what, string key, bool unknown) =>
        new($"{what} {key}: simulated failure{(unknown ? " of unknown outcome" : "")}", transient: true, outcomeUnknown: unknown);

    /// <summary>Lets a call act after a while. What a dead node sent may be lost on the way.</summary>
    private void Arrive<T>(SimulatedNode node, TimeSpan delay, string what, string key, Func<T>? act, Action<Action<TaskCompletionSource<T>>>? answer)
    {
        onTheWay++;
        world.After(delay, null, () =>
        {
            onTheWay--;
            if (node.IsDead && world.Random.Next(2) == 0)
            {
                world.Trace("lost", key, 0);
                return;
            }

            if (act is null)
            {
                answer?.Invoke(_ => { });
                return;
            }

            try
            {
                var result = act();
                answer?.Invoke(reply => reply.SetResult(result));
            }
            catch (StoreException failure)
            {
                world.Trace("failed", $"{what} {key}", 0);
                answer?.Invoke(reply => reply.SetException(failure));
            }
        });
    }
}
