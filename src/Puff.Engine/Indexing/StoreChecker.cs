using Puff.Engine.Encoding;
using Puff.Engine.Formats;
using Puff.Engine.Namespaces;
using Puff.Engine.Segments;
using Puff.Engine.Storage;
using Puff.Engine.Wal;

namespace Puff.Engine.Indexing;

/// <summary>
/// Reads everything a namespace consists of to the last byte and follows every reference: manifest, log entries, segment parts, deletion bitmaps, pins. Changes
/// nothing. A store's failure is no finding and passes through.
/// </summary>
internal sealed class StoreChecker(EngineContext context)
{
    private readonly List<CheckProblem> problems = [];
    private readonly List<string> unreferenced = [];
    private int namespaces;
    private long objects;
    private long bytes;

    /// <param name="name">One namespace, or null for all.</param>
    /// <param name="cancellation">Stops between objects.</param>
    public async Task<CheckReport> CheckAsync(string? name, CancellationToken cancellation)
    {
        if (name is not null)
        {
            if (!await CheckNamespaceAsync(name, cancellation))
            {
                throw PuffException.NotFound($"nothing is stored under namespace \"{name}\"");
            }
        }
        else
        {
            await foreach (string found in NamespaceFolders.ListAsync(context, cancellation))
            {
                await CheckNamespaceAsync(found, cancellation);
            }
        }

        return new CheckReport(namespaces, objects, bytes, problems, unreferenced);
    }

    private async Task<bool> CheckNamespaceAsync(string name, CancellationToken cancellation)
    {
        var keys = context.KeysOf(name);
        var present = new Dictionary<string, ObjectInfo>(StringComparer.Ordinal);
        await foreach (var item in ObjectListing.ListAsync(context.Store, keys.Folder, StorePurpose.User, cancellation))
        {
            present.Add(item.Key, item);
        }

        if (present.Count == 0)
        {
            return false;
        }

        namespaces++;
        var needed = new HashSet<string>(StringComparer.Ordinal) { keys.Current };
        if (await ReadManifestAsync(keys, cancellation) is { } manifest)
        {
            await CheckLogAsync(keys, manifest, present, needed, cancellation);
            await CheckSegmentsAsync(keys, manifest, needed, cancellation);
            await CheckHistoryAsync(keys, manifest, present, needed, cancellation);
        }

        await CheckOpeningAsync(keys, present, needed, cancellation);
        await CheckPinsAsync(keys, present, needed, cancellation);
        unreferenced.AddRange(present.Keys.Where(k => !needed.Contains(k)).Order(StringComparer.Ordinal));
        return true;
    }

    private async Task<Manifest?> ReadManifestAsync(NamespaceKeys keys, CancellationToken cancellation)
    {
        try
        {
            var current = await new ManifestStore(context, keys).ReadAsync(null, cancellation);
            objects++;
            if (current is null)
            {
                problems.Add(new CheckProblem(keys.Name, keys.Current, "there is no manifest, but objects that only a manifest makes sense of"));
            }

            return current?.Manifest;
        }
        catch (PuffException damage) when (damage.Kind == ErrorKind.Corrupt)
        {
            problems.Add(new CheckProblem(keys.Name, keys.Current, damage.Message));
            return null;
        }
    }

    private async Task CheckLogAsync(
        NamespaceKeys keys, Manifest manifest, Dictionary<string, ObjectInfo> present, HashSet<string> needed, CancellationToken cancellation)
    {
        long next = manifest.IndexedThrough + 1;
        var sequences = present.Keys.Select(keys.ParseWalEntry).Where(e => e?.Epoch == manifest.Epoch).Select(e => e!.Value.Sequence);
        foreach (long sequence in sequences.Where(s => s > manifest.IndexedThrough).Order())
        {
            if (sequence != next)
            {
                problems.Add(new CheckProblem(keys.Name, keys.WalEntry(manifest.Epoch, next), $"the WAL entry is missing, and all others before {sequence}"));
            }

            next = sequence + 1;
            needed.Add(keys.WalEntry(manifest.Epoch, sequence));
            await CheckEntryAsync(keys, keys, manifest.Epoch, sequence, cancellation);
        }

        foreach (var tail in manifest.InheritedTails)
        {
            for (long sequence = tail.From; sequence <= tail.Through; sequence++)
            {
                needed.Add(keys.Of(tail.Name).WalEntry(tail.Epoch, sequence));
                await CheckEntryAsync(keys, keys.Of(tail.Name), tail.Epoch, sequence, cancellation);
            }
        }
    }

    private async Task CheckEntryAsync(NamespaceKeys reader, NamespaceKeys owner, ulong epoch, long sequence, CancellationToken cancellation)
    {
        string key = owner.WalEntry(epoch, sequence);
        try
        {
            var entry = await new WriteAheadLog(context.Store, owner, epoch).ReadAsync(sequence, cancellation);
            objects++;
            if (entry is null)
            {
                problems.Add(new CheckProblem(reader.Name, key, "the WAL entry is missing"));
                return;
            }

            bytes += entry.Bytes;
            entry.Memory.Release();
        }
        catch (PuffException damage) when (damage.Kind == ErrorKind.Corrupt)
        {
            problems.Add(new CheckProblem(reader.Name, key, damage.Message));
        }
    }

