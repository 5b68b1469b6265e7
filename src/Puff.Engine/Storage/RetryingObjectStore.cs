namespace Puff.Engine.Storage;

/// <param name="MaxAttempts">Calls in all, the first one included.</param>
/// <param name="FirstDelay">Wait before the second attempt at most; each further wait may be twice as long.</param>
/// <param name="MaxDelay">No wait is longer.</param>
/// <param name="Patience">No attempt begins later than this after the first: whoever asked is to hear of a store that is gone, and may ask elsewhere.</param>
public sealed record RetryOptions(int MaxAttempts, TimeSpan FirstDelay, TimeSpan MaxDelay, TimeSpan Patience)
{
    public static RetryOptions Default { get; } = new(6, TimeSpan.FromMilliseconds(50), TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(10));
}

/// <summary>
/// Repeats calls that failed with a transient error, after a random wait between half and all of an exponentially growing bound (so that clients
/// that failed together do not come back together). A conditional put whose outcome is unknown is not repeated: had it won, the repetition would be
/// told that it lost, and only the caller can read the object and see whether the content is its own. An unconditional put is repeated
/// in any case; it means the same twice. A writer's calls are not repeated, only its creation.
/// </summary>
public sealed class RetryingObjectStore(IObjectStore inner, TimeProvider time, Random random, RetryOptions? options = null) : DelegatingObjectStore(inner)
{
    private readonly RetryOptions options = options ?? RetryOptions.Default;
    private long retries;

    /// <summary>How many calls were repeated so far.</summary>
    public long Retries => Interlocked.Read(ref retries);

    public override ValueTask<GetResult> GetAsync(string key, GetOptions options, StorePurpose purpose, CancellationToken cancellation) =>
        RepeatAsync(() => Inner.GetAsync(key, options, purpose, cancellation), repeatUnknown: true, cancellation);

    public override ValueTask<PutResult> PutAsync(
        string key, ReadOnlyMemory<byte> content, PutCondition condition, StorePurpose purpose, CancellationToken cancellation) =>
        RepeatAsync(() => Inner.PutAsync(key, content, condition, purpose, cancellation), repeatUnknown: condition == PutCondition.None, cancellation);

    public override ValueTask<IObjectWriter> CreateAsync(string key, StorePurpose purpose, CancellationToken cancellation) =>
        RepeatAsync(() => Inner.CreateAsync(key, purpose, cancellation), repeatUnknown: true, cancellation);

    public override async ValueTask DeleteAsync(string key, StorePurpose purpose, CancellationToken cancellation) =>
        await RepeatAsync(
            async () =>
            {
                await Inner.DeleteAsync(key, purpose, cancellation);
                return true;
            },
            repeatUnknown: true,
            cancellation);

    public override ValueTask<ListPage> ListAsync(ListOptions options, StorePurpose purpose, CancellationToken cancellation) =>
        RepeatAsync(() => Inner.ListAsync(options, purpose, cancellation), repeatUnknown: true, cancellation);

    public override ValueTask<ObjectInfo?> HeadAsync(string key, StorePurpose purpose, CancellationToken cancellation) =>
        RepeatAsync(() => Inner.HeadAsync(key, purpose, cancellation), repeatUnknown: true, cancellation);

    public override ValueTask<bool> CopyAsync(string sourceKey, string targetKey, StorePurpose purpose, CancellationToken cancellation) =>
        RepeatAsync(() => Inner.CopyAsync(sourceKey, targetKey, purpose, cancellation), repeatUnknown: true, cancellation);

    public override ValueTask<ObjectMemory?> MapAsync(string key, StorePurpose purpose, CancellationToken cancellation) =>
        RepeatAsync(() => Inner.MapAsync(key, purpose, cancellation), repeatUnknown: true, cancellation);

    private async ValueTask<T> RepeatAsync<T>(Func<ValueTask<T>> call, bool repeatUnknown, CancellationToken cancellation)
    {
        long began = time.GetTimestamp();
        for (int attempt = 1; ; attempt++)
        {
            TimeSpan delay;
            try
            {
                return await call();
            }
            catch (StoreException error) when (error.Transient && (repeatUnknown || !error.OutcomeUnknown)
                && attempt < options.MaxAttempts && time.GetElapsedTime(began) + (delay = NextDelay(attempt)) <= options.Patience)
            {
                Interlocked.Increment(ref retries);
            }

            await Task.Delay(delay, time, cancellation);
        }
    }

    private TimeSpan NextDelay(int attempt)
    {
        var bound = TimeSpan.FromTicks((long)Math.Min(options.MaxDelay.Ticks, options.FirstDelay.Ticks * Math.Pow(2, attempt - 1)));
        lock (random)
        {
            return bound * (0.5 + (random.NextDouble() / 2));
        }
    }
}
