namespace Puff.Engine.Storage;

/// <summary>
/// Reads and listings, of which the unusually slow ones are sent a second time ("hedged"): what is usual is learnt from the last requests of the same kind and
/// of about the same size. Both requests begin after whoever asked did, so either answer is as fresh as it has to be.
/// </summary>
internal sealed class HedgedReads(IObjectStore store, TimeProvider time, double mostShare)
{
    /// <summary>Fewer requests say nothing of what is usual.</summary>
    private const int LeastSamples = 32;

    private const int KeptSamples = 256;
    private const double Usual = 0.95;

    // Kinds of requests beside ranges, which are told apart by their length.
    private const int Listing = 100;
    private const int FirstWholeObject = 200;
    private const int FirstMappedObject = 300;

    private readonly Lock gate = new();
    private readonly Dictionary<int, Durations> classes = [];
    private long requests;
    private long hedges;

    /// <summary>How many requests were sent a second time so far.</summary>
    public long Hedges => Interlocked.Read(ref hedges);

    public Task<GetResult> GetAsync(string key, GetOptions options, StorePurpose purpose, CancellationToken cancellation)
    {
        Task<GetResult> SendAsync() => store.GetAsync(key, options, purpose, cancellation).AsTask();
        if (options.Length is null && !IsShort(purpose))
        {
            return SendAsync();
        }

        int kind = options.Length is { } length ? ClassOf(length) : FirstWholeObject + (int)purpose;
        return RunAsync(kind, SendAsync, static got => got.Content?.Release(), cancellation);
    }

    public Task<ListPage> ListAsync(ListOptions options, StorePurpose purpose, CancellationToken cancellation) =>
        RunAsync(Listing, () => store.ListAsync(options, purpose, cancellation).AsTask(), static _ => { }, cancellation);

    public Task<ObjectMemory?> MapAsync(string key, StorePurpose purpose, CancellationToken cancellation)
    {
        Task<ObjectMemory?> SendAsync() => store.MapAsync(key, purpose, cancellation).AsTask();
        return IsShort(purpose) ? RunAsync(FirstMappedObject + (int)purpose, SendAsync, static memory => memory?.Release(), cancellation) : SendAsync();
    }

    /// <summary>Whole objects of other purposes may have gigabytes: nothing says what is slow, and a second request would not be cheap.</summary>
    private static bool IsShort(StorePurpose purpose) => purpose is StorePurpose.Manifest or StorePurpose.Wal;

    private async Task<T> RunAsync<T>(int kind, Func<Task<T>> send, Action<T> drop, CancellationToken cancellation)
    {
        long start = time.GetTimestamp();
        var first = send();
        if (Patience(kind) is not { } patience)
        {
            return await NoteAsync(first, start, kind);
        }

        using var giveUp = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        await Task.WhenAny(first, Task.Delay(patience, time, giveUp.Token));
        giveUp.Cancel();
        if (first.IsCompleted || cancellation.IsCancellationRequested || !MayHedge())
        {
            return await NoteAsync(first, start, kind);
        }

        var second = send();
        var winner = await Task.WhenAny(first, second);
        var loser = ReferenceEquals(winner, first) ? second : first;
        if (!winner.IsCompletedSuccessfully)
        {
            (winner, loser) = (loser, winner);
        }

        _ = DropAsync(loser, drop);
        return await NoteAsync(winner, start, kind);
    }

    private static int ClassOf(long length) => System.Numerics.BitOperations.Log2((ulong)Math.Max(length, 1)) / 2;

    private static async Task DropAsync<T>(Task<T> request, Action<T> drop)
    {
        try
        {
            drop(await request);
        }
        catch (Exception failure) when (failure is PuffException or OperationCanceledException)
        {
            // The other answer counts.
        }
    }

    private async Task<T> NoteAsync<T>(Task<T> request, long start, int kind)
    {
        var result = await request;
        lock (gate)
        {
            requests++;
            if (!classes.TryGetValue(kind, out var durations))
            {
                classes.Add(kind, durations = new Durations());
            }

            durations.Add(time.GetElapsedTime(start));
        }

        return result;
    }

    /// <summary>How long to wait before a second request; null when nothing is known yet, or none is wanted.</summary>
    private TimeSpan? Patience(int kind)
    {
        lock (gate)
        {
            return mostShare > 0 && classes.TryGetValue(kind, out var durations) ? durations.Usual : null;
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
