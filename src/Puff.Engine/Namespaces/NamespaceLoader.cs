using Puff.Engine.Diagnostics;
using Puff.Engine.Formats;
using Puff.Engine.Numerics;
using Puff.Engine.Schema;
using Puff.Engine.Segments;
using Puff.Engine.Storage;
using Puff.Engine.Wal;

namespace Puff.Engine.Namespaces;

/// <summary>Builds the view of a namespace from the store: manifest, segments, and the WAL entries after it. Keeps no state.</summary>
internal sealed class NamespaceLoader(EngineContext context, NamespaceKeys keys, ManifestStore manifests)
{
    /// <summary>Entries can be trimmed between listing and reading; a fresh look then finds them indexed.</summary>
    private const int Attempts = 8;

    private const int ParallelReads = 16;

    public async Task<NamespaceView> LoadAsync(CancellationToken cancellation)
    {
        for (int attempt = 0; attempt < Attempts; attempt++)
        {
            long readAt = context.Time.GetTimestamp();
            var (current, listed, openingObject) = await LookAsync(cancellation);
            using var opening = openingObject;
            if (current is null)
            {
                return NamespaceView.Absent(context, keys, readAt);
            }

            var (sequences, missing) = Follow(current.Manifest, listed);
            if (missing is not null && attempt + 1 < Attempts)
            {
                // Trimmed between the two looks, perhaps; a damaged log stays as it is.
                continue;
            }
            else if (missing is not null)
            {
                ReportMissing(current.Manifest.Epoch, missing.Value);
            }

            try
            {
                if (await BuildAsync(current, sequences, opening, cancellation) is { } state)
                {
                    return new NamespaceView(state, current, new WriteAheadLog(context.Store, keys, current.Manifest.Epoch), readAt);
                }
            }
            catch (PuffException gone) when (gone.Kind == ErrorKind.Corrupt && attempt + 1 < Attempts && IsOld(readAt))
            {
                // What the manifest names may have been replaced and collected since it was read; a fresh one tells damage from age.
            }
        }

        throw new PuffException(ErrorKind.Unavailable, $"WAL entries of \"{keys.Name}\" vanish while they are being read; try again");
    }

    /// <summary>The first step: the manifest, the log's entries, and, if the store does not map objects, the opening object, all at once.</summary>
    private async Task<(ManifestVersion? Current, List<(ulong Epoch, long Sequence)> Listed, OpeningObject? Opening)> LookAsync(CancellationToken cancellation)
    {
        if (!context.Store.Capabilities.SupportsMapping)
        {
            ReadRecord.Current?.Opened();
        }

        using var step = ReadRecord.BeginStep();
        var listing = ListWalAsync(cancellation);
        var reading = manifests.ReadAsync(null, cancellation).AsTask();
        var opening = context.Store.Capabilities.SupportsMapping ? null : OpeningObject.ReadAsync(context.Store, keys.Opening, cancellation);
        try
        {
            await Task.WhenAll(listing, reading);
        }
        catch when (opening is not null)
        {
            (await opening)?.Dispose();
            throw;
        }

        return (reading.Result, listing.Result, opening is null ? null : await opening);
    }

    /// <summary>Everything a manifest names stays for grace after it was replaced; half of it allows for clocks that differ.</summary>
    private bool IsOld(long readAt) => context.Time.GetElapsedTime(readAt) > context.Settings.Grace / 2;

    /// <summary>Opens the segments and trees of a manifest; those <paramref name="reuse"/> has open already are shared.</summary>
    /// <param name="manifest">Names them.</param>
    /// <param name="reuse">Null when nothing is open.</param>
    /// <param name="cancellation">Stops between requests.</param>
    /// <param name="opening">Has copies of some of it; null when there is none.</param>
    public async Task<OpenIndex> OpenIndexAsync(
        Manifest manifest, NamespaceState? reuse, CancellationToken cancellation, OpeningObject? opening = null)
    {
        using var step = ReadRecord.BeginStep();
        var open = reuse?.Segments ?? [];
        var fresh = manifest.Segments.Where(s => !open.Any(o => IsSame(o.Descriptor, s))).ToArray();
        var deletes = fresh.Where(s => s.DeletesKey is not null).ToDictionary(s => s.DeletesKey!, s => ReadDeletesAsync(s, opening, cancellation));
        var freshTrees = manifest.Trees.Where(t => reuse?.Trees.Any(o => o.Descriptor.HasSameParts(t)) != true).ToArray();
        using var reads = await OpeningReads.RunAsync(context.Store, fresh, freshTrees, opening, cancellation);
        var segments = manifest.Segments.Select(s => OpenSegmentAsync(s, open, deletes, cancellation)).ToArray();
        var trees = manifest.Trees.Select(t => OpenTreeAsync(t, manifest.Schema, reuse?.Trees ?? [], cancellation)).ToArray();
        try
        {
            await Task.WhenAll([.. segments, .. trees]);
            await ReadTablesAsync(Array.ConvertAll(segments, s => s.Result));
            return new OpenIndex(Array.ConvertAll(segments, s => s.Result), Array.ConvertAll(trees, t => t.Result));
        }
        catch
        {
            var opened = new OpenIndex(
                segments.Where(s => s.IsCompletedSuccessfully).Select(s => s.Result).ToArray(),
                trees.Where(t => t.IsCompletedSuccessfully).Select(t => t.Result).ToArray());
            opened.Release();
            throw;
        }
    }

