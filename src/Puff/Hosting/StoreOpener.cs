using Puff.Configuration;
using Puff.Engine;
using Puff.Engine.Namespaces;
using Puff.Engine.Storage;
using Puff.Storage;

namespace Puff.Hosting;

/// <summary>Opens a store by what the user wrote after --store, and tries its promises out.</summary>
internal static class StoreOpener
{
    public static Task<IObjectStore> OpenAsync(SettingValues settings, string location, CancellationToken cancellation) =>
        Parse(location).OpenAsync(settings.Find(Settings.CacheDirectory), cancellation: cancellation);

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
        IObjectStore store = await Parse(location).OpenAsync(settings.Find(Settings.CacheDirectory), cacheBytes: bytes, cancellation: cancellation);
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
