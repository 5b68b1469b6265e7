using Puff.Engine.Schema;

namespace Puff.Engine.Queries;

/// <summary>`aggregate_by` and `group_by` (turbopuffer-api 4.5).</summary>
internal static class AggregateBinder
{
    public static BoundAggregate Bind(NamespaceSchema schema, IReadOnlyList<Aggregation>? aggregations, IReadOnlyList<GroupKey> groupBy)
    {
        if (aggregations is not { Count: > 0 })
        {
            throw PuffException.Invalid("aggregate_by names no function; use for example {\"count\": [\"Count\"]}");
        }

        var labels = new HashSet<string>(StringComparer.Ordinal);
        var sums = new List<AttributeDefinition>();
        var functions = new List<BoundAggregation>();
        foreach (var aggregation in aggregations)
        {
            AddLabel(labels, aggregation.Label, "aggregate_by");
            functions.Add(new BoundAggregation(aggregation.Label, BindFunction(schema, aggregation, sums)));
        }

        return new BoundAggregate(functions, sums, BindKeys(schema, groupBy, labels));
    }

    /// <returns>The index of the attribute to add up, or -1 for a count.</returns>
    private static int BindFunction(NamespaceSchema schema, Aggregation aggregation, List<AttributeDefinition> sums)
    {
        string place = $"aggregate_by \"{aggregation.Label}\"";
        switch (aggregation.Function)
        {
            case AggregateFunction.Count when aggregation.Attribute is null or "id":
                return -1;
            case AggregateFunction.Count:
                throw PuffException.Invalid($"{place}: Count counts documents and takes no attribute; leave \"{aggregation.Attribute}\" out");
            case AggregateFunction.Sum when aggregation.Attribute is null:
                throw PuffException.Malformed($"{place}: Sum needs an attribute");
            case AggregateFunction.Sum:
                return IndexOfSum(SumAttribute(schema, aggregation.Attribute, place), sums);
            default:
                throw PuffException.Malformed($"{place}: unknown function {aggregation.Function}, expected `Count` or `Sum`");
        }
    }

    private static AttributeDefinition SumAttribute(NamespaceSchema schema, string name, string place)
    {
        var attribute = QueryBinder.Find(schema, name, place);
        if (attribute.Id == 0 || attribute.Type.Kind is not (TypeKind.Int or TypeKind.UInt or TypeKind.Float))
        {
            string type = attribute.Id == 0 ? "the id" : attribute.Type.ToString();
            throw PuffException.Invalid($"{place}: Sum needs an int, uint or float attribute, and \"{name}\" is {type}");
        }

        return QueryBinder.RequireFilterable(attribute, place);
    }

    private static int IndexOfSum(AttributeDefinition attribute, List<AttributeDefinition> sums)
    {
        int index = sums.IndexOf(attribute);
        if (index < 0)
        {
            index = sums.Count;
            sums.Add(attribute);
        }

        return index;
    }

    private static List<BoundGroupKey> BindKeys(NamespaceSchema schema, IReadOnlyList<GroupKey> groupBy, HashSet<string> labels)
    {
        var keys = new List<BoundGroupKey>();
        foreach (var key in groupBy)
        {
            AddLabel(labels, key.Label, "group_by");
            if (key.ForEachUnique && keys.Exists(k => k.ForEachUnique))
            {
                throw PuffException.Invalid("group_by: ForEachUnique can be used once in a query");
            }

            keys.Add(new BoundGroupKey(key.Label, BindKey(schema, key), key.ForEachUnique));
        }

        return keys;
    }

    private static AttributeDefinition BindKey(NamespaceSchema schema, GroupKey key)
    {
        var attribute = QueryBinder.Find(schema, key.Attribute, "group_by");
        if (attribute.Id == 0)
        {
            throw PuffException.Invalid("group_by: documents cannot be grouped by their id");
        }

        if (key.ForEachUnique && !attribute.Type.IsArray)
        {
            throw PuffException.Invalid($"group_by: ForEachUnique needs an array attribute, and \"{attribute.Name}\" is {attribute.Type}");
        }

        if (!key.ForEachUnique && attribute.Type.IsArray)
        {
            throw PuffException.Invalid(
                $"group_by: \"{attribute.Name}\" is an array; group by its elements with {{\"label\": [\"ForEachUnique\", \"{attribute.Name}\"]}}");
        }

        return key.ForEachUnique ? QueryBinder.RequireFilterable(attribute, "group_by") : QueryBinder.FindScalar(schema, key.Attribute, "group_by");
    }

    private static void AddLabel(HashSet<string> labels, string label, string place)
    {
        if (!labels.Add(label))
        {
            throw PuffException.Invalid($"{place}: the label \"{label}\" is used twice");
        }
    }
}
