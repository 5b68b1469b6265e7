using Puff.Configuration;
using Puff.Engine;
using Puff.Engine.Storage;

namespace Puff.Hosting;

/// <summary>Opens a store by what the user wrote after --store, and tries its promises out.</summary>
internal static class StoreOpener
{
    public static async Task<IObjectStore> OpenAsync(SettingValues settings, string location, CancellationToken cancellation)
    {
        _ = settings.Find(Settings.CacheDirectory);
        return location switch
        {
            "memory://" => new MemoryObjectStore(),
            _ when location.Contains("://", StringComparison.Ordinal) =>
                throw new CommandException(ExitCode.Usage, $"'{location}' is no store this build knows; write a directory or memory:// (--store, PUFF_STORE)"),
            _ => await DirectoryObjectStore.OpenAsync(location, cancellation: cancellation),
        };
    }

    public static Task<StoreSelfTestReport> TestAsync(IObjectStore store, CancellationToken cancellation) =>
        StoreSelfTest.RunAsync(store, new EngineSettings().Root, Random.Shared, cancellation);
}
