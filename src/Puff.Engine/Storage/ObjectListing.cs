using System.Runtime.CompilerServices;

namespace Puff.Engine.Storage;

/// <summary>Walks over all pages of a listing.</summary>
internal static class ObjectListing
{
    /// <summary>Every object under a prefix, in key order.</summary>
    public static async IAsyncEnumerable<ObjectInfo> ListAsync(
        IObjectStore store, string prefix, StorePurpose purpose, [EnumeratorCancellation] CancellationToken cancellation)
    {
        string? after = null;
        do
        {
            var page = await store.ListAsync(new ListOptions(prefix, after), purpose, cancellation);
            foreach (var item in page.Objects)
            {
                yield return item;
            }

            after = page.Next;
        }
        while (after is not null);
    }

    /// <summary>Every folder directly under a prefix, with the trailing slash.</summary>
    public static async IAsyncEnumerable<string> ListFoldersAsync(
        IObjectStore store, string prefix, StorePurpose purpose, [EnumeratorCancellation] CancellationToken cancellation)
    {
        string? after = null;
        do
        {
            var page = await store.ListAsync(new ListOptions(prefix, after, '/'), purpose, cancellation);
            foreach (string folder in page.Prefixes)
            {
                yield return folder;
            }

            after = page.Next;
        }
        while (after is not null);
    }
}
