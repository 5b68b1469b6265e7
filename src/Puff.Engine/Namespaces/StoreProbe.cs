using Puff.Engine.Formats;
using Puff.Engine.Storage;

namespace Puff.Engine.Namespaces;

/// <summary>What a readiness check asks of the store: that it lists, and shows a manifest.</summary>
internal static class StoreProbe
{
    private const int FoldersListed = 10;

    /// <summary>Throws what the store throws. A namespace half created or half deleted has no manifest: that is no fault of the store.</summary>
    public static async Task RunAsync(EngineContext context, CancellationToken cancellation)
    {
        string folder = NamespaceKeys.NamespacesFolder(context.Settings.Root);
        var page = await context.Store.ListAsync(new ListOptions(folder, Delimiter: '/', Limit: FoldersListed), StorePurpose.User, cancellation);
        if (page.Prefixes.Count > 0)
        {
            string name = NamespaceKeys.DecodeName(page.Prefixes[0][folder.Length..^1]);
            await context.Store.HeadAsync(context.KeysOf(name).Current, StorePurpose.User, cancellation);
        }
    }
}
