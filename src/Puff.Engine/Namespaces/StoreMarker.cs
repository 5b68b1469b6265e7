using System.Globalization;
using Puff.Engine.Formats;
using Puff.Engine.Storage;

namespace Puff.Engine.Namespaces;

/// <summary>
/// The object `{root}/format` says that what lies beside it is Puff's, and in which arrangement: whoever would write among somebody else's objects, or among
/// those of a release that arranges them otherwise, finds out before the first write. One line of text, "puff store, format 1".
/// </summary>
public static class StoreMarker
{
    private const string Beginning = "puff store, format ";
    private const int Format = 1;

    /// <summary>Checks the marker, and puts it where a store begins.</summary>
    /// <exception cref="PuffException">
    /// Invalid, with the remedy: other objects are there and no marker, or one of another format. Corrupt: it cannot be read.
    /// </exception>
    public static async Task ClaimAsync(IObjectStore store, string root, CancellationToken cancellation = default)
    {
        if (await ExamineAsync(store, root, cancellation))
        {
            return;
        }

        byte[] content = System.Text.Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{Beginning}{Format}\n"));
        await store.PutAsync(KeyOf(root), content, PutCondition.Absent, StorePurpose.Manifest, cancellation);
    }

    /// <summary>The same checks; puts nothing. Whether there is a marker.</summary>
    public static async Task<bool> ExamineAsync(IObjectStore store, string root, CancellationToken cancellation = default)
    {
        if (await CheckAsync(store, root, cancellation))
        {
            return true;
        }

        await CheckNeighboursAsync(store, root, cancellation);
        return false;
    }

    /// <summary>Whether there is a marker; errors when it is not this release's.</summary>
    public static async Task<bool> CheckAsync(IObjectStore store, string root, CancellationToken cancellation = default)
    {
        var found = await store.GetAsync(KeyOf(root), default, StorePurpose.Manifest, cancellation);
        if (found.Content is not { } content)
        {
            return false;
        }

        string text = System.Text.Encoding.ASCII.GetString(content.Span);
        content.Release();
        string where = $"{KeyOf(root)} on {store.Description}";
        if (!text.StartsWith(Beginning, StringComparison.Ordinal)
            || !int.TryParse(text.AsSpan(Beginning.Length).TrimEnd('\n'), NumberStyles.None, CultureInfo.InvariantCulture, out int format))
        {
            throw PuffException.Corrupt($"the format marker {where} cannot be read; if `puff check` finds the store sound, remove the marker and start again, "
                + "else restore the store from a copy, or choose another prefix in --store");
        }

        return format == Format ? true
            : throw PuffException.Invalid(
                $"{where} says that the store has format {format}; this release reads format {Format}: use the release that wrote it");
    }

    /// <summary>Without a marker only what Puff makes may be there.</summary>
    private static async Task CheckNeighboursAsync(IObjectStore store, string root, CancellationToken cancellation)
    {
        string folder = root.Length == 0 ? "" : root + "/";
        string[] own = [NamespaceKeys.NamespacesFolder(root), folder + "self-test/", QueueKeys.Folder(root), folder + "lease/"];
        var page = await store.ListAsync(new ListOptions(folder, Delimiter: '/', Limit: 100), StorePurpose.Manifest, cancellation);
        var foreign = page.Prefixes.Concat(page.Objects.Select(o => o.Key)).FirstOrDefault(k => !own.Contains(k) && k != KeyOf(root));
        if (foreign is not null)
        {
            throw PuffException.Invalid($"{foreign} on {store.Description} is none of Puff's, and nothing says that this is a Puff store; "
                + "choose another prefix in --store (s3://bucket/prefix), or remove what is there");
        }
    }

    private static string KeyOf(string root) => root.Length == 0 ? "format" : root + "/format";
}
