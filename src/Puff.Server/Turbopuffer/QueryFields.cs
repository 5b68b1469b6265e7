using System.Text.Json;
using Puff.Engine;
using Puff.Engine.Filters;
using Puff.Engine.Queries;
using Puff.Engine.Schema;
using Puff.Server.Http;

namespace Puff.Server.Turbopuffer;

/// <summary>The fields of one query while they are read. Ranges are the engine's business; here are the shapes, and what excludes what.</summary>
internal sealed class QueryFields
{
    private RankBy? rankBy;
    private long? limit;
    private long? topK;
    private LimitPer? limitPer;
    private long offset;
    private Filter? filters;
    private bool? includeAll;
    private List<string>? include;
    private List<string>? exclude;
    private List<Aggregation>? aggregateBy;
    private List<GroupKey>? groupBy;
    private List<ComputedAttribute>? compute;
    private DistanceMetric? metric;

    public long? Limit => limit ?? topK;

    /// <summary>Reads the value of a field; unknown fields are passed over, so that newer clients keep working.</summary>
    public void ReadField(ref JsonCursor cursor, string key)
    {
        switch (key)
        {
            case "rank_by":
                rankBy = RankParser.Read(ref cursor);
                break;
            case "limit":
                ReadLimit(ref cursor);
                break;
            case "top_k":
                topK = cursor.IsNull ? null : JsonShape.ReadCount(ref cursor, key);
                break;
            case "offset":
                offset = cursor.IsNull ? 0 : JsonShape.ReadCount(ref cursor, key);
                break;
            case "filters":
                filters = FilterParser.ReadOptional(ref cursor, key);
                break;
            case "include_attributes":
                ReadInclude(ref cursor, key);
                break;
            case "exclude_attributes":
                exclude = cursor.IsNull ? null : JsonShape.ReadTexts(ref cursor, key);
                break;
            case "aggregate_by":
                aggregateBy = AggregationParser.ReadAggregations(ref cursor);
                break;
            case "group_by":
                groupBy = AggregationParser.ReadGroups(ref cursor);
                break;
            case "compute_attributes":
                compute = ComputeParser.Read(ref cursor);
                break;
            case "distance_metric":
                metric = SchemaParser.ReadMetric(ref cursor, key);
                break;
            default:
                cursor.Skip();
                break;
        }
    }

    public bool HasLimitPer => limitPer is not null;

    public QueryRequest ToRequest()
    {
        CheckSelection();
        CheckAggregation();
        if (limit is { } total && topK is { } alias && total != alias)
        {
            throw PuffException.Invalid($"limit is {total} and top_k, which means the same, is {alias}; send one of them");
        }

        return new QueryRequest
        {
            RankBy = rankBy,
            Limit = Limit,
            LimitPer = limitPer,
            Offset = offset,
            Filters = filters,
            Select = Selection(),
            AggregateBy = aggregateBy,
            GroupBy = groupBy,
            ComputeAttributes = compute,
            DistanceMetric = metric,
        };
    }

    private AttributeSelection Selection()
    {
        if (exclude is not null)
        {
            return new AttributeSelection(All: false, null, exclude);
        }

        return include is not null ? new AttributeSelection(All: false, include, null)
            : includeAll == true ? new AttributeSelection(All: true, null, null)
            : AttributeSelection.None;
    }

    private void CheckSelection()
    {
        if (exclude is not null && (include is not null || includeAll is not null))
        {
            throw PuffException.Invalid("include_attributes and exclude_attributes cannot be used together");
        }

        if (exclude?.Contains("id") == true)
        {
            throw PuffException.Invalid("exclude_attributes: the id is part of every row and cannot be excluded");
        }
    }

    private void CheckAggregation()
    {
        if (aggregateBy is null)
        {
            return;
        }

        if (rankBy is not null)
        {
            throw PuffException.Malformed("rank_by and aggregate_by cannot be used together: a query returns rows or aggregates");
        }

        if (include is not null || includeAll is not null || exclude is not null)
        {
            throw PuffException.Invalid("an aggregating query returns no rows, so it takes neither include_attributes nor exclude_attributes");
        }

        if (topK is not null && groupBy is null)
        {
            throw PuffException.Invalid("top_k limits the groups of an aggregating query, so it needs group_by");
        }
    }

    private void ReadLimit(ref JsonCursor cursor)
    {
        if (cursor.IsNull)
        {
            throw PuffException.Invalid("limit cannot be null; leave it out or send a number between 1 and 10000");
        }

        limitPer = null;
        if (cursor.Token != JsonTokenType.StartObject)
        {
            limit = JsonShape.ReadCount(ref cursor, "limit");
            return;
        }

        limit = null;
        while (cursor.ReadName())
        {
            string key = cursor.GetText();
            cursor.Read();
            switch (key)
            {
                case "total":
                    limit = JsonShape.ReadCount(ref cursor, "limit.total");
                    break;
                case "per":
                    limitPer = ReadLimitPer(ref cursor);
                    break;
                default:
                    cursor.Skip();
                    break;
            }
        }

        if (limit is null)
        {
            throw JsonShape.MissingField("limit", "total");
        }
    }

    private static LimitPer? ReadLimitPer(ref JsonCursor cursor)
    {
        const string Field = "limit.per";
        if (cursor.IsNull)
        {
            return null;
        }

        JsonShape.ExpectObject(ref cursor, Field);
        List<string>? attributes = null;
        long? perLimit = null;
        while (cursor.ReadName())
        {
            string key = cursor.GetText();
            cursor.Read();
            switch (key)
            {
                case "attributes":
                    attributes = JsonShape.ReadTexts(ref cursor, "limit.per.attributes");
                    break;
                case "limit":
                    perLimit = JsonShape.ReadCount(ref cursor, "limit.per.limit");
                    break;
                default:
                    cursor.Skip();
                    break;
            }
        }

        return new LimitPer(
            attributes ?? throw JsonShape.MissingField(Field, "attributes"),
            perLimit ?? throw JsonShape.MissingField(Field, "limit"));
    }

    private void ReadInclude(ref JsonCursor cursor, string key)
    {
        include = null;
        includeAll = null;
        switch (cursor.Token)
        {
            case JsonTokenType.Null:
                break;
            case JsonTokenType.True or JsonTokenType.False:
                includeAll = cursor.Token == JsonTokenType.True;
                break;
            case JsonTokenType.StartArray:
                include = JsonShape.ReadTexts(ref cursor, key);
                break;
            default:
                throw JsonShape.Unexpected(ref cursor, key, "a boolean or a sequence of strings");
        }
    }
}
