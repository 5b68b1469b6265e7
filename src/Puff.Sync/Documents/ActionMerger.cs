using Puff.Engine.Schema;

namespace Puff.Sync.Documents;

/// <summary>
/// Gathers the actions of a batch so that each id is in it at most once: a target refuses a request that names an id twice, and applies upserts before
/// patches before deletes whatever order they had.
/// </summary>
internal sealed class ActionMerger
{
    private readonly Dictionary<DocumentId, int> places = [];
    private readonly List<DocumentAction> actions = [];

    /// <summary>Documents in the batch.</summary>
    public int Count => actions.Count;

    /// <summary>Actions that went into it.</summary>
    public int Added { get; private set; }

    public void Add(DocumentAction action)
    {
        Added++;
        ref int place = ref System.Runtime.InteropServices.CollectionsMarshal.GetValueRefOrAddDefault(places, KeyOf(action.Id), out bool exists);
        if (exists)
        {
            actions[place] = Merge(actions[place], action);
            return;
        }

        place = actions.Count;
        actions.Add(action);
    }

    /// <summary>Whether the batch has something for this id.</summary>
    public bool Contains(in Value id) => places.ContainsKey(KeyOf(id));

    /// <summary>What the batch has become, in the order the ids came in; the merger is empty then.</summary>
    public IReadOnlyList<DocumentAction> Take()
    {
        var taken = actions.ToArray();
        actions.Clear();
        places.Clear();
        Added = 0;
        return taken;
    }

    /// <summary>The one action that has the effect of two in order.</summary>
    public static DocumentAction Merge(DocumentAction earlier, DocumentAction later) => (earlier.Operation, later.Operation) switch
    {
        (_, DocumentOperation.Upsert) or (_, DocumentOperation.Delete) => later,
        (DocumentOperation.Delete, DocumentOperation.Patch) => earlier with { Position = later.Position, CommitMicroseconds = later.CommitMicroseconds },
        _ => earlier with
        {
            Attributes = Overlay(earlier.Attributes, later.Attributes),
            Position = later.Position,
            CommitMicroseconds = later.CommitMicroseconds,
        },
    };

    /// <summary>The key under which ids are equal.</summary>
    public static DocumentId KeyOf(in Value id) => id.Kind switch
    {
        ValueKind.UInt => DocumentId.FromUInt(id.AsUInt),
        ValueKind.Int => DocumentId.FromUInt(checked((ulong)id.AsInt)),
        ValueKind.Uuid => DocumentId.FromUuid(id.AsBytes),
        _ => DocumentId.FromUtf8(id.AsBytes),
    };

    private static List<KeyValuePair<string, Value>> Overlay(
        IReadOnlyList<KeyValuePair<string, Value>> below, IReadOnlyList<KeyValuePair<string, Value>> above)
    {
        var merged = new List<KeyValuePair<string, Value>>(below.Count + above.Count);
        merged.AddRange(below);
        foreach (var attribute in above)
        {
            int place = merged.FindIndex(a => a.Key == attribute.Key);
            if (place >= 0)
            {
                merged[place] = attribute;
            }
            else
            {
                merged.Add(attribute);
            }
        }

        return merged;
    }
}
