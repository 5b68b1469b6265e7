using Puff.Engine.Diagnostics;
using Puff.Engine.Formats;
using Puff.Engine.Namespaces;
using Puff.Engine.Segments;

namespace Puff.Engine.Indexing;

/// <summary>Rewrites several segments as one without their deleted documents. Works on the manifest alone: what the tail deletes meanwhile is applied again on adoption.</summary>
internal sealed class Merger(EngineContext context)
{
    /// <summary>True when something was merged and published.</summary>
    public async Task<bool> MergeAsync(Namespace target, CancellationToken cancellation)
    {
        var view = target.View;
        if (view?.Current is null || view.NeedsEpoch)
        {
            return false;
        }

        var old = view.Current.Manifest;
        var chosen = MergePolicy.Choose(old.Segments, context.Settings.MergeFanIn);
        if (chosen.Count == 0)
        {
            return false;
        }

        var publication = new Publication(context, target, view);
        view.State.Pin();
        try
        {
            var readers = view.State.Segments;
            var source = new MergeSource(chosen.Select(i => (readers[i], readers[i].BaseLive)).ToArray());
            string keyBase = target.Keys.SegmentBase(context.NextObjectId());
            var merged = await SegmentBuilder.BuildAsync(context.Store, keyBase, old.Schema, source, cancellation);
            LogMessages.Merged(context.Log, chosen.Count, target.Name, keyBase, merged.Documents);
            return await publication.CompleteAsync(Replace(old, chosen, merged), cancellation);
        }
        finally
        {
            view.State.Unpin();
        }
    }

    private Manifest Replace(Manifest old, IReadOnlyList<int> chosen, SegmentDescriptor merged)
    {
        long now = context.NowMs;
        var kept = old.Segments.Where((_, i) => !chosen.Contains(i));
        return old with
        {
            Segments = merged.Documents == 0 ? kept.ToArray() : [merged, .. kept],
            Retired = [.. old.Retired, .. chosen.SelectMany(i => old.Segments[i].AllKeys()).Select(k => new RetiredObject(k, now))],
        };
    }
}
