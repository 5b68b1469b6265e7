using System.Collections.Immutable;
using Puff.Engine.Namespaces;
using Puff.Engine.Schema;

namespace Puff.TestKit.Simulation;

/// <summary>Counts of what a write did.</summary>
internal readonly record struct ModelResult(long Upserted, long Patched, long Deleted);

/// <summary>
/// One write as plain data: both a request to the engine and a function on the model. Each carries a marker, a document of its own that nobody else
/// writes, so that
/// the log shows where, and how often, it was applied.
/// </summary>
internal sealed record ModelWrite(int Operation)
{
    public const ulong FirstMarker = 1_000_000;

    public List<(ulong Id, ImmutableSortedDictionary<string, object> Attributes)> Upserts { get; } = [];

    /// <summary>A null value clears the attribute.</summary>
    public List<(ulong Id, ImmutableSortedDictionary<string, object?> Attributes)> Patches { get; } = [];

    public List<ulong> Deletes { get; } = [];

    public ModelCondition? UpsertIf { get; set; }

    public ModelCondition? PatchIf { get; set; }

    public ModelCondition? DeleteIf { get; set; }

    public ModelCondition? DeleteBy { get; set; }

    public ModelCondition? PatchBy { get; set; }

    public ImmutableSortedDictionary<string, object?> PatchByAttributes { get; set; } = ImmutableSortedDictionary<string, object?>.Empty;

    public bool HasVectors { get; init; }

    public ulong Marker => FirstMarker + (ulong)Operation;

    public WriteRequest ToRequest() => new()
    {
        Upserts = Upserts.Count == 0 ? null : Upserts.Select(u => Row(u.Id, u.Attributes.Select(a => KeyValuePair.Create(a.Key, (object?)a.Value)))).ToArray(),
        Patches = Patches.Count == 0 ? null : Patches.Select(p => Row(p.Id, p.Attributes)).ToArray(),
        Deletes = Deletes.Count == 0 ? null : Deletes.Select(Value.UInt).ToArray(),
        UpsertCondition = UpsertIf?.ToFilter(),
        PatchCondition = PatchIf?.ToFilter(),
        DeleteCondition = DeleteIf?.ToFilter(),
        DeleteByFilter = DeleteBy?.ToFilter(),
        PatchByFilter = PatchBy is null ? null : new PatchByFilter(PatchBy.ToFilter(), Attributes(PatchByAttributes)),
        DistanceMetric = HasVectors ? DistanceMetric.EuclideanSquared : null,
        Schema = HasVectors ? new SchemaUpdate([new AttributeUpdate("vec") { Type = "[2]f32", Ann = true }]) : null,
    };

    /// <summary>The order of operations in one request: by filter first, then upserts, patches, deletes.</summary>
    public ModelState Apply(ModelState state, out ModelResult result)
    {
        var documents = (state.IsLive ? state : ModelState.Absent).Documents.ToBuilder();
        long upserted = 0, patched = 0, deleted = 0;
        if (DeleteBy is not null)
        {
            foreach (ulong id in documents.Where(d => DeleteBy.Holds(d.Value)).Select(d => d.Key).ToArray())
            {
                documents.Remove(id);
                deleted++;
            }
        }

        if (PatchBy is not null)
        {
            foreach (var (id, document) in documents.Where(d => PatchBy.Holds(d.Value)).ToArray())
            {
                documents[id] = Merge(document, PatchByAttributes);
                patched++;
            }
        }

        foreach (var (id, attributes) in Upserts)
        {
            if (UpsertIf is null || !documents.TryGetValue(id, out var current) || UpsertIf.Holds(current, attributes))
            {
                documents[id] = attributes;
                upserted++;
            }
        }

        foreach (var (id, attributes) in Patches)
        {
            if (documents.TryGetValue(id, out var current) && (PatchIf is null || PatchIf.Holds(current, Merge(ModelState.NoAttributes, attributes))))
            {
                documents[id] = Merge(current, attributes);
                patched++;
            }
        }

        foreach (ulong id in Deletes)
        {
            if (DeleteIf is null || (documents.TryGetValue(id, out var current) && DeleteIf.Holds(current)))
            {
                documents.Remove(id);
                deleted++;
            }
        }

        result = new ModelResult(upserted, patched, deleted);
        return Grow(state) with { Documents = documents.ToImmutable() };
    }

    /// <summary>Every attribute that occurs with a value is declared, whatever became of the document.</summary>
    private ModelState Grow(ModelState state)
    {
        var names = Upserts.SelectMany(u => u.Attributes.Keys)
            .Concat(Patches.SelectMany(p => p.Attributes).Concat(PatchByAttributes).Where(a => a.Value is not null).Select(a => a.Key));
        var before = state.IsLive ? state : ModelState.Absent;
        return before with { IsLive = true, Attributes = before.Attributes.Union(HasVectors ? names.Append("vec") : names) };
    }

    private static ImmutableSortedDictionary<string, object> Merge(
        ImmutableSortedDictionary<string, object> document, IEnumerable<KeyValuePair<string, object?>> patch)
    {
        foreach (var (name, value) in patch)
        {
            document = value is null ? document.Remove(name) : document.SetItem(name, value);
        }

        return document;
    }

    private static DocumentRow Row(ulong id, IEnumerable<KeyValuePair<string, object?>> attributes) => new(Value.UInt(id), Attributes(attributes));

    private static KeyValuePair<string, Value>[] Attributes(IEnumerable<KeyValuePair<string, object?>> attributes) =>
        attributes.Select(a => KeyValuePair.Create(a.Key, ModelState.ToValue(a.Value))).ToArray();
}
