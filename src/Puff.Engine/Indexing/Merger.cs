using Puff.Engine.Diagnostics;
using Puff.Engine.Formats;
using Puff.Engine.Namespaces;
using Puff.Engine.Numerics;
using Puff.Engine.Segments;

namespace Puff.Engine.Indexing;

/// <summary>
/// Rewrites several segments as one without their deleted documents. Flushes go on meanwhile: what they delete from the inputs is carried over
/// to the merged segment when it is published.
/// </summary>
internal sealed class Merger(EngineContext context)
{
    /// <summary>True when something was merged and published.</summary>
    public async Task<bool> MergeAsync(Namespace target, CancellationToken cancellation)
    {
        var view = target.PinView();
        try
        {
            return view is { Current: { } current, NeedsEpoch: false } && await MergeAsync(target, view, current.Manifest, cancellation);
        }
        finally
        {
            view?.State.Unpin();
        }
    }

    private async Task<bool> MergeAsync(Namespace target, NamespaceView view, Manifest manifest, CancellationToken cancellation)
    {
        var chosen = MergePolicy.Choose(manifest.Segments, context.Settings.MergeFanIn);
        if (chosen.Count == 0)
        {
            return false;
        }

        var publication = new Publication(context, target);
        var readers = view.State.Segments;
        var inputs = chosen.Select(i => readers[i]).ToArray();
        var source = new MergeSource(Array.ConvertAll(inputs, r => (r, r.BaseLive)));
        string keyBase = target.Keys.SegmentBase(context.NextObjectId());
        var merged = await context.InBackgroundAsync(
            () => SegmentBuilder.BuildAsync(context.Store, keyBase, manifest.Schema, source, cancellation).AsTask(), cancellation);
        await target.Publishing.WaitAsync(CancellationToken.None);
        var now = target.PinView();
        try
        {
            return now is { Current: not null, NeedsEpoch: false } && now.Epoch == view.Epoch
                && await PublishAsync(target, now, publication, inputs, merged, cancellation);
        }
        finally
        {
            now?.State.Unpin();
            target.Publishing.Release();
        }
    }

    private async Task<bool> PublishAsync(
        Namespace target, NamespaceView now, Publication publication, SegmentReader[] inputs, SegmentDescriptor merged, CancellationToken cancellation)
    {
        var latest = Array.ConvertAll(inputs, i => now.State.Segments.FirstOrDefault(s => s.Descriptor.KeyBase == i.Descriptor.KeyBase));
        if (Array.Exists(latest, l => l is null))
        {
            return false;
        }

        merged = await CarryDeletesAsync(target, merged, inputs, latest!, cancellation);
        LogMessages.Merged(context.Log, inputs.Length, target.Name, merged.KeyBase, merged.Documents);
        return await publication.CompleteAsync(now.Current!, Replace(now.Current!.Manifest, latest!, merged), cancellation);
    }

    /// <summary>Marks in the merged segment what its inputs have lost since the merge began. Its documents are the inputs' live ones, in order.</summary>
    private async Task<SegmentDescriptor> CarryDeletesAsync(
        Namespace target, SegmentDescriptor merged, SegmentReader[] inputs, SegmentReader[] latest, CancellationToken cancellation)
    {
        var deleted = new BitSet(merged.Documents);
        int number = 0;
        for (int i = 0; i < inputs.Length; i++)
        {
            var before = inputs[i].BaseLive;
            for (int document = before.NextSet(0); document >= 0; document = before.NextSet(document + 1))
            {
                deleted[number] = !latest[i].BaseLive[document];
                number++;
            }
        }

        int count = deleted.PopCount();
        if (count == 0)
        {
            return merged;
        }

        string key = $"{merged.KeyBase}.del.1.{context.NextUInt64():x16}";
        await DeletesObject.WriteAsync(context.Store, key, deleted, cancellation);
        return merged with { DeletesVersion = 1, DeletesKey = key, Deleted = count };
    }

    private Manifest Replace(Manifest old, SegmentReader[] inputs, SegmentDescriptor merged)
    {
        old = old.Dated(context.NowMs);
        var gone = inputs.Select(i => i.Descriptor.KeyBase).ToHashSet(StringComparer.Ordinal);
        var kept = old.Segments.Where(s => !gone.Contains(s.KeyBase)).ToArray();
        bool isEmpty = merged.Documents == merged.Deleted;
        var retired = old.Segments.Where(s => gone.Contains(s.KeyBase)).Concat(isEmpty ? [merged] : []).SelectMany(s => s.AllKeys());
        return old with
        {
            Segments = isEmpty ? kept : [merged, .. kept],
            Retired = [.. old.Retired, .. retired.Select(k => new RetiredObject(k, 0))],
        };
    }
}