    private async Task CheckSegmentsAsync(NamespaceKeys keys, Manifest manifest, HashSet<string> needed, CancellationToken cancellation)
    {
        foreach (var segment in manifest.Segments.Where(s => s.AllKeys().Any(k => !needed.Contains(k))))
        {
            needed.UnionWith(segment.AllKeys());
            objects += segment.AllKeys().Count();
            bytes += segment.TotalBytes;
            foreach (var problem in await SegmentVerifier.VerifyAsync(context.Store, segment, manifest.Trees, cancellation))
            {
                problems.Add(new CheckProblem(keys.Name, problem.Key, problem.Message));
            }
        }

        foreach (var tree in manifest.Trees.Where(t => t.Parts.Any(p => !needed.Contains(p.Key))))
        {
            needed.UnionWith(tree.Parts.Select(p => p.Key));
            objects += tree.Parts.Count;
            bytes += tree.Parts.Sum(p => p.Bytes);
            foreach (var problem in await SegmentVerifier.VerifyTreeAsync(context.Store, tree, cancellation))
            {
                problems.Add(new CheckProblem(keys.Name, problem.Key, problem.Message));
            }
        }
    }

    /// <summary>Every moment that is kept must be there: the manifests, what they name, and the log between them.</summary>
    private async Task CheckHistoryAsync(
        NamespaceKeys keys, Manifest manifest, Dictionary<string, ObjectInfo> present, HashSet<string> needed, CancellationToken cancellation)
    {
        HistoryChain chain;
        try
        {
            chain = await HistoryChain.ReadAsync(new ManifestStore(context, keys), keys, manifest, present.Keys, StorePurpose.User, cancellation);
        }
        catch (PuffException damage) when (damage.Kind == ErrorKind.Corrupt)
        {
            problems.Add(new CheckProblem(keys.Name, keys.HistoryFolder, damage.Message));
            return;
        }

        foreach (var kept in chain.Kept.Reverse())
        {
            objects++;
            needed.Add(keys.History(kept.Epoch, kept.Version));
            await CheckSegmentsAsync(keys, kept, needed, cancellation);
            foreach (var (owner, epoch, sequence) in LogOf(keys, chain, kept, present))
            {
                if (needed.Add(owner.WalEntry(epoch, sequence)))
                {
                    await CheckEntryAsync(keys, owner, epoch, sequence, cancellation);
                }
            }
        }

        if (chain.Manifests[0].History is { } last && present.Keys.Any(k => keys.ParseHistory(k) is { } e && e.Epoch == last.Epoch && e.Version < last.Version))
        {
            problems.Add(new CheckProblem(keys.Name, keys.History(last.Epoch, last.Version), "the kept manifest is missing, but older ones are there"));
        }
    }

    /// <summary>The log entries a kept manifest leads through.</summary>
    private static IEnumerable<(NamespaceKeys Owner, ulong Epoch, long Sequence)> LogOf(
        NamespaceKeys keys, HistoryChain chain, Manifest kept, Dictionary<string, ObjectInfo> present)
    {
        foreach (var tail in kept.InheritedTails)
        {
            for (long sequence = tail.From; sequence <= tail.Through; sequence++)
            {
                yield return (keys.Of(tail.Name), tail.Epoch, sequence);
            }
        }

        // The last of an epoch leads to the end of its log, which only the log itself tells.
        long end = chain.EndOf(kept) ?? present.Keys.Select(keys.ParseWalEntry).Where(e => e?.Epoch == kept.Epoch)
            .Select(e => e!.Value.Sequence).DefaultIfEmpty(0).Max();
        for (long sequence = kept.IndexedThrough + 1; sequence <= end; sequence++)
        {
            yield return (keys, kept.Epoch, sequence);
        }
    }

    /// <summary>Of the opening object the directory: what it has of objects is under their checksums.</summary>
    private async Task CheckOpeningAsync(
        NamespaceKeys keys, Dictionary<string, ObjectInfo> present, HashSet<string> needed, CancellationToken cancellation)
    {
        needed.Add(keys.Opening);
        var result = present.ContainsKey(keys.Opening) ? await context.Store.GetAsync(keys.Opening, default, StorePurpose.User, cancellation) : default;
        if (result.Content is not { } content)
        {
            return;
        }

        try
        {
            objects++;
            bytes += content.Length;
            OpeningFormat.ReadDirectory(content.Span);
        }
        catch (CorruptDataException damage)
        {
            problems.Add(new CheckProblem(keys.Name, keys.Opening, $"damaged: {damage.Message}; it is a copy of parts of other objects and may be deleted"));
        }
        finally
        {
            content.Release();
        }
    }

    /// <summary>What a pin names belongs to a branch: it must be here although this namespace may need it no more.</summary>
    private async Task CheckPinsAsync(NamespaceKeys keys, Dictionary<string, ObjectInfo> present, HashSet<string> needed, CancellationToken cancellation)
    {
        foreach (string pinKey in present.Keys.Where(k => k.StartsWith(keys.PinFolder, StringComparison.Ordinal)))
        {
            needed.Add(pinKey);
            var result = await context.Store.GetAsync(pinKey, default, StorePurpose.User, cancellation);
            if (result.Status == GetStatus.Absent)
            {
                continue;
            }

            try
            {
                objects++;
                var pin = PinFormat.Read(result.Content!.Span);
                var wanted = pin.Keys.Concat(pin.Tails.SelectMany(t => EntriesOf(keys, t))).ToArray();
                needed.UnionWith(wanted);
                problems.AddRange(
                    wanted.Where(k => !present.ContainsKey(k)).Select(k => new CheckProblem(keys.Name, k, $"missing, although {pinKey} pins it")));
            }
            catch (CorruptDataException damage)
            {
                problems.Add(new CheckProblem(keys.Name, pinKey, damage.Message));
            }
            finally
            {
                result.Content!.Release();
            }
        }
    }

    private static IEnumerable<string> EntriesOf(NamespaceKeys keys, InheritedTail tail)
    {
        for (long sequence = tail.From; sequence <= tail.Through; sequence++)
        {
            yield return keys.WalEntry(tail.Epoch, sequence);
        }
    }
}
