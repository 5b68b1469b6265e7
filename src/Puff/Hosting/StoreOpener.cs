using Puff.Configuration;
using Puff.Engine;
using Puff.Engine.Namespaces;
using Puff.Engine.Storage;
using Puff.Storage;

namespace Puff.Hosting;

/// <summary>Opens a store by what the user wrote after --store, and tries its promises out.</summary>
internal static class StoreOpener
{
    /// <summary>A block that is fetched whole.</summary>
    private const long LeastRequest = 64 << 10;

    public static Task<IObjectStore> OpenAsync(SettingValues settings, string location, CancellationToken cancellation) =>
        Parse(location).OpenAsync(settings.Find(Settings.CacheDirectory), reading: ReadingOf(settings), cancellation: cancellation);

    public static Task<StoreSelfTestReport> TestAsync(IObjectStore store, CancellationToken cancellation) =>
        StoreSelfTest.RunAsync(store, new EngineSettings().Root, Random.Shared, cancellation);

    /// <summary>Opens a store that is to be written to: its promises are tried, and what lies there must be Puff's.</summary>
    /// <param name="settings">Where and how much to cache.</param>
    /// <param name="location">What the user wrote.</param>
    /// <param name="keepsCache">What is fetched stays in the cache directory, which then is this process's alone.</param>
    /// <param name="cancellation">Stops between requests.</param>
    public static async Task<IObjectStore> ClaimAsync(SettingValues settings, string location, bool keepsCache, CancellationToken cancellation)
    {
        long? bytes = !keepsCache ? null : settings.Find(Settings.CacheBytes) is { } text ? Quantity.Bytes(text) : 0;
        IObjectStore store = await Parse(location).OpenAsync(
            settings.Find(Settings.CacheDirectory), cacheBytes: bytes, reading: ReadingOf(settings), cancellation: cancellation);
        try
        {
            (await TestAsync(store, cancellation)).ThrowIfFailed();
            await StoreMarker.ClaimAsync(store, new EngineSettings().Root, cancellation);
            return store;
        }
        catch
        {
            await store.DisposeAsync();
            throw;
        }
    }

    /// <summary>Opens a store that is there: what a marker says must be understood.</summary>
    public static async Task<IObjectStore> OpenCheckedAsync(SettingValues settings, string location, CancellationToken cancellation)
    {
        IObjectStore store = await OpenAsync(settings, location, cancellation);
        try
        {
            await StoreMarker.CheckAsync(store, new EngineSettings().Root, cancellation);
            return store;
        }
        catch
        {
            await store.DisposeAsync();
            throw;
        }
    }

    /// <summary>Limits of reading remote objects, as the user set them.</summary>
    public static ExtentStoreOptions ReadingOf(SettingValues settings) => new()
    {
        MaxRequests = Quantity.Count(settings.Get(Settings.StoreRequests), 1),
        MaxRequestsPerStep = Quantity.Count(settings.Get(Settings.StepRequests), 1),
        MergeGapBytes = (int)Math.Min(Quantity.Bytes(settings.Get(Settings.MergeGap), 0), int.MaxValue),
        RequestBytes = (int)Math.Min(Quantity.Bytes(settings.Get(Settings.RequestBytes), LeastRequest), int.MaxValue),
        HedgedShare = Quantity.Share(settings.Get(Settings.HedgedShare)),
        MemoryBytes = Quantity.Bytes(settings.Get(Settings.CacheMemory), 0),
    };

    private static ObjectStoreUri Parse(string location)
    {
        try
        {
            return ObjectStoreUri.Parse(location, Environment.GetEnvironmentVariable);
        }
        catch (PuffException error) when (error.Kind == ErrorKind.Invalid)
        {
            throw new CommandException(ExitCode.Usage, $"{error.Message} (--store, PUFF_STORE)");
        }
    }
}
