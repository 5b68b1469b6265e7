using Puff.Engine.Formats;
using Puff.Engine.Schema;
using Puff.Engine.Segments;
using Puff.Engine.Storage;

namespace Puff.Engine.Namespaces;

/// <summary>
/// Makes a namespace out of another: a branch shares the source's immutable objects under the protection of pins, in constant time; a copy has
/// objects of its own. Both appear at once with their first manifest, or not at all.
/// </summary>
internal sealed class Cloner(EngineContext context)
{
    /// <summary>How often a target that others keep creating is looked at again.</summary>
    private const int ClearingAttempts = 4;

    public async Task<WriteResult> BranchAsync(Namespace source, Namespace target)
    {
        var before = await ClearAsync(target, state =>
        {
            if (state.IsLive)
            {
                throw PuffException.Conflict($"namespace \"{target.Name}\" exists already; a branch needs a new name");
            }
        });
        await source.FreshenAsync();
        var (sourceView, snapshot) = source.SnapshotWithView();
        using var held = snapshot;
        var origin = sourceView.Current!;
        var manifest = target.NewLife(before) with
        {
            BornLive = true,
            Schema = origin.Manifest.Schema,
            Options = snapshot.Options with { PinnedReplicas = 0 },
            Parent = source.Name,
            LastWriteAtMs = snapshot.LastWriteAt.ToUnixTimeMilliseconds(),
            UpdatedAtMs = context.NowMs,
            InheritedTails = [.. origin.Manifest.InheritedTails, .. TailOf(source.Name, origin.Manifest, snapshot.Sequence)],
            Segments = origin.Manifest.Segments,
            Trees = origin.Manifest.Trees,
        };
        var opening = CopyOpeningAsync(source, target, manifest);
        await BranchAsync(target, before, manifest, () => CheckStillThere(source, sourceView.ReadAt));
        await opening;
        return new WriteResult { RowsCopied = snapshot.LiveDocuments };
    }

    /// <summary>Publishes the first manifest of a branch with pins on all it refers to.</summary>
    /// <param name="target">The branch.</param>
    /// <param name="before">From <see cref="ClearAsync"/>.</param>
    /// <param name="manifest">What it begins with.</param>
    /// <param name="check">Throws when what the manifest refers to may have been gone before the pins were there.</param>
    public async Task BranchAsync(Namespace target, NamespaceView before, Manifest manifest, Func<Task> check)
    {
        var pins = await PinAsync(target, manifest);
        try
        {
            await check();
        }
        catch
        {
            await UnpinAsync(pins);
            throw;
        }

        await PublishAsync(target, before, manifest with { PinsHeld = [.. manifest.PinsHeld, .. pins] }, pins);
    }

    /// <summary>
    /// A branch begins with its source's objects, of which the source's opening object has what opening takes. Without it a branch only opens in more steps.
    /// </summary>
    private async Task CopyOpeningAsync(Namespace source, Namespace target, Manifest manifest)
    {
        if (manifest.Segments.Count == 0 || context.Store.Capabilities.SupportsMapping)
        {
            return;
        }

        try
        {
            await context.Store.CopyAsync(source.Keys.Opening, target.Keys.Opening, StorePurpose.Manifest, CancellationToken.None);
        }
        catch (PuffException)
        {
            // The indexer writes one when it has something to index.
        }
    }

    public async Task<WriteResult> CopyAsync(Namespace source, Namespace target)
    {
        var before = await ClearAsync(target, state =>
        {
            if (state is { IsLive: true, LiveDocuments: > 0 })
            {
                throw PuffException.Invalid($"namespace \"{target.Name}\" has documents already; copy into a new or empty one");
            }
        });
        await source.FreshenAsync();
        using var snapshot = source.Snapshot();
        long startedAt = context.Time.GetTimestamp();
        var segments = await CopySegmentsAsync(target, snapshot);
        var trees = await CopyTreesAsync(target, snapshot.Trees);
        var manifest = target.NewLife(before) with
        {
            BornLive = true,
            Schema = snapshot.Schema,
            Options = snapshot.Options with { PinnedReplicas = 0 },
            LastWriteAtMs = snapshot.LastWriteAt.ToUnixTimeMilliseconds(),
            UpdatedAtMs = context.NowMs,
            Segments = segments,
            Trees = trees,
        };
        if (context.Time.GetElapsedTime(startedAt) > context.Settings.Grace)
        {
            // The collector takes what nothing refers to after twice grace, so copies that took longer may be on their way out.
            throw new PuffException(ErrorKind.Unavailable, $"copying \"{source.Name}\" took longer than the grace period; nothing was copied, repeat it");
        }

        await PublishAsync(target, before, manifest, []);
        return new WriteResult { RowsCopied = snapshot.LiveDocuments };
    }

    /// <summary>A view of the target in which no log is open any more, so that nothing can be written under what replaces it.</summary>
    public static async Task<NamespaceView> ClearAsync(Namespace target, Action<NamespaceState> check)
    {
        for (int attempt = 0; attempt < ClearingAttempts; attempt++)
        {
            await target.FreshenAsync();
            if (target.View is not { } view)
            {
                continue;
            }

            check(view.State);
            if (view.NeedsEpoch)
            {
                return view;
            }

            await target.EndEmptyAsync();
        }

        throw new PuffException(
            ErrorKind.Unavailable, $"namespace \"{target.Name}\" comes into being again and again while it is replaced; repeat the request");
    }

