using Puff.Engine.Filters;
using Puff.Engine.Schema;
using Puff.Engine.Segments;

namespace Puff.Engine.Queries;

/// <summary>Checks a query against a schema and binds it. Shape errors are Malformed, everything that is wrong for this namespace is Invalid.</summary>
internal static class QueryBinder
{
    /// <summary>The largest limit, and the largest offset + limit.</summary>
    public const int MaxRows = 10_000;

    public static BoundQuery Bind(NamespaceSchema schema, QueryRequest request)
    {
        if (request.RankBy is not null && request.AggregateBy is not null)
        {
            throw PuffException.Malformed("rank_by and aggregate_by cannot be combined; send two queries");
        }

        CheckMetric(schema, request.DistanceMetric);
        return request.AggregateBy is not null || request.GroupBy is { Count: > 0 } ? BindAggregate(schema, request) : BindRanked(schema, request);
    }

    /// <summary>The attribute of that name, or Invalid.</summary>
    /// <param name="place">Where the name was written: "rank_by", "group_by".</param>
    public static AttributeDefinition Find(NamespaceSchema schema, string name, string place) =>
        schema.Find(name) ?? throw PuffException.Invalid($"{place}: attribute \"{name}\" is not in the schema of the namespace");

    /// <summary>An attribute with one comparable, filterable value a document, or Invalid.</summary>
    public static AttributeDefinition FindScalar(NamespaceSchema schema, string name, string place)
    {
        var attribute = Find(schema, name, place);
        if (!attribute.Type.IsScalar)
        {
            throw PuffException.Invalid($"{place}: attribute \"{name}\" has type {attribute.Type}; only attributes with one comparable value can be used here");
        }

        return RequireFilterable(attribute, place);
    }

    public static AttributeDefinition RequireFilterable(AttributeDefinition attribute, string place) =>
        attribute.Filterable ? attribute
            : throw PuffException.Invalid($"{place}: attribute \"{attribute.Name}\" is not filterable; set \"filterable\": true in its schema");

    private static BoundQuery BindRanked(NamespaceSchema schema, QueryRequest request)
    {
        var filter = BindFilter(schema, request.Filters);
        int limit = RequireLimit(request.Limit);
        var rank = BindRank(schema, request);
        var selected = AttributeSelector.Bind(schema, request.Select);
        return new BoundQuery
        {
            Schema = schema,
            Scanned = ScannedAttributes.Of(schema, request),
            Filter = filter,
            Rank = rank,
            Limit = limit,
            Offset = CheckOffset(request, limit),
            LimitPer = request.LimitPer is { } per ? BindLimitPer(schema, request, per, selected, limit) : null,
            Selected = selected,
            Computed = ComputedBinder.Bind(schema, request.ComputeAttributes, request.RankBy),
        };
    }

    private static BoundQuery BindAggregate(NamespaceSchema schema, QueryRequest request)
    {
        bool isGrouped = request.GroupBy is { Count: > 0 };
        if (request.Select != AttributeSelection.None || request.ComputeAttributes is { Count: > 0 })
        {
            throw PuffException.Invalid("aggregate_by returns no rows: leave out include_attributes, exclude_attributes and compute_attributes");
        }

        if (request.Offset != 0 || request.LimitPer is not null)
        {
            throw PuffException.Invalid("offset and limit.per need rank_by; they cannot be combined with aggregate_by");
        }

        if (!isGrouped && request.Limit is not null)
        {
            throw PuffException.Invalid("limit (top_k) has no meaning for aggregate_by without group_by; leave it out");
        }

        return new BoundQuery
        {
            Schema = schema,
            Scanned = ScannedAttributes.Of(schema, request),
            Filter = BindFilter(schema, request.Filters),
            Aggregate = AggregateBinder.Bind(schema, request.AggregateBy, request.GroupBy ?? []),
            Limit = request.Limit is null ? MaxRows : RequireLimit(request.Limit),
        };
    }

    private static Predicate? BindFilter(NamespaceSchema schema, Filter? filter) =>
        filter is null ? null : FilterBinder.Bind(filter, schema, allowRefNew: false, TokenPredicates.Instance);

