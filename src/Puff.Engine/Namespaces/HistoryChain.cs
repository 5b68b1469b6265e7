using Puff.Engine.Formats;
using Puff.Engine.Storage;

namespace Puff.Engine.Namespaces;

/// <summary>The manifests of a namespace from which it can be restored, oldest first; the last is the present one.</summary>
internal sealed record HistoryChain(IReadOnlyList<Manifest> Manifests)
{
    private const int ParallelReads = 16;

    public Manifest Current => Manifests[^1];

    /// <summary>Those that were kept.</summary>
    public IEnumerable<Manifest> Kept => Manifests.SkipLast(1);

    /// <summary>Follows the names from the present manifest back, until one is there no more.</summary>
    /// <param name="store">Reads the manifests.</param>
    /// <param name="keys">Of the namespace.</param>
    /// <param name="current">The present manifest.</param>
    /// <param name="present">The objects under the folder of the history, listed after <paramref name="current"/> was read.</param>
    /// <param name="purpose">What the requests are for.</param>
    /// <param name="cancellation">Stops between requests.</param>
    /// <param name="damaged">Gets the keys of kept manifests that cannot be read; null: the first such is an error.</param>
    public static async Task<HistoryChain> ReadAsync(
        ManifestStore store, NamespaceKeys keys, Manifest current, IEnumerable<string> present, StorePurpose purpose, CancellationToken cancellation,
        HashSet<string>? damaged = null)
    {
        var kept = new Dictionary<(ulong Epoch, long Version), Manifest>();
        foreach (var batch in present.Select(keys.ParseHistory).Where(e => e is not null).Select(e => e!.Value).Chunk(ParallelReads))
        {
            var found = await Task.WhenAll(batch.Select(e => ReadKeptAsync(e.Epoch, e.Version)));
            foreach (var manifest in found.OfType<Manifest>())
            {
                kept[(manifest.Epoch, manifest.Version)] = manifest;
            }
        }

        var chain = new List<Manifest> { current };
        while (chain[^1].History is { } link && kept.Remove((link.Epoch, link.Version), out var before))
        {
            chain.Add(before);
        }

        chain.Reverse();
        return new HistoryChain(chain);

        async Task<Manifest?> ReadKeptAsync(ulong epoch, long version)
        {
            try
            {
                return await store.ReadKeptAsync(epoch, version, purpose, cancellation);
            }
            catch (PuffException damage) when (damaged is not null && damage.Kind == ErrorKind.Corrupt)
            {
                lock (damaged)
                {
                    damaged.Add(keys.History(epoch, version));
                }

                return null;
            }
        }
    }

    /// <summary>
    /// How many of <see cref="Kept"/> lead to no moment that is younger than the retention any more: what follows them begins before.
    /// </summary>
    public int CountExpired(long oldestMs)
    {
        int expired = 0;
        while (expired < Manifests.Count - 1 && EndOf(expired) < oldestMs)
        {
            expired++;
        }

        return expired;
    }

    /// <summary>The moment from which the next manifest is the one to begin with.</summary>
    private long EndOf(int index) =>
        Manifests[index + 1].Epoch == Manifests[index].Epoch ? Manifests[index + 1].IndexedAtMs : Manifests[index + 1].CreatedAtMs;

    /// <summary>The manifest to begin with for a moment; null when it is before the first.</summary>
    public Manifest? Find(long atMs) => Manifests.LastOrDefault(m => m.IndexedAtMs <= atMs);

    /// <summary>The manifest to begin with for an entry of the log; null when there is none.</summary>
    public Manifest? Find(ulong epoch, long sequence) => Manifests.LastOrDefault(m => m.Epoch == epoch && !m.Deleted && m.IndexedThrough <= sequence);

    /// <summary>What the manifest after this one has indexed; null when there is none in its epoch, so that it leads to the end of the log.</summary>
    public long? EndOf(Manifest from) => FindNext(from) is { } next && next.Epoch == from.Epoch ? next.IndexedThrough : null;

    /// <summary>The manifest after this one; null for the present one.</summary>
    public Manifest? FindNext(Manifest from) => Manifests.SkipWhile(m => !ReferenceEquals(m, from)).Skip(1).FirstOrDefault();

    /// <summary>Whether a kept manifest leads through this entry of the log.</summary>
    public bool Holds(ulong epoch, long sequence) => Kept.Any(m => m.Epoch == epoch && sequence > m.IndexedThrough);
}
