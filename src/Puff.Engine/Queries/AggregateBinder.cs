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
        var functions = new List<BoundAggregation>();
        foreach (var aggregation in aggregations)
        {
            AddLabel(labels, aggregation.Label, "aggregate_by");
            functions.Add(new BoundAggregation(aggregation.Label, aggregation.Function, BindAttribute(schema, aggregation)));
        }

        return new BoundAggregate(functions, BindKeys(schema, groupBy, labels));
    }

    /// <returns>Null for a count.</returns>
    private static AttributeDefinition? BindAttribute(NamespaceSchema schema, Aggregation aggregation)
    {
        string place = $"aggregate_by \"{aggregation.Label}\"";
        if (aggregation.Function == AggregateFunction.Count)
        {
            return aggregation.Attribute is null or "id" ? null
                : throw PuffException.Invalid($"{place}: Count counts documents and takes no attribute; leave \"{aggregation.Attribute}\" out");
        }

        if (aggregation.Attribute is not { } name)
        {
            throw PuffException.Malformed($"{place}: {aggregation.Function} needs an attribute");
        }

        var attribute = QueryBinder.Find(schema, name, place);
        string? misfit = aggregation.Function switch
        {
            AggregateFunction.Sum or AggregateFunction.Avg =>
                attribute.Id != 0 && attribute.Type.Kind is TypeKind.Int or TypeKind.UInt or TypeKind.Float ? null : "an int, uint or float attribute",
            AggregateFunction.Min or AggregateFunction.Max => attribute.Type.IsScalar ? null : "an attribute with one comparable value",
            AggregateFunction.CountDistinct => attribute.Type.CanFilter ? null : "an attribute with comparable values",
            _ => throw PuffException.Malformed($"{place}: unknown function {aggregation.Function}"),
        };
        string type = attribute.Id == 0 ? "the id" : attribute.Type.ToString();
        return misfit is null ? QueryBinder.RequireFilterable(attribute, place)
            : throw PuffException.Invalid($"{place}: {aggregation.Function} needs {misfit}, and \"{name}\" is {type}");
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