    private static BoundRank BindRank(NamespaceSchema schema, QueryRequest request)
    {
        switch (request.RankBy)
        {
            case VectorRank { Exact: true } when request.Filters is null:
                throw PuffException.Invalid("kNN requires filters; use ANN to search a whole namespace");
            case VectorRank vector:
                return VectorBinder.Bind(schema, vector);
            case OrderRank order:
                return BindOrder(schema, order);
            case ScoreRank score:
                return new BoundScore(ScoreBinder.Bind(schema, score.Expression, "rank_by"));
            case null when request.Filters is null:
                throw PuffException.Invalid("the query has neither rank_by nor aggregate_by nor filters; to list documents use rank_by [\"id\", \"asc\"]");
            case null when request.Offset != 0:
                throw PuffException.Invalid("offset needs rank_by");
            case null:
                return BindOrder(schema, new OrderRank([new OrderKey("id", false)]));
            default:
                throw PuffException.Malformed($"unknown ranking {request.RankBy.GetType().Name}");
        }
    }

    private static BoundOrder BindOrder(NamespaceSchema schema, OrderRank order)
    {
        if (order.Keys.Count is 0 or > 8)
        {
            throw PuffException.Invalid($"rank_by orders by 1 to 8 attributes; this one has {order.Keys.Count}");
        }

        var keys = new List<BoundOrderKey>();
        foreach (var key in order.Keys)
        {
            keys.Add(new BoundOrderKey(FindScalar(schema, key.Attribute, "rank_by"), key.Descending));
            if (key.Attribute == "id")
            {
                // Ids differ, so later keys cannot matter.
                return new BoundOrder(keys);
            }
        }

        keys.Add(new BoundOrderKey(schema.IdAttribute, false));
        return new BoundOrder(keys);
    }

    private static BoundLimitPer BindLimitPer(
        NamespaceSchema schema, QueryRequest request, LimitPer per, IReadOnlyList<AttributeDefinition> selected, int limit)
    {
        if (per.Attributes.Count == 0)
        {
            throw PuffException.Invalid("limit.per.attributes is empty; name at least one attribute");
        }

        if (per.Limit < 1 || per.Limit > limit)
        {
            throw PuffException.Invalid($"limit.per.limit is {per.Limit}; it must be between 1 and limit.total, which is {limit}");
        }

        var attributes = new List<AttributeDefinition>();
        foreach (string name in per.Attributes)
        {
            var attribute = FindScalar(schema, name, "limit.per.attributes");
            bool isReturned = attribute.Id == 0 ? request.Select.All || request.Select.Include?.Contains("id") == true : selected.Contains(attribute);
            attributes.Add(isReturned ? attribute
                : throw PuffException.Invalid($"limit.per.attributes: \"{name}\" must be one of the returned attributes; add it to include_attributes"));
        }

        return new BoundLimitPer(attributes, (int)per.Limit);
    }

    /// <summary>1..10,000, or an error.</summary>
    public static int RequireLimit(long? limit) => limit switch
    {
        null => throw PuffException.Invalid("limit is missing; a ranked query needs a limit (or top_k) between 1 and 10000"),
        < 0 => throw PuffException.Malformed($"limit is {limit}; expected an unsigned integer"),
        0 => throw PuffException.Invalid("limit is 0; it must be between 1 and 10000"),
        > MaxRows => throw PuffException.Invalid($"limit is {limit}; it must be between 1 and {MaxRows}. Page with a filter on the last id for more"),
        _ => (int)limit,
    };

    private static int CheckOffset(QueryRequest request, int limit)
    {
        if (request.Offset < 0)
        {
            throw PuffException.Malformed($"offset is {request.Offset}; expected an unsigned integer");
        }

        if (request.Offset > MaxRows - limit)
        {
            throw PuffException.Invalid($"offset + limit is {request.Offset + limit}; it must be at most {MaxRows}. Page with a filter on the last id instead");
        }

        return (int)request.Offset;
    }

    private static void CheckMetric(NamespaceSchema schema, DistanceMetric? requested)
    {
        if (requested is { } metric && schema.Metric != metric)
        {
            throw PuffException.Invalid(schema.Metric is { } own
                ? $"distance_metric is {metric}, but the namespace uses {own}; leave it out of the query"
                : $"distance_metric is {metric}, but the namespace has no vectors; leave it out of the query");
        }
    }
}
