using System.Globalization;
using Puff.Engine.Formats;
using Puff.Engine.Storage;
using Puff.Engine.Wal;

namespace Puff.Engine.Namespaces;

/// <summary>
/// Makes a branch of a namespace as it was: the last manifest kept before a moment, and the log entries from there to the moment. The time it takes depends
/// neither on the size of the namespace nor on how long ago the moment was.
/// </summary>
internal sealed class Restorer(EngineContext context, Cloner cloner)
{
    /// <summary>The moments there are; NotFound when nothing was ever stored under the name.</summary>
    public async Task<NamespaceHistory> DescribeAsync(Namespace source, CancellationToken cancellation)
    {
        var (chain, _) = await ReadAsync(source, cancellation);
        var spans = new List<HistorySpan>();
        foreach (var manifest in chain.Manifests.Where(m => !m.Deleted))
        {
            if (await DescribeAsync(source, chain, manifest, cancellation) is { } span)
            {
                spans.Add(span);
            }
        }

        return new NamespaceHistory(source.Name, spans);
    }

    /// <param name="source">What is restored, existing or deleted.</param>
    /// <param name="moment">To which moment.</param>
    /// <param name="target">A new name, or the same when the namespace was deleted.</param>
    public async Task<RestoreResult> RestoreAsync(Namespace source, RestoreMoment moment, Namespace target, CancellationToken cancellation)
    {
        var before = await Cloner.ClearAsync(target, state =>
        {
            if (state.IsLive)
            {
                throw PuffException.Conflict($"namespace \"{target.Name}\" exists; restoring needs the name of none");
            }
        });

        // In its own place the new manifest replaces the one that was looked at, or fails: whatever that one refers to is there, and the collector publishes a
        // version of its own before it deletes anything.
        var (chain, readAt) = await ReadAsync(source, cancellation, target.Name == source.Name ? before.Current : null);
        var (from, through, atMs) = moment.Time is { } time
            ? await FindAsync(source, chain, time, cancellation)
            : await FindAsync(source, chain, moment, cancellation);
        var life = target.NewLife(before);
        var alive = from.Segments.SelectMany(s => s.AllKeys()).Select(RetiredObjects.SegmentOf).ToHashSet(StringComparer.Ordinal);
        var manifest = life with
        {
            BornLive = true,
            Retired = life.Retired.Where(r => !alive.Contains(RetiredObjects.SegmentOf(r.Key))).ToArray(),
            Schema = from.Schema,
            Options = from.Options with { PinnedReplicas = 0 },
            Tokens = from.Tokens,
            TokenEpochs = [.. from.TokenEpochs, from.Epoch],
            Parent = target.Name == source.Name ? from.Parent : source.Name,
            LastWriteAtMs = from.LastWriteAtMs,
            UpdatedAtMs = context.NowMs,
            InheritedTails = [.. from.InheritedTails, .. Cloner.TailOf(source.Name, from, through)],
            Segments = from.Segments,
            Trees = from.Trees,
        };
        await cloner.BranchAsync(target, before, manifest, () => !ReferenceEquals(from, chain.Current)
            ? CheckStillKeptAsync(source, from, cancellation)
            : target.Name == source.Name ? Task.CompletedTask : cloner.CheckStillThere(source, readAt));
        return new RestoreResult(
            target.Name, EpochText(from.Epoch), through, DateTimeOffset.FromUnixTimeMilliseconds(atMs), target.View?.State.LiveDocuments ?? 0);
    }

    /// <summary>
    /// The collector deletes what a kept manifest needs only when a listing that began after the manifest was deleted shows no pin: a manifest that is there
    /// after the pins are proves that they came in time.
    /// </summary>
    private async Task CheckStillKeptAsync(Namespace source, Manifest from, CancellationToken cancellation)
    {
        if (await context.Store.HeadAsync(source.Keys.History(from.Epoch, from.Version), StorePurpose.Manifest, cancellation) is null)
        {
            throw new PuffException(ErrorKind.Unavailable, $"the moment of \"{source.Name}\" passed out of the history meanwhile; ask for a later one");
        }
    }

    private async Task<(HistoryChain Chain, long ReadAt)> ReadAsync(Namespace source, CancellationToken cancellation, ManifestVersion? known = null)
    {
        var current = known ?? await source.Manifests.ReadAsync(null, cancellation)
            ?? throw PuffException.NotFound($"nothing is stored under namespace \"{source.Name}\"");
        var present = new List<string>();
        await foreach (var item in ObjectListing.ListAsync(context.Store, source.Keys.HistoryFolder, StorePurpose.Manifest, cancellation))
        {
            present.Add(item.Key);
        }

        var chain = await HistoryChain.ReadAsync(source.Manifests, source.Keys, current.Manifest, present, StorePurpose.Manifest, cancellation);
        return (chain, current.ReadAt);
    }

