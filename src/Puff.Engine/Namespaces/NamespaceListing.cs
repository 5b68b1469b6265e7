using Puff.Engine.Formats;
using Puff.Engine.Storage;
using Puff.Engine.Wal;

namespace Puff.Engine.Namespaces;

/// <summary>
/// Lists existing namespaces in the bytewise order of their names. Keys are ordered otherwise: there a name ends with '/', which '-' and '.' precede, so that
/// "a-b" comes before "a"; and "." and ".." are written with percent signs. A name that keys would show later is looked for when the first name it
/// begins is met.
/// </summary>
internal sealed class NamespaceListing(EngineContext context)
{
    private const int ParallelLooks = 32;

    private static readonly string[] WrittenOtherwise = [".", ".."];

    private readonly string folder = NamespaceKeys.NamespacesFolder(context.Settings.Root);

    /// <summary>One page. Existence is looked up on the store: a list shows a creation or deletion at once.</summary>
    public async Task<NamespacePage> ListAsync(string prefix, string? after, int limit, CancellationToken cancellation)
    {
        var names = new List<string>();
        string? startAfter = after is null ? null : folder + NamespaceKeys.EncodeName(after);
        string last = after ?? "";
        do
        {
            var options = new ListOptions(folder + prefix, startAfter, '/', Math.Clamp(limit + 1, 1, 1000));
            var page = await context.Store.ListAsync(options, StorePurpose.User, cancellation);
            var candidates = Candidates(page)
                .Where(n => n.StartsWith(prefix, StringComparison.Ordinal) && string.CompareOrdinal(n, last) > 0).ToArray();
            foreach (string[] chunk in candidates.Chunk(ParallelLooks))
            {
                bool[] exist = await Task.WhenAll(chunk.Select(n => ExistsAsync(n, cancellation)));
                names.AddRange(chunk.Where((_, i) => exist[i]));
                if (names.Count > limit)
                {
                    return new NamespacePage(names.Take(limit).ToArray(), names[limit - 1]);
                }
            }

            last = candidates.LastOrDefault() ?? last;
            startAfter = page.Next;
        }
        while (startAfter is not null);
        return new NamespacePage(names, null);
    }

    /// <summary>Names that may exist, in order, without a gap up to the last of them.</summary>
    private SortedSet<string> Candidates(ListPage page)
    {
        var found = page.Prefixes.Select(p => p[folder.Length..^1]).Where(p => p[0] != '%').ToArray();
        var candidates = new SortedSet<string>(found, StringComparer.Ordinal);
        foreach (string name in found)
        {
            for (int end = name.AsSpan(1).IndexOfAny('-', '.') + 1; end > 0; end = NextEnd(name, end))
            {
                // If the page reaches far enough, it would have shown the shorter name.
                if (page.Next is not null && string.CompareOrdinal($"{folder}{name.AsSpan(0, end)}/", page.Prefixes[^1]) > 0)
                {
                    candidates.Add(name[..end]);
                }
            }
        }

        foreach (string name in WrittenOtherwise)
        {
            if (page.Next is null || (candidates.Max is { } max && string.CompareOrdinal(name, max) < 0))
            {
                candidates.Add(name);
            }
        }

        return candidates;
    }

    private static int NextEnd(string name, int end)
    {
        int more = name.AsSpan(end + 1).IndexOfAny('-', '.');
        return more < 0 ? 0 : end + 1 + more;
    }

    /// <summary>
    /// Whether a namespace exists now, without opening it: its manifest, and the newest log entry after it. One that is damaged exists: it must neither vanish
    /// from the list nor keep the others from being listed.
    /// </summary>
    private async Task<bool> ExistsAsync(string name, CancellationToken cancellation)
    {
        try
        {
            return await LookAsync(context.KeysOf(name), cancellation);
        }
        catch (PuffException damage) when (damage.Kind == ErrorKind.Corrupt)
        {
            return true;
        }
    }

    private async Task<bool> LookAsync(NamespaceKeys keys, CancellationToken cancellation)
    {
        var current = await new ManifestStore(context, keys).ReadAsync(null, cancellation);
        if (current is null || current.Manifest.Deleted)
        {
            return false;
        }

        var log = new WriteAheadLog(context.Store, keys, current.Manifest.Epoch);
        var tail = await log.ListAsync(current.Manifest.IndexedThrough, cancellation);
        if (tail.Count == 0)
        {
            return current.Manifest.BornLive || current.Manifest.IndexedThrough > 0;
        }

        var newest = await log.ReadHeaderAsync(tail[^1], cancellation);
        return newest is null || !newest.Flags.HasFlag(WalEntryFlags.DeletesNamespace);
    }
}
