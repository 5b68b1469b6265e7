using Puff.Engine.Storage;

namespace Puff.Hosting;

/// <summary>Opens a store by what the user wrote after --store, and refuses one that does not keep its promises.</summary>
internal static class StoreOpener
{
    public static async Task<IObjectStore> OpenAsync(string location, CancellationToken cancellation) => location switch
    {
        "memory://" => new MemoryObjectStore(),
        _ when location.Contains("://", StringComparison.Ordinal) =>
            throw new CommandException(ExitCode.Usage, $"'{location}' is no store this build knows; write a directory or memory:// (--store, PUFF_STORE)"),
        _ => await DirectoryObjectStore.OpenAsync(location, cancellation: cancellation),
    };
}
