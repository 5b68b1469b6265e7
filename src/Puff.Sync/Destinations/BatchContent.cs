using Puff.Engine.Filters;
using Puff.Engine.Schema;
using Puff.Sync.Documents;

namespace Puff.Sync.Destinations;

/// <summary>What is in a batch, and how merged actions get into one.</summary>
internal static class BatchContent
{
    public static bool IsEmpty(DestinationBatch batch) =>
        batch.Upserts.Count == 0 && batch.Patches.Count == 0 && batch.Deletes.Count == 0 && batch.Schema is null && batch.Metric is null;

    /// <summary>The batch with these actions, each id at most once.</summary>
    public static DestinationBatch With(this DestinationBatch batch, IReadOnlyList<DocumentAction> actions)
    {
        var upserts = new List<Engine.Namespaces.DocumentRow>(actions.Count);
        var patches = new List<Engine.Namespaces.DocumentRow>();
        var deletes = new List<Value>();
        foreach (var action in actions)
        {
            switch (action.Operation)
            {
                case DocumentOperation.Upsert:
                    upserts.Add(new(action.Id, action.Attributes));
                    break;
                case DocumentOperation.Patch:
                    patches.Add(new(action.Id, action.Attributes));
                    break;
                default:
                    deletes.Add(action.Id);
                    break;
            }
        }

        return batch with { Upserts = upserts, Patches = patches, Deletes = deletes };
    }
}

/// <summary>Filters on ids.</summary>
internal static class ByIds
{
    public static Filter Filter(IReadOnlyList<Value> ids) => new AttributeFilter("id", FilterOperator.In, ids[0].Kind switch
    {
        ValueKind.UInt => Value.Array(ids.Select(i => i.AsUInt).ToArray()),
        ValueKind.Int => Value.Array(ids.Select(i => (ulong)i.AsInt).ToArray()),
        ValueKind.Uuid => Value.UuidArray([.. ids.Select(i => i.AsBytes)]),
        _ => Value.StringArray([.. ids.Select(i => i.AsBytes)]),
    });

    /// <summary>Greater than an id, and what else is asked.</summary>
    public static Filter? After(Value? id, Filter? filter)
    {
        Filter? greater = id is { } after ? new AttributeFilter("id", FilterOperator.Gt, after) : null;
        return greater is null ? filter : filter is null ? greater : new AndFilter([greater, filter]);
    }
}
