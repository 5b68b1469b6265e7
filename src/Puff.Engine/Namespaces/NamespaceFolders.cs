using System.Runtime.CompilerServices;
using Puff.Engine.Formats;
using Puff.Engine.Storage;

namespace Puff.Engine.Namespaces;

/// <summary>Every name under which something is stored, ended and unborn namespaces included: for background work and checks.</summary>
internal static class NamespaceFolders
{
    public static async IAsyncEnumerable<string> ListAsync(EngineContext context, [EnumeratorCancellation] CancellationToken cancellation)
    {
        string folder = NamespaceKeys.NamespacesFolder(context.Settings.Root);
        await foreach (string found in ObjectListing.ListFoldersAsync(context.Store, folder, StorePurpose.Collect, cancellation))
        {
            yield return NamespaceKeys.DecodeName(found[folder.Length..^1]);
        }
    }
}