    private async Task<(Manifest From, long Through, long AtMs)> FindAsync(
        Namespace source, HistoryChain chain, DateTimeOffset time, CancellationToken cancellation)
    {
        long atMs = time.ToUnixTimeMilliseconds();
        string asked = RestoreMoment.At(time).ToString();
        var from = chain.Find(atMs) ?? throw TooEarly(source, chain, asked);
        if (from.Deleted)
        {
            throw PuffException.NotFound($"namespace \"{source.Name}\" did not exist at {asked}: it was deleted at {TimeText(from.IndexedAtMs)}");
        }

        var log = new WriteAheadLog(context.Store, source.Keys, from.Epoch);
        long low = from.IndexedThrough;
        long high = 1 + (chain.EndOf(from) - 1 ?? await EndOfLogAsync(source, log, low, cancellation));
        WalEntryHeader? last = null;
        while (high - low > 1)
        {
            long middle = low + ((high - low) / 2);
            var header = await ReadHeaderAsync(source, log, middle, cancellation);
            if (header.TimestampMs <= atMs)
            {
                (low, last) = (middle, header);
            }
            else
            {
                high = middle;
            }
        }

        if (last is { } end && end.Flags.HasFlag(WalEntryFlags.DeletesNamespace))
        {
            throw PuffException.NotFound($"namespace \"{source.Name}\" did not exist at {asked}: it was deleted at {TimeText(end.TimestampMs)}");
        }

        return low > 0 || from.BornLive
            ? (from, low, last?.TimestampMs ?? from.IndexedAtMs)
            : throw PuffException.NotFound($"namespace \"{source.Name}\" did not exist yet at {asked}");
    }

    private async Task<(Manifest From, long Through, long AtMs)> FindAsync(
        Namespace source, HistoryChain chain, RestoreMoment moment, CancellationToken cancellation)
    {
        bool isEpoch = ulong.TryParse(moment.Epoch, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ulong epoch);
        var from = (isEpoch ? chain.Find(epoch, moment.Sequence) : null) ?? throw TooEarly(source, chain, moment.ToString());
        if (moment.Sequence == from.IndexedThrough)
        {
            return moment.Sequence > 0 || from.BornLive ? (from, moment.Sequence, from.IndexedAtMs)
                : throw PuffException.NotFound($"namespace \"{source.Name}\" did not exist yet at {moment}");
        }

        var header = await ReadHeaderAsync(source, new WriteAheadLog(context.Store, source.Keys, epoch), moment.Sequence, cancellation);
        return !header.Flags.HasFlag(WalEntryFlags.DeletesNamespace) ? (from, moment.Sequence, header.TimestampMs)
            : throw PuffException.NotFound($"namespace \"{source.Name}\" did not exist at {moment}: that entry deleted it");
    }

    private static PuffException TooEarly(Namespace source, HistoryChain chain, string asked)
    {
        var oldest = chain.Manifests[0];
        return oldest.History is null && oldest.IndexedThrough == 0
            ? PuffException.NotFound($"namespace \"{source.Name}\" did not exist yet at {asked}: it was created at {TimeText(oldest.CreatedAtMs)}")
            : PuffException.Invalid($"namespace \"{source.Name}\" cannot be restored to {asked}: the oldest possible moment is "
                + $"{TimeText(oldest.IndexedAtMs)}, {EpochText(oldest.Epoch)}/{oldest.IndexedThrough} (how far back is the setting `history`)");
    }

    private async Task<HistorySpan?> DescribeAsync(Namespace source, HistoryChain chain, Manifest manifest, CancellationToken cancellation)
    {
        var log = new WriteAheadLog(context.Store, source.Keys, manifest.Epoch);
        long last = chain.EndOf(manifest) - 1 ?? await EndOfLogAsync(source, log, manifest.IndexedThrough, cancellation);
        long end = manifest.IndexedAtMs;
        bool isEnded = false;
        if (last > manifest.IndexedThrough)
        {
            var header = await ReadHeaderAsync(source, log, last, cancellation);
            isEnded = header.Flags.HasFlag(WalEntryFlags.DeletesNamespace);
            last -= isEnded ? 1 : 0;
            end = isEnded && last > manifest.IndexedThrough ? (await ReadHeaderAsync(source, log, last, cancellation)).TimestampMs
                : isEnded ? end : header.TimestampMs;
        }

        isEnded |= chain.FindNext(manifest) is { Deleted: true };
        bool isSomething = last > 0 || manifest.BornLive;
        return !isSomething ? null : new HistorySpan(EpochText(manifest.Epoch), DateTimeOffset.FromUnixTimeMilliseconds(manifest.IndexedAtMs),
            DateTimeOffset.FromUnixTimeMilliseconds(end), manifest.IndexedThrough, last, isEnded, manifest.LiveDocuments);
    }

    /// <summary>The last entry of a log that goes on behind what is indexed.</summary>
    private async Task<long> EndOfLogAsync(Namespace source, WriteAheadLog log, long indexed, CancellationToken cancellation)
    {
        long last = indexed;
        foreach (long sequence in await log.ListAsync(indexed, cancellation))
        {
            if (sequence != last + 1)
            {
                throw PuffException.Corrupt($"WAL entry {source.Keys.WalEntry(log.Epoch, last + 1)} is missing, but entries after it are there");
            }

            last = sequence;
        }

        return last;
    }

    private static async Task<WalEntryHeader> ReadHeaderAsync(Namespace source, WriteAheadLog log, long sequence, CancellationToken cancellation) =>
        await log.ReadHeaderAsync(sequence, cancellation)
            ?? throw PuffException.NotFound($"there is no log entry {source.Keys.WalEntry(log.Epoch, sequence)}; `puff history` shows the moments there are");

    private static string EpochText(ulong epoch) => epoch.ToString("x16", CultureInfo.InvariantCulture);

    private static string TimeText(long milliseconds) => RestoreMoment.At(DateTimeOffset.FromUnixTimeMilliseconds(milliseconds)).ToString();
}
