using System.Globalization;
using Puff.Engine.Formats;
using Puff.Engine.Namespaces;
using Puff.Engine.Segments;
using Puff.Engine.Storage;
using Puff.Engine.Wal;

namespace Puff.Engine.Indexing;

/// <summary>
/// Copies a namespace to another store as it is at one moment, while it is written to: a manifest, the objects it names, and the log entries after it. Every
/// object is verified before it is written; what is at the target already is not copied again, so an interrupted copy goes on where it was, and a repeated one
/// is a backup that copies what is new. The target's manifest is written last: until then a new copy does not exist, and an old one stays as it was.
/// Nothing is written to the source.
/// </summary>
internal sealed class StoreCopier(EngineContext source, EngineContext target)
{
    /// <summary>The collector of the source may overtake a copy that takes longer than grace. The next attempt has less to do.</summary>
    private const int Attempts = 8;

    private const int ParallelCopies = 8;

    /// <exception cref="PuffException">
    /// NotFound: there is no such namespace. Corrupt: an object of the source is damaged; the copy is as it was. Conflict: the target has a namespace of this
    /// name that is no copy, or a copy that was written to.
    /// </exception>
    public async Task<CopyReport> CopyAsync(string name, CopyOptions options, CancellationToken cancellation)
    {
        string? seen = null;
        for (int attempt = 1; ; attempt++)
        {
            var moment = await ReadMomentAsync(name, cancellation);
            try
            {
                return await CopyAsync(moment, options, cancellation);
            }
            catch (VanishedException vanished) when (moment.ETag == seen || attempt == Attempts)
            {
                throw MappedPart.Missing(vanished.Key);
            }
            catch (VanishedException)
            {
                seen = moment.ETag;
            }
        }
    }

    private async Task<CopyReport> CopyAsync(Moment moment, CopyOptions options, CancellationToken cancellation)
    {
        var manifests = new ManifestStore(target, moment.Keys);
        var before = await manifests.ReadAsync(null, cancellation);
        long have = await CheckTargetAsync(moment, before?.Manifest, cancellation);

        // A log that went on at the target, or ended there, must not be written again: then the copy begins a life of its own and inherits the source's log.
        bool isSameLog = before is null || IsCopyOfSameLog(moment, before.Manifest);
        ulong epoch = isSameLog ? moment.Manifest.Epoch : target.NextUInt64() | 1;
        if (isSameLog && before is not null)
        {
            // Says first which entries are to come, so that those an interrupted copy leaves are not taken for somebody's writes.
            var announced = before.Manifest with { Version = before.Manifest.Version + 1, CopiedThrough = moment.Through };
            before = moment.Through == before.Manifest.CopiedThrough ? before : await PublishAsync(manifests, announced, before, cancellation);
        }

        // A copy whose own indexer is further than the source's needs only the entries it does not have.
        bool isAhead = isSameLog && before?.Manifest.IndexedThrough > moment.Manifest.IndexedThrough;
        var pins = isAhead ? [] : await PinAsync(moment, before?.Manifest, epoch, cancellation);
        var copies = new ObjectCopies(source.Store, target.Store, options);
        var objects = isAhead ? [] : PlanOf(moment).ToArray();
        var log = EntriesOf(moment, have).ToArray();
        await copies.PrepareAsync(objects.Concat(log), cancellation);
        foreach (var batch in objects.Chunk(ParallelCopies))
        {
            await Task.WhenAll(batch.Select(o => copies.CopyAsync(o, cancellation)));
        }

        // Entries are visible as soon as they follow what is there. Where there would be a gap, the manifest that bridges it comes first; both ways every state
        // that can be seen is one the source had.
        bool bridges = isSameLog && before is not null && moment.Manifest.IndexedThrough > have;
        var next = isAhead ? null : ManifestOf(moment, before?.Manifest, epoch, pins);
        if (bridges)
        {
            await PublishAsync(manifests, next!, before, cancellation);
        }

        foreach (var entry in log)
        {
            await copies.CopyAsync(entry, cancellation);
        }

        if (!bridges && next is not null)
        {
            await PublishAsync(manifests, next, before, cancellation);
        }

        await CollectAsync(moment.Keys.Name, cancellation);
        return copies.Report(moment.Keys.Name, moment.Manifest.Epoch.ToString("x16", CultureInfo.InvariantCulture), moment.Through);
    }

