using Puff.Engine.Diagnostics;
using Puff.Engine.Formats;
using Puff.Engine.Namespaces;
using Puff.Engine.Numerics;
using Puff.Engine.Segments;
using Puff.Engine.Vectors;

namespace Puff.Engine.Indexing;

/// <summary>
/// Rewrites several segments as one without their deleted documents. Flushes go on meanwhile: what they delete from the inputs is carried over
/// to the merged segment when it is published.
/// </summary>
internal sealed class Merger(EngineContext context)
{
    private const int MostFlatBesideTree = 8;

    /// <summary>True when something was merged and published.</summary>
    /// <param name="target">The namespace.</param>
    /// <param name="isIdle">
    /// It has not been written to for a while, or a burst has just ended: time for merges that only queries gain from. They come first, because what others
    /// would merge they would merge again.
    /// </param>
    /// <param name="cancellation">Leaves unreferenced objects behind, for the collector.</param>
    public async Task<bool> MergeAsync(Namespace target, bool isIdle, CancellationToken cancellation)
    {
        var view = target.PinView();
        try
        {
            return view is { Current: { } current, NeedsEpoch: false }
                && await MergeAsync(target, view, Choose(current.Manifest.Segments, view.State, isIdle), cancellation);
        }
        finally
        {
            view?.State.Unpin();
        }
    }

    /// <summary>
    /// Rewrites all segments with a new tree in place of one in which too little is found. False when that tree has been replaced since, or is the last of
    /// several that were trained for that reason.
    /// </summary>
    public async Task<bool> RebuildAsync(Namespace target, ulong tree, CancellationToken cancellation)
    {
        var view = target.PinView();
        try
        {
            return view is { Current.Manifest: { Deleted: false } manifest, NeedsEpoch: false } && IsWorthReplacing(manifest, tree)
                && await MergeAsync(target, view, MergePolicy.ChooseAll(manifest.Segments), cancellation, tree);
        }
        finally
        {
            view?.State.Unpin();
        }
    }

    private static bool IsWorthReplacing(Manifest manifest, ulong id) =>
        manifest.Trees.FirstOrDefault(t => t.Id == id) is { } tree
        && manifest.Trees.Last(t => t.Attribute == tree.Attribute).Id == id && TreePlanner.MayRebuild(tree.Rebuilds);

    /// <summary>Whether there will be something to merge once the namespace is idle.</summary>
    public bool WaitsForIdle(Manifest manifest) => MergePolicy.ChooseIdle(manifest.Segments, context.Settings.VectorIndex.FlatLimit).Count > 0;

    private IReadOnlyList<int> Choose(IReadOnlyList<SegmentDescriptor> segments, NamespaceState state, bool isIdle)
    {
        var chosen = isIdle ? MergePolicy.ChooseIdle(segments, context.Settings.VectorIndex.FlatLimit) : [];
        if (chosen.Count == 0)
        {
            chosen = MergePolicy.Choose(segments, context.Settings.MergeFanIn);
        }

        if (chosen.Count == 0)
        {
            var flat = state.Segments.Select(s => s.FlatVectors).ToArray();
            chosen = MergePolicy.ChooseFlat(segments, flat, context.Settings.VectorIndex.FlatLimit);
        }

        if (chosen.Count == 0 && state.Trees.Count > 0)
        {
            // Written before there was a tree: every query looks at all of them, although rewriting a few with its groups is soon done.
            var behind = state.Segments.Select(s => s.FlatVectorsBeside(state.Trees)).ToArray();
            chosen = MergePolicy.ChooseFlat(segments, behind, context.Settings.VectorIndex.FlatLimit / MostFlatBesideTree);
        }

        return chosen;
    }

    private async Task<bool> MergeAsync(
        Namespace target, NamespaceView view, IReadOnlyList<int> chosen, CancellationToken cancellation, ulong poorTree = 0)
    {
        if (chosen.Count == 0)
        {
            return false;
        }

        var publication = new Publication(context, target);
        var readers = view.State.Segments;
        var inputs = chosen.Select(i => readers[i]).ToArray();
        using var result = await TryBuildAsync(target, view.State, inputs, publication, poorTree, cancellation);
        if (result is null)
        {
            return false;
        }

        await target.Publishing.WaitAsync(CancellationToken.None);
        var now = target.PinView();
        try
        {
            return now is { Current: not null, NeedsEpoch: false } && now.Epoch == view.Epoch
                && await PublishAsync(target, now, publication, result, cancellation);
        }
        finally
        {
            now?.State.Unpin();
            target.Publishing.Release();
        }
    }

