using Puff.Engine.Diagnostics;
using Puff.Engine.Formats;
using Puff.Engine.Namespaces;
using Puff.Engine.Schema;
using Puff.Engine.Segments;

namespace Puff.Engine.Indexing;

/// <summary>
/// Turns the tail into a segment: the newest version of every document written since the last flush, plus new deletion bitmaps for the segments that lost
/// documents to it. One publication makes all of it visible and gives the entries up (design 3.4).
/// </summary>
internal sealed class Flusher(EngineContext context)
{
    /// <summary>True when something was published. A lost publication leaves only unreferenced objects behind, for the collector.</summary>
    public async Task<bool> FlushAsync(Namespace target, CancellationToken cancellation)
    {
        await target.Publishing.WaitAsync(CancellationToken.None);
        var view = target.PinView();
        try
        {
            return view is not null && await FlushAsync(target, view, cancellation);
        }
        finally
        {
            view?.State.Unpin();
            target.Publishing.Release();
        }
    }

    private async Task<bool> FlushAsync(Namespace target, NamespaceView view, CancellationToken cancellation)
    {
        var publication = new Publication(context, target);
        if (view.Current is not { } current)
        {
            return false;
        }

        if (view.State.IsDeleted)
        {
            return !current.Manifest.Deleted && await publication.CompleteAsync(current, EndOf(target, view), cancellation);
        }

        if (!view.State.IsLive)
        {
            return false;
        }

        using var snapshot = view.State.Snapshot();
        if (snapshot.Sequence == current.Manifest.IndexedThrough && current.Manifest.InheritedTails.Count == 0)
        {
            return false;
        }

        return await publication.CompleteAsync(current, await BuildAsync(target, view, snapshot, cancellation), cancellation);
    }

    private async Task<Manifest> BuildAsync(Namespace target, NamespaceView view, NamespaceSnapshot snapshot, CancellationToken cancellation)
    {
        var old = view.Current!.Manifest.Dated(context.NowMs, context.Settings.Grace);
        var replaced = new List<string>();
        var segments = new List<SegmentDescriptor>();
        foreach (var set in snapshot.Sets.OfType<SegmentDocumentSet>())
        {
            segments.Add(await UpdateDeletesAsync(target, set, replaced, cancellation));
        }

        if (snapshot.Sets.OfType<TailDocumentSet>().FirstOrDefault() is { LiveCount: > 0 } tail)
        {
            string keyBase = target.Keys.SegmentBase(context.NextObjectId());
            var built = await context.InBackgroundAsync(
                () => BuildAsync(keyBase, snapshot.Schema, new TailSource(tail), view.State.Trees, cancellation), cancellation);
            segments.Add(built);
            LogMessages.Indexed(context.Log, target.Name, snapshot.Sequence, built.Documents, keyBase);
        }

        var next = old with
        {
            Schema = snapshot.Schema,
            Options = snapshot.Options,
            Tokens = snapshot.Tokens,
            TokenEpochs = [],
            LastWriteAtMs = snapshot.LastWriteAt.ToUnixTimeMilliseconds(),
            UpdatedAtMs = snapshot.UpdatedAt.ToUnixTimeMilliseconds(),
            IndexedThrough = snapshot.Sequence,
            IndexedAtMs = snapshot.CommittedAtMs,
            IndexedBytes = old.IndexedBytes + snapshot.UnindexedBytes,
            InheritedTails = [],
            Segments = segments.Where(s => s.Deleted < s.Documents).ToArray(),
            Trims = [.. old.Trims, new TrimMark(snapshot.Sequence, 0)],
        };
        var emptied = segments.Where(s => s.Deleted == s.Documents);
        return next.Retiring(emptied, [.. target.TailKeys(old), .. replaced]).WithoutUnusedTrees();
    }

    private async Task<SegmentDescriptor> BuildAsync(
        string keyBase, NamespaceSchema schema, TailSource source, IReadOnlyList<IndexTree> trees, CancellationToken cancellation)
    {
        var settings = context.Settings.VectorIndex;
        var layout = FlushLayout.Create(source, schema, trees, settings);
        return await SegmentBuilder.BuildAsync(context.Store, keyBase, schema, source, cancellation, layout, settings.Threads);
    }

    /// <summary>Writes the next deletion bitmap when the segment lost documents since the last one.</summary>
    private async Task<SegmentDescriptor> UpdateDeletesAsync(
        Namespace target, SegmentDocumentSet set, List<string> replaced, CancellationToken cancellation)
    {
        var descriptor = set.Segment.Descriptor;
        var deleted = set.Live.Clone();
        deleted.Not();
        int count = deleted.PopCount();
        if (count == descriptor.Deleted)
        {
            return descriptor;
        }

        int version = descriptor.DeletesVersion + 1;
        string key = $"{target.Keys.SegmentFolder}{SegmentIdOf(descriptor)}.del.{version}.{context.NextUInt64():x16}";
        await DeletesObject.WriteAsync(context.Store, key, deleted, cancellation);
        if (descriptor.DeletesKey is { } old)
        {
            replaced.Add(old);
        }

        return descriptor with { DeletesVersion = version, DeletesKey = key, Deleted = count };
    }

    /// <summary>After a deletion everything of the epoch is given up at once; the manifest stays as the tombstone that carries the epoch.</summary>
    private Manifest EndOf(Namespace target, NamespaceView view)
    {
        var old = view.Current!.Manifest.Dated(context.NowMs, context.Settings.Grace);
        var end = old with
        {
            Deleted = true,
            BornLive = false,
            IndexedThrough = view.State.Sequence,
            IndexedAtMs = view.State.CommittedAtMs,
            InheritedTails = [],
            Segments = [],
            Trees = [],
            Tokens = [],
            TokenEpochs = [],
            Trims = [.. old.Trims, new TrimMark(view.State.Sequence, 0)],
        };
        return end.Retiring(old.Segments, [.. target.TailKeys(old), .. Manifest.KeysOf(old.Trees)]);
    }

    /// <summary>The last part of a segment's key, whichever namespace wrote it.</summary>
    private static string SegmentIdOf(SegmentDescriptor descriptor) => descriptor.KeyBase[(descriptor.KeyBase.LastIndexOf('/') + 1)..];
}
