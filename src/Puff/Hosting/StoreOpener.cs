using Puff.Configuration;
using Puff.Engine;
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
