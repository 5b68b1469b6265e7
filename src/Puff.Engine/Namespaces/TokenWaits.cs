using System.Collections.Concurrent;

namespace Puff.Engine.Namespaces;

/// <summary>Who waits for a namespace to come to a position, on this node.</summary>
internal sealed class TokenWaits(TimeProvider time)
{
    private static readonly TimeSpan LookHere = TimeSpan.FromMilliseconds(5);

    /// <summary>Looks at the store, for tokens written by other nodes, are made this often.</summary>
    private static readonly TimeSpan LookElsewhere = TimeSpan.FromMilliseconds(200);

    private readonly ConcurrentDictionary<long, (string Name, string Position)> waiting = [];
    private long lastNumber;

    /// <summary>The greatest position that is waited for in a namespace; null when nobody waits.</summary>
    public string? Greatest(string name) => waiting.Values.Where(w => w.Name == name).Select(w => w.Position).Max(StringComparer.Ordinal);

    /// <summary>Returns when every token of the namespace has come to the position; Unavailable when that takes too long.</summary>
    public async Task WaitAsync(Namespace target, string position, TimeSpan timeout, CancellationToken cancellation)
    {
        long number = Interlocked.Increment(ref lastNumber);
        long start = time.GetTimestamp();
        long looked = start;
        await target.FreshenAsync().WaitAsync(cancellation);
        try
        {
            while (!HasCome(target, position))
            {
                waiting[number] = (target.Name, position);
                if (time.GetElapsedTime(start) >= timeout)
                {
                    throw new PuffException(
                        ErrorKind.Unavailable, $"namespace \"{target.Name}\" has not come to position {position} within {timeout.TotalSeconds:0.###} s; "
                        + "repeat the request, or look whether its sync runs");
                }

                await Task.Delay(LookHere, time, cancellation);
                if (time.GetElapsedTime(looked) >= LookElsewhere)
                {
                    looked = time.GetTimestamp();
                    await target.FreshenAsync().WaitAsync(cancellation);
                }
            }
        }
        finally
        {
            waiting.TryRemove(number, out _);
        }
    }

    private static bool HasCome(Namespace target, string position) =>
        target.View is { State: { IsLive: true, Tokens: { Count: > 0 } tokens } } && tokens.All(t => string.CompareOrdinal(t.Position, position) >= 0);
}