    /// <summary>What is copied: a manifest, and the log through an entry that was committed when this was called.</summary>
    private async Task<Moment> ReadMomentAsync(string name, CancellationToken cancellation)
    {
        var keys = source.KeysOf(name);
        var current = await new ManifestStore(source, keys).ReadAsync(null, cancellation);
        if (current is null || current.Manifest.Deleted)
        {
            throw PuffException.NotFound($"namespace \"{name}\" does not exist");
        }

        var log = new WriteAheadLog(source.Store, keys, current.Manifest.Epoch);
        long through = current.Manifest.IndexedThrough;
        foreach (long sequence in await log.ListAsync(through, cancellation))
        {
            if (sequence != through + 1)
            {
                throw PuffException.Corrupt($"WAL entry {keys.WalEntry(log.Epoch, through + 1)} is missing, but entries after it are there");
            }

            through = sequence;
        }

        bool isEmpty = through == 0 && !current.Manifest.BornLive;
        if (isEmpty || (await log.ReadHeaderAsync(through, cancellation) is { } last && last.Flags.HasFlag(WalEntryFlags.DeletesNamespace)))
        {
            throw PuffException.NotFound($"namespace \"{name}\" does not exist");
        }

        return new Moment(keys, current.Manifest, current.ETag, through);
    }

    /// <summary>The last log entry of this epoch that the target has.</summary>
    private async Task<long> CheckTargetAsync(Moment moment, Manifest? there, CancellationToken cancellation)
    {
        if (there is null || there.Deleted)
        {
            return 0;
        }

        string name = moment.Keys.Name;
        long copied = there.CopiedThrough ?? throw PuffException.Conflict(
            $"the target has a namespace \"{name}\" that is no copy; delete it there, or copy to another place");
        var sequences = await new WriteAheadLog(target.Store, moment.Keys, there.Epoch).ListAsync(there.IndexedThrough, cancellation);
        if (there.IndexedThrough > copied || sequences.LastOrDefault() > copied)
        {
            throw PuffException.Conflict($"the copy of \"{name}\" at the target was written to; delete it there, or copy to another place");
        }

        if (!IsCopyOfSameLog(moment, there))
        {
            return 0;
        }

        return copied <= moment.Through ? sequences.TakeWhile((s, i) => s == there.IndexedThrough + 1 + i).DefaultIfEmpty(there.IndexedThrough).Last()
            : throw PuffException.Conflict($"the copy of \"{name}\" at the target is newer than the source: entry {copied}, the source has {moment.Through}");
    }

    private static bool IsCopyOfSameLog(Moment moment, Manifest there) => !there.Deleted && there.Epoch == moment.Manifest.Epoch;

    /// <summary>
    /// A copied branch reads objects in its parents' folders, which a collector at the target would take for litter: they are pinned there as they are at the
    /// source, but only what the copies need.
    /// </summary>
    private async Task<List<string>> PinAsync(Moment moment, Manifest? before, ulong epoch, CancellationToken cancellation)
    {
        Manifest[] manifests = before is null ? [moment.Manifest] : [moment.Manifest, before];
        var keys = manifests.SelectMany(m => m.ObjectKeys()).Distinct(StringComparer.Ordinal)
            .ToLookup(k => NamespaceKeys.OwnerOf(target.Settings.Root, k)!, StringComparer.Ordinal);
        var tails = manifests.SelectMany(m => m.InheritedTails).Distinct().ToLookup(t => t.Name, StringComparer.Ordinal);
        var pins = new List<string>();
        foreach (string owner in keys.Select(g => g.Key).Union(tails.Select(g => g.Key)).Where(o => o != moment.Keys.Name))
        {
            string pin = target.KeysOf(owner).Pin(moment.Keys.Name, epoch);
            byte[] content = PinFormat.Write(new BranchPin([.. keys[owner]], [.. tails[owner]]));
            await target.Store.PutAsync(pin, content, PutCondition.None, StorePurpose.Manifest, cancellation);
            pins.Add(pin);
        }

        return pins;
    }