    private async Task<BitSet> ReadDeletesAsync(SegmentDescriptor segment, OpeningObject? opening, CancellationToken cancellation) =>
        await DeletesObject.ReadAsync(context.Store, segment.DeletesKey!, segment.Documents, cancellation, opening?.Find(segment.DeletesKey!));

    /// <summary>What most queries begin with, in one step; nothing when the opening object had it.</summary>
    private static async Task ReadTablesAsync(SegmentReader[] segments)
    {
        var batch = new ReadBatch();
        foreach (var segment in segments)
        {
            segment.Planner?.PlanOpening(batch);
        }

        using var step = ReadRecord.BeginNextStep();
        await batch.RunAsync();
    }

    private async Task<SegmentReader> OpenSegmentAsync(
        SegmentDescriptor descriptor, IReadOnlyList<SegmentReader> reuse, Dictionary<string, Task<BitSet>> deletes, CancellationToken cancellation)
    {
        foreach (var reader in reuse)
        {
            if (IsSame(reader.Descriptor, descriptor))
            {
                reader.AddReference();
                return reader;
            }
        }

        return await SegmentReader.OpenAsync(
            context.Store, descriptor, cancellation, descriptor.DeletesKey is { } key ? deletes.GetValueOrDefault(key) : null);
    }

    private async Task<IndexTree> OpenTreeAsync(
        TreeDescriptor descriptor, NamespaceSchema schema, IReadOnlyList<IndexTree> reuse, CancellationToken cancellation)
    {
        var opened = await TreeObject.OpenAsync(context.Store, descriptor, reuse.FirstOrDefault(t => t.Descriptor.Id == descriptor.Id), cancellation);
        if (schema.Find(descriptor.Attribute) is { Type.IsDenseVector: true } attribute && attribute.Type.Dimensions == opened.Tree.Dimensions)
        {
            return opened;
        }

        opened.Tree.Release();
        throw PuffException.Corrupt(
            $"tree {descriptor.Id:x16} of \"{keys.Name}\" has {opened.Tree.Dimensions} dimensions and does not fit attribute {descriptor.Attribute}");
    }

    /// <summary>The parent's entries a branch still depends on, in order. The caller owns their references.</summary>
    private async Task<List<WalEntry>> ReadInheritedAsync(IReadOnlyList<InheritedTail> tails, CancellationToken cancellation)
    {
        var entries = new List<WalEntry>();
        foreach (var tail in tails)
        {
            entries.AddRange(await ReadInheritedAsync(tail, cancellation));
        }

        return entries;
    }

    private async Task<List<WalEntry>> ReadInheritedAsync(InheritedTail tail, CancellationToken cancellation)
    {
        var log = new WriteAheadLog(context.Store, keys.Of(tail.Name), tail.Epoch);
        var sequences = new List<long>();
        for (long sequence = tail.From; sequence <= tail.Through; sequence++)
        {
            sequences.Add(sequence);
        }

        return await ReadAllAsync(log, sequences, cancellation)
            ?? throw PuffException.Corrupt(
                $"WAL entries {tail.From} to {tail.Through} of \"{tail.Name}\" are gone, although the branch \"{keys.Name}\" pins them");
    }

    /// <summary>Null when an entry vanished meanwhile.</summary>
    private async Task<NamespaceState?> BuildAsync(ManifestVersion current, List<long> sequences, OpeningObject? openingObject, CancellationToken cancellation)
    {
        var manifest = current.Manifest;
        var log = new WriteAheadLog(context.Store, keys, manifest.Epoch);
        using var step = ReadRecord.BeginStep();
        var inheriting = ReadInheritedAsync(manifest.InheritedTails, cancellation);
        var reading = ReadAllAsync(log, sequences, cancellation);
        var opening = OpenIndexAsync(manifest, null, cancellation, openingObject);
        try
        {
            await Task.WhenAll(inheriting, reading, opening);
        }
        catch
        {
            Release(inheriting, reading, opening);
            throw;
        }

        if (reading.Result is null)
        {
            Release(inheriting, reading, opening);
            return null;
        }

        var state = new NamespaceState(keys.Name, manifest, opening.Result.Segments, opening.Result.Trees);
        try
        {
            ApplyAll(state, inheriting.Result, reading.Result);
            state.Skip(sequences.LastOrDefault());
            return state;
        }
        catch
        {
            state.Release();
            throw;
        }
    }

