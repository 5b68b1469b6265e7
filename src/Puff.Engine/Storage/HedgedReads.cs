namespace Puff.Engine.Storage;

/// <summary>
/// Ranged reads, of which the unusually slow ones are sent a second time ("hedged"): what is usual is learnt from the last requests of about the same size.
/// </summary>
internal sealed class HedgedReads(IObjectStore store, TimeProvider time, double mostShare)
{
    /// <summary>Fewer requests say nothing of what is usual.</summary>
    private const int LeastSamples = 32;

    private const int KeptSamples = 256;
    private const double Usual = 0.95;

    private readonly Lock gate = new();
    private readonly Dictionary<int, Durations> classes = [];
    private long requests;
    private long hedges;

    /// <summary>How many requests were sent a second time so far.</summary>
    public long Hedges => Interlocked.Read(ref hedges);

    public async Task<GetResult> GetAsync(string key, long offset, long length, StorePurpose purpose)
    {
        long start = time.GetTimestamp();
        var first = SendAsync(key, offset, length, purpose);
        if (Patience(length) is not { } patience)
        {
            return await NoteAsync(first, start, length);
        }

        using var giveUp = new CancellationTokenSource();
        await Task.WhenAny(first, Task.Delay(patience, time, giveUp.Token));
        giveUp.Cancel();
        if (first.IsCompleted || !MayHedge())
        {
            return await NoteAsync(first, start, length);
        }

        var second = SendAsync(key, offset, length, purpose);
        var winner = await Task.WhenAny(first, second);
        var loser = ReferenceEquals(winner, first) ? second : first;
        if (!winner.IsCompletedSuccessfully)
        {
            (winner, loser) = (loser, winner);
        }

        _ = DropAsync(loser);
        return await NoteAsync(winner, start, length);
    }

    private static int ClassOf(long length) => System.Numerics.BitOperations.Log2((ulong)Math.Max(length, 1)) / 2;

    private static async Task DropAsync(Task<GetResult> request)
    {
        try
        {
            (await request).Content?.Release();
        }
        catch (PuffException)
        {
            // The other answer counts.
        }
    }

    private async Task<GetResult> SendAsync(string key, long offset, long length, StorePurpose purpose) =>
        await store.GetAsync(key, new GetOptions(offset, length), purpose, CancellationToken.None);

    private async Task<GetResult> NoteAsync(Task<GetResult> request, long start, long length)
    {
        var result = await request;
        lock (gate)
        {
            requests++;
            if (!classes.TryGetValue(ClassOf(length), out var durations))
            {
                classes.Add(ClassOf(length), durations = new Durations());
            }

            durations.Add(time.GetElapsedTime(start));
        }

        return result;
    }

    /// <summary>How long to wait before a second request; null when nothing is known yet, or none is wanted.</summary>
    private TimeSpan? Patience(long length)
    {
        lock (gate)
        {
            return mostShare > 0 && classes.TryGetValue(ClassOf(length), out var durations) ? durations.Usual : null;
        }
    }

    private bool MayHedge()
    {
        lock (gate)
        {
            bool may = hedges + 1 <= requests * mostShare;
            hedges += may ? 1 : 0;
            return may;
        }
    }

    private sealed class Durations
    {
        private readonly TimeSpan[] last = new TimeSpan[KeptSamples];
        private int count;

        public TimeSpan? Usual { get; private set; }

        public void Add(TimeSpan duration)
        {
            last[count++ % KeptSamples] = duration;
            if (count % LeastSamples == 0)
            {
                var known = last.AsSpan(0, Math.Min(count, KeptSamples)).ToArray();
                Array.Sort(known);
                Usual = known[(int)(known.Length * HedgedReads.Usual)];
            }
        }
    }
}
