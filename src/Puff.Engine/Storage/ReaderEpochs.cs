namespace Puff.Engine.Storage;

/// <summary>
/// Who reads memory that may be taken away: a reader takes a ticket before it looks at anything and gives it back when it uses nothing of it any more. What
/// new readers cannot find may be taken away once all tickets are back that were out when it was hidden.
/// </summary>
internal sealed class ReaderEpochs
{
    private readonly Lock gate = new();
    private readonly Dictionary<long, int> active = [];
    private long current;

    /// <summary>Called when all tickets of an epoch are back, on the thread of the last reader.</summary>
    public Action? Left { get; set; }

    public ReadTicket Enter()
    {
        lock (gate)
        {
            active[current] = active.GetValueOrDefault(current) + 1;
            return new ReadTicket(this, current);
        }
    }

    /// <summary>Ends the present epoch and returns its number: tickets taken from now on are later.</summary>
    public long Advance()
    {
        lock (gate)
        {
            return current++;
        }
    }

    /// <summary>Whether no ticket of an epoch, or of one before it, is out.</summary>
    public bool IsOver(long epoch)
    {
        lock (gate)
        {
            foreach (long number in active.Keys)
            {
                if (number <= epoch)
                {
                    return false;
                }
            }

            return true;
        }
    }

    internal void Exit(long epoch)
    {
        lock (gate)
        {
            if (--active[epoch] > 0)
            {
                return;
            }

            active.Remove(epoch);
        }

        Left?.Invoke();
    }
}

/// <summary>The right to read until it is disposed, once. The default is one that nobody asks for.</summary>
internal readonly struct ReadTicket(ReaderEpochs? owner, long epoch) : IDisposable
{
    public void Dispose() => owner?.Exit(epoch);
}
