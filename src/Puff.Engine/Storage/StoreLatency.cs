namespace Puff.Engine.Storage;

/// <summary>How long requests of one kind took.</summary>
/// <param name="Name">As in "PUT 4 KiB".</param>
/// <param name="Requests">How many were made, one after the other.</param>
public sealed record StoreLatency(string Name, int Requests, TimeSpan P50, TimeSpan P90, TimeSpan P99, TimeSpan Longest);

/// <summary>Measures a store from here: what a commit, a read of a block and a listing cost, one after the other, without load.</summary>
public static class StoreLatencyTest
{
    private const int SmallBytes = 4 << 10;
    private const int LargeBytes = 1 << 20;
    private const StorePurpose Purpose = StorePurpose.User;

    /// <param name="store">The store to measure.</param>
    /// <param name="root">Key prefix without a trailing slash; empty for none. Test keys lie under {root}/self-test/.</param>
    /// <param name="requests">Of each kind; 1 or more.</param>
    /// <param name="time">The clock.</param>
    /// <param name="random">Makes the prefix unique.</param>
    /// <param name="cancellation">Stops between requests.</param>
    public static async Task<IReadOnlyList<StoreLatency>> RunAsync(
        IObjectStore store, string root, int requests, TimeProvider time, Random random, CancellationToken cancellation = default)
    {
        string prefix = $"{root}{(root.Length == 0 ? "" : "/")}self-test/{random.NextInt64():x16}/";
        byte[] content = new byte[LargeBytes];
        random.NextBytes(content);
        var clock = new Clock(time, requests);
        try
        {
            return
            [
                await clock.MeasureAsync("PUT 4 KiB if absent", i => PutAsync($"{prefix}small/{i:D6}", SmallBytes)),
                await clock.MeasureAsync("PUT 1 MiB", i => PutAsync($"{prefix}large/{i % 4}", LargeBytes)),
                await clock.MeasureAsync("GET 4 KiB", i => GetAsync($"{prefix}small/{i:D6}", default)),
                await clock.MeasureAsync("GET 64 KiB of 1 MiB", i => GetAsync($"{prefix}large/{i % 4}", new GetOptions((i % 15) << 16, 64 << 10))),
                await clock.MeasureAsync("GET 1 MiB", i => GetAsync($"{prefix}large/{i % 4}", default)),
                await clock.MeasureAsync("GET absent", i => GetAsync($"{prefix}absent/{i}", default)),
                await clock.MeasureAsync("LIST", async _ => await store.ListAsync(new ListOptions(prefix + "small/", Limit: 1000), Purpose, cancellation)),
                await clock.MeasureAsync("DELETE", async i => await store.DeleteAsync($"{prefix}small/{i:D6}", Purpose, cancellation)),
            ];
        }
        finally
        {
            await CleanUpAsync(store, prefix);
        }

        async Task PutAsync(string key, int length) =>
            await store.PutAsync(key, content.AsMemory(0, length), length == SmallBytes ? PutCondition.Absent : PutCondition.None, Purpose, cancellation);

        async Task GetAsync(string key, GetOptions options) => (await store.GetAsync(key, options, Purpose, cancellation)).Content?.Release();
    }

    /// <summary>Best effort: what is left over is named so that one can see what it is.</summary>
    private static async Task CleanUpAsync(IObjectStore store, string prefix)
    {
        try
        {
            await foreach (var item in ObjectListing.ListAsync(store, prefix, StorePurpose.Collect, CancellationToken.None))
            {
                await store.DeleteAsync(item.Key, StorePurpose.Collect, CancellationToken.None);
            }
        }
        catch (StoreException)
        {
            // The store's trouble has shown in the measurement.
        }
    }

    private sealed class Clock(TimeProvider time, int requests)
    {
        public async Task<StoreLatency> MeasureAsync(string name, Func<int, Task> request)
        {
            var samples = new TimeSpan[requests];
            for (int i = 0; i < requests; i++)
            {
                long begin = time.GetTimestamp();
                await request(i);
                samples[i] = time.GetElapsedTime(begin);
            }

            Array.Sort(samples);
            return new StoreLatency(name, requests, At(0.5), At(0.9), At(0.99), samples[^1]);

            TimeSpan At(double share) => samples[Math.Min((int)(requests * share), requests - 1)];
        }
    }
}