    private async Task<List<SegmentDescriptor>> CopySegmentsAsync(Namespace target, NamespaceSnapshot snapshot)
    {
        var segments = new List<SegmentDescriptor>();
        foreach (var set in snapshot.Sets)
        {
            string keyBase = target.Keys.SegmentBase(context.NextObjectId());
            if (set is SegmentDocumentSet segment)
            {
                segments.Add(await CopySegmentAsync(segment, keyBase));
            }
            else if (set is TailDocumentSet { LiveCount: > 0 } tail)
            {
                segments.Add(await BuildAsync(new TailSource(tail), snapshot.Schema, keyBase));
            }
        }

        return segments;
    }

    private async ValueTask<SegmentDescriptor> BuildAsync(TailSource source, NamespaceSchema schema, string keyBase)
    {
        var settings = context.Settings.VectorIndex;
        var layout = FlushLayout.Create(source, schema, [], settings);
        return await SegmentBuilder.BuildAsync(context.Store, keyBase, schema, source, CancellationToken.None, layout, settings.Threads);
    }

    private async Task<SegmentDescriptor> CopySegmentAsync(SegmentDocumentSet set, string keyBase)
    {
        var original = set.Segment.Descriptor;
        foreach (var part in original.Parts)
        {
            await CopyObjectAsync(original.KeyOf(part.Name), $"{keyBase}.{part.Name}");
        }

        var deleted = set.Live.Clone();
        deleted.Not();
        int count = deleted.PopCount();
        var copy = original with { KeyBase = keyBase, DeletesVersion = 0, DeletesKey = null, Deleted = 0 };
        if (count == 0)
        {
            return copy;
        }

        string key = $"{keyBase}.del.1.{context.NextUInt64():x16}";
        await DeletesObject.WriteAsync(context.Store, key, deleted, CancellationToken.None);
        return copy with { DeletesVersion = 1, DeletesKey = key, Deleted = count };
    }

    private async Task<List<TreeDescriptor>> CopyTreesAsync(Namespace target, IReadOnlyList<TreeDescriptor> trees)
    {
        var copies = new List<TreeDescriptor>();
        foreach (var tree in trees)
        {
            var parts = new List<TreePart>();
            foreach (var part in tree.Parts)
            {
                string key = target.Keys.TreePart(tree.Id, part.FirstNode, context.NextUInt64());
                await CopyObjectAsync(part.Key, key);
                parts.Add(part with { Key = key });
            }

            copies.Add(tree with { Parts = parts });
        }

        return copies;
    }

    private async Task CopyObjectAsync(string from, string to)
    {
        if (!await context.Store.CopyAsync(from, to, StorePurpose.Segment, CancellationToken.None))
        {
            throw PuffException.Corrupt($"object {from} is gone, although the namespace needs it");
        }
    }

    /// <summary>The entries between what a manifest has indexed and the last one wanted.</summary>
    public static IEnumerable<InheritedTail> TailOf(string source, Manifest manifest, long through) =>
        through > manifest.IndexedThrough ? [new InheritedTail(source, manifest.Epoch, manifest.IndexedThrough + 1, through)] : [];

    /// <summary>
    /// One pin in the folder of every other namespace whose objects the branch will read. A namespace that is restored in its own place needs none: its own
    /// manifest refers to what it had.
    /// </summary>
    private async Task<List<string>> PinAsync(Namespace target, Manifest manifest)
    {
        var byOwner = manifest.ObjectKeys().GroupBy(k => NamespaceKeys.OwnerOf(context.Settings.Root, k)!)
            .ToDictionary(g => g.Key, g => g.ToList());
        foreach (var tail in manifest.InheritedTails)
        {
            byOwner.TryAdd(tail.Name, []);
        }

        var pins = new List<string>();
        foreach (var (owner, keys) in byOwner.Where(o => o.Key != target.Name))
        {
            string pin = context.KeysOf(owner).Pin(target.Name, manifest.Epoch);
            byte[] content = PinFormat.Write(new BranchPin(keys, manifest.InheritedTails.Where(t => t.Name == owner).ToArray()));
            await context.Store.PutAsync(pin, content, PutCondition.None, StorePurpose.Manifest, CancellationToken.None);
            pins.Add(pin);
        }

        return pins;
    }

    /// <summary>The pins count only if they were there before the source's collector could delete anything they name.</summary>
    /// <param name="source">The namespace.</param>
    /// <param name="readAt">When its manifest was read.</param>
    public Task CheckStillThere(Namespace source, long readAt) => context.Time.GetElapsedTime(readAt) <= context.Settings.Grace / 2
        ? Task.CompletedTask
        : throw new PuffException(ErrorKind.Unavailable, $"branching \"{source.Name}\" took too long to be safe; repeat it");

    private async Task PublishAsync(Namespace target, NamespaceView before, Manifest manifest, List<string> pins)
    {
        if (await target.Manifests.PublishAsync(manifest, before.Current, CancellationToken.None) is null)
        {
            await UnpinAsync(pins);
            throw PuffException.Conflict($"namespace \"{target.Name}\" was created by somebody else meanwhile");
        }

        await target.FreshenAsync();
    }

    private async Task UnpinAsync(List<string> pins)
    {
        foreach (string pin in pins)
        {
            await context.Store.DeleteAsync(pin, StorePurpose.Manifest, CancellationToken.None);
        }
    }
}