    /// <summary>
    /// The entries after the manifest, and the first that should be among them and is not: slots are claimed one after the other, so an entry that others
    /// follow was there once.
    /// </summary>
    private static (List<long> Sequences, long? Missing) Follow(Manifest manifest, List<(ulong Epoch, long Sequence)> listed)
    {
        var sequences = listed.Where(e => e.Epoch == manifest.Epoch && e.Sequence > manifest.IndexedThrough).Select(e => e.Sequence).ToList();
        for (int i = 0; i < sequences.Count; i++)
        {
            if (sequences[i] != manifest.IndexedThrough + 1 + i)
            {
                return (sequences, manifest.IndexedThrough + 1 + i);
            }
        }

        return (sequences, null);
    }

    private void ReportMissing(ulong epoch, long sequence)
    {
        string key = keys.WalEntry(epoch, sequence);
        if (context.Settings.CorruptEntries != CorruptEntryPolicy.Skip)
        {
            throw PuffException.Corrupt($"WAL entry {key} is missing, but entries after it are there; restore it from a copy");
        }

        LogMessages.CorruptEntrySkipped(context.Log, key, "it is missing");
    }

    /// <summary>Takes over the references of all entries.</summary>
    private void ApplyAll(NamespaceState state, List<WalEntry> inherited, List<WalEntry> own)
    {
        int applied = 0;
        try
        {
            foreach (var entry in inherited.Concat(own))
            {
                bool isInherited = applied < inherited.Count;
                if (!isInherited)
                {
                    state.Skip(entry.Header.Sequence - 1);
                }

                ApplyOrSkip(state, entry, isInherited);
                applied++;
            }
        }
        catch
        {
            inherited.Concat(own).Skip(applied).ToList().ForEach(e => e.Memory.Release());
            throw;
        }
    }

    private void ApplyOrSkip(NamespaceState state, WalEntry entry, bool isInherited)
    {
        try
        {
            state.Apply(entry, isInherited);
        }
        catch (PuffException damage) when (damage.Kind == ErrorKind.Corrupt && context.Settings.CorruptEntries == CorruptEntryPolicy.Skip)
        {
            LogMessages.CorruptEntrySkipped(context.Log, entry.Key, damage.Message);
            entry.Memory.Release();
            if (!isInherited)
            {
                state.Skip(entry.Header.Sequence);
            }
        }
    }

    /// <summary>Damaged entries are left out under the policy `skip`; null when one is absent.</summary>
    private async Task<List<WalEntry>?> ReadAllAsync(WriteAheadLog log, List<long> sequences, CancellationToken cancellation)
    {
        var entries = new List<WalEntry>(sequences.Count);
        for (int start = 0; start < sequences.Count; start += ParallelReads)
        {
            var reads = sequences.Skip(start).Take(ParallelReads).Select(s => ReadOneAsync(log, s, cancellation)).ToArray();
            try
            {
                await Task.WhenAll(reads);
            }
            catch
            {
                entries.AddRange(reads.Where(r => r.IsCompletedSuccessfully && r.Result.Entry is not null).Select(r => r.Result.Entry!));
                entries.ForEach(e => e.Memory.Release());
                throw;
            }

            entries.AddRange(reads.Where(r => r.Result.Entry is not null).Select(r => r.Result.Entry!));
            if (reads.Any(r => r.Result.IsAbsent))
            {
                entries.ForEach(e => e.Memory.Release());
                return null;
            }
        }

        return entries;
    }

    private async Task<(WalEntry? Entry, bool IsAbsent)> ReadOneAsync(WriteAheadLog log, long sequence, CancellationToken cancellation)
    {
        try
        {
            var entry = await log.ReadAsync(sequence, cancellation);
            return (entry, entry is null);
        }
        catch (PuffException damage) when (damage.Kind == ErrorKind.Corrupt && context.Settings.CorruptEntries == CorruptEntryPolicy.Skip)
        {
            LogMessages.CorruptEntrySkipped(context.Log, keys.WalEntry(log.Epoch, sequence), damage.Message);
            return (null, false);
        }
    }

    private async Task<List<(ulong Epoch, long Sequence)>> ListWalAsync(CancellationToken cancellation)
    {
        var found = new List<(ulong, long)>();
        await foreach (var item in ObjectListing.ListAsync(context.Store, keys.WalFolder, StorePurpose.Wal, cancellation))
        {
            if (keys.ParseWalEntry(item.Key) is { } entry)
            {
                found.Add(entry);
            }
        }

        return found;
    }

    private static bool IsSame(SegmentDescriptor left, SegmentDescriptor right) => left.KeyBase == right.KeyBase && left.DeletesKey == right.DeletesKey;

    private static void Release(Task<List<WalEntry>> inherited, Task<List<WalEntry>?> entries, Task<OpenIndex> index)
    {
        if (inherited.IsCompletedSuccessfully)
        {
            inherited.Result.ForEach(e => e.Memory.Release());
        }

        if (entries.IsCompletedSuccessfully)
        {
            entries.Result?.ForEach(e => e.Memory.Release());
        }

        if (index.IsCompletedSuccessfully)
        {
            index.Result.Release();
        }
    }
}
