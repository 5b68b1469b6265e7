using Puff.Engine.Formats;
using Puff.Engine.Wal;

namespace Puff.Engine.Namespaces;

/// <summary>
/// What a node knows of a namespace at a moment: the manifest it last saw and the state built on it. Replaced as a whole; the state inside moves on as
/// entries are
/// applied.
/// </summary>
/// <param name="State">Never null: an absent namespace has an empty state that is not live.</param>
/// <param name="Current">Null when the store had no manifest.</param>
/// <param name="Log">The log of the manifest's epoch.</param>
/// <param name="ReadAt">Timestamp before the last look at `current`.</param>
internal sealed record NamespaceView(NamespaceState State, ManifestVersion? Current, WriteAheadLog Log, long ReadAt)
{
    public ulong Epoch => Log.Epoch;

    /// <summary>No write can be logged before `current` names a new epoch: there is none, or it has ended.</summary>
    public bool NeedsEpoch => Current is null || Current.Manifest.Deleted || State.IsDeleted;

    /// <summary>An empty state: nothing is stored under this name.</summary>
    public static NamespaceView Absent(EngineContext context, NamespaceKeys keys, long readAt) =>
        new(new NamespaceState(keys.Name, new Manifest { Epoch = 0 }, [], []), null, new WriteAheadLog(context.Store, keys, 0), readAt);
}