    /// <summary>Null when it took so long that the collector, who knows nothing of it, has removed what was just written.</summary>
    private async Task<MergeResult?> TryBuildAsync(
        Namespace target, NamespaceState state, SegmentReader[] inputs, Publication publication, ulong poorTree, CancellationToken cancellation)
    {
        try
        {
            return await context.InBackgroundAsync(() => BuildAsync(target, state, inputs, poorTree, cancellation), cancellation);
        }
        catch (PuffException missing) when (missing.Kind == ErrorKind.Corrupt && publication.IsTooLate)
        {
            LogMessages.BackgroundFailed(context.Log, target.Name, $"building took longer than the grace period: {missing.Message}");
            return null;
        }
    }

    private async Task<MergeResult> BuildAsync(
        Namespace target, NamespaceState state, SegmentReader[] inputs, ulong poorTree, CancellationToken cancellation)
    {
        await PrefetchAsync(inputs, cancellation);
        var source = new MergeSource(Array.ConvertAll(inputs, r => (r, r.BaseLive)));
        var trees = await new TreeIndexer(context, target, poorTree).PlanAsync(state, inputs, source, cancellation);
        try
        {
            string keyBase = target.Keys.SegmentBase(context.NextObjectId());
            var segment = await SegmentBuilder.BuildAsync(
                context.Store, keyBase, state.Manifest.Schema, source, cancellation, trees.Layout, context.Settings.VectorIndex.Threads);
            await new TreeCalibrator(context, state.Manifest.Schema).RunAsync(trees, segment, cancellation);
            return new MergeResult(inputs, source, trees, segment);
        }
        catch
        {
            trees.Dispose();
            throw;
        }
    }

    /// <summary>A merge reads its inputs to the last byte. Block by block, as queries do, it would wait for a remote store thousands of times.</summary>
    private static async Task PrefetchAsync(SegmentReader[] inputs, CancellationToken cancellation)
    {
        foreach (var part in inputs.SelectMany(i => i.PartsByWorth).Where(p => p.IsDemandLoaded))
        {
            cancellation.ThrowIfCancellationRequested();
            await part.PrefetchAsync(long.MaxValue);
        }
    }

    private async Task<bool> PublishAsync(
        Namespace target, NamespaceView now, Publication publication, MergeResult result, CancellationToken cancellation)
    {
        var latest = Array.ConvertAll(result.Inputs, i => now.State.Segments.FirstOrDefault(s => s.Descriptor.KeyBase == i.Descriptor.KeyBase));
        if (Array.Exists(latest, l => l is null) || !result.Trees.Fits(now.Current!.Manifest))
        {
            return false;
        }

        var merged = await CarryDeletesAsync(result, latest!, cancellation);
        LogMessages.Merged(context.Log, latest.Length, target.Name, merged.KeyBase, merged.Documents);
        return await publication.CompleteAsync(now.Current!, Replace(now.Current!.Manifest, result, merged), cancellation);
    }

    /// <summary>Marks in the merged segment what its inputs have lost since the merge began: every document knows where it came from.</summary>
    private async Task<SegmentDescriptor> CarryDeletesAsync(MergeResult result, SegmentReader[] latest, CancellationToken cancellation)
    {
        var merged = result.Segment;
        var deleted = new BitSet(merged.Documents);
        for (int document = 0; document < merged.Documents; document++)
        {
            var (input, number) = result.Source.OriginOf(result.Trees.Layout!.SourceOf(document));
            deleted[document] = !latest[input].BaseLive[number];
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

    /// <summary>The next manifest. Whatever of the old one and of the merge it does not name is given up.</summary>
    private Manifest Replace(Manifest old, MergeResult result, SegmentDescriptor merged)
    {
        old = old.Dated(context.NowMs, context.Settings.Grace);
        var gone = result.Inputs.Select(i => i.Descriptor.KeyBase).ToHashSet(StringComparer.Ordinal);
        var kept = old.Segments.Where(s => !gone.Contains(s.KeyBase)).ToArray();
        bool isEmpty = merged.Documents == merged.Deleted;
        SegmentDescriptor[] segments = isEmpty ? kept : [merged, .. kept];
        var named = segments.SelectMany(s => s.Trees).Select(t => t.TreeId).ToHashSet();
        var next = old with { Segments = segments, Trees = result.Trees.Apply(old.Trees).Where(t => named.Contains(t.Id)).ToArray() };
        var trees = Manifest.KeysOf(old.Trees).Concat(result.Trees.NewKeys).Distinct().Except(Manifest.KeysOf(next.Trees));
        return next.Retiring(old.Segments.Append(merged).Except(segments), trees);
    }

    /// <summary>What was built, before it is published.</summary>
    private sealed record MergeResult(SegmentReader[] Inputs, MergeSource Source, MergedTrees Trees, SegmentDescriptor Segment) : IDisposable
    {
        public void Dispose() => Trees.Dispose();
    }
}