    private static IEnumerable<CopiedObject> PlanOf(Moment moment)
    {
        foreach (var segment in moment.Manifest.Segments)
        {
            foreach (var part in segment.Parts)
            {
                yield return CopiedObject.Part(segment, part);
            }

            if (segment.DeletesKey is { } deletes)
            {
                yield return CopiedObject.Deletes(deletes, segment.Documents);
            }
        }

        foreach (var tree in moment.Manifest.Trees)
        {
            foreach (var part in tree.Parts)
            {
                yield return CopiedObject.Tree(tree, part);
            }
        }

        foreach (var tail in moment.Manifest.InheritedTails)
        {
            for (long sequence = tail.From; sequence <= tail.Through; sequence++)
            {
                yield return CopiedObject.Entry(moment.Keys.Of(tail.Name), tail.Epoch, sequence);
            }
        }
    }

    private static IEnumerable<CopiedObject> EntriesOf(Moment moment, long have)
    {
        for (long sequence = Math.Max(have, moment.Manifest.IndexedThrough) + 1; sequence <= moment.Through; sequence++)
        {
            yield return CopiedObject.Entry(moment.Keys, moment.Manifest.Epoch, sequence);
        }
    }

    /// <summary>The source's manifest, with what the target gives up in place of what the source did.</summary>
    private Manifest ManifestOf(Moment moment, Manifest? before, ulong epoch, List<string> pins)
    {
        var copy = moment.Manifest with { CopiedThrough = moment.Through, Retired = [], Trims = [], PinsHeld = pins, History = null };
        if (before?.Dated(target.NowMs, target.Settings.Grace) is not { } old)
        {
            return copy;
        }

        var alive = copy.ObjectKeys().Select(RetiredObjects.SegmentOf).ToHashSet(StringComparer.Ordinal);
        copy = copy with
        {
            Retired = old.Retired.Where(r => !alive.Contains(RetiredObjects.SegmentOf(r.Key))).ToArray(),
            PinsHeld = [.. old.PinsHeld.Union(pins)],
        };
        copy = epoch != copy.Epoch ? NextLifeOf(moment, copy, epoch)
            : copy with { Version = Math.Max(copy.Version, old.Version + 1), Trims = [.. old.Trims, new TrimMark(copy.IndexedThrough, 0)] };
        var segments = copy.Segments.Select(s => s.KeyBase).ToHashSet(StringComparer.Ordinal);
        var gone = old.Segments.Where(s => !segments.Contains(s.KeyBase)).ToArray();
        var tails = old.InheritedTails.Except(copy.InheritedTails).Select(t => moment.Keys.Of(t.Name).WalEntry(t.Epoch, t.From));
        return copy.Retiring(gone, old.ObjectKeys().Except(copy.ObjectKeys(), StringComparer.Ordinal).Concat(tails));
    }

    private Manifest NextLifeOf(Moment moment, Manifest copy, ulong epoch) => copy with
    {
        Epoch = epoch,
        Version = 0,
        BornLive = true,
        CreatedAtMs = target.NowMs,
        IndexedThrough = 0,
        IndexedAtMs = target.NowMs,
        IndexedBytes = 0,
        InheritedTails = [.. copy.InheritedTails, .. Cloner.TailOf(moment.Keys.Name, moment.Manifest, moment.Through)],
        Trims = [new TrimMark(0, 0)],
        CopiedThrough = 0,
    };

    private static async Task<ManifestVersion> PublishAsync(ManifestStore manifests, Manifest next, ManifestVersion? before, CancellationToken cancellation) =>
        await manifests.PublishAsync(next, before, cancellation)
            ?? throw PuffException.Conflict("the namespace at the target changed while it was copied; repeat the copy");

    /// <summary>What earlier copies needed and this one does not, grace after it was given up: at a backup nobody else collects.</summary>
    private async Task CollectAsync(string name, CancellationToken cancellation)
    {
        var copied = new Namespace(target, name, new NoIndexing());
        try
        {
            await new Collector(target).CollectAsync(copied, cancellation);
        }
        finally
        {
            copied.Close();
        }
    }

    /// <param name="Through">The last log entry.</param>
    private sealed record Moment(NamespaceKeys Keys, Manifest Manifest, string ETag, long Through);

    private sealed class NoIndexing : INamespaceObserver
    {
        public void TailGrew(Namespace changed)
        {
        }
    }
}
