using Puff.Engine;
using Puff.Engine.Queries;
using Puff.Server.Http;

namespace Puff.Server.Turbopuffer;

/// <summary>A parsed query body: one query, or several.</summary>
/// <param name="DisableCache">Whether nothing may come from the cache or stay there.</param>
/// <param name="IsMulti">Whether the body had `queries`: the response then has another form, also for one query.</param>
internal sealed record ParsedQuery(MultiQueryRequest Request, bool IsMulti, Consistency Consistency, bool Base64Vectors, bool DisableCache);

/// <summary>The body of a query (turbopuffer-api 4.1, 4.7).</summary>
internal static class QueryParser
{
    private const int MaxQueries = 16;

    private static readonly string[] SingleOnly =
    [
        "rank_by", "offset", "filters", "include_attributes", "exclude_attributes", "aggregate_by", "group_by", "compute_attributes", "distance_metric",
    ];

    public static ParsedQuery Parse(ReadOnlySpan<byte> body) => JsonBody.Parse(body, 0, static (ref cursor, _) => ReadRoot(ref cursor));

    private static ParsedQuery ReadRoot(ref JsonCursor cursor)
    {
        JsonShape.ExpectObject(ref cursor, "query", "struct Query");
        var single = new QueryFields();
        List<QueryRequest>? queries = null;
        RankFusion? fusion = null;
        string? singleField = null;
        var consistency = Consistency.Strong;
        bool base64 = false;
        bool disablesCache = false;
        while (cursor.ReadName())
        {
            string key = cursor.GetText();
            cursor.Read();
            switch (key)
            {
                case "queries":
                    queries = ReadQueries(ref cursor);
                    break;
                case "rerank_by":
                    fusion = FusionParser.Read(ref cursor);
                    break;
                case "consistency":
                    consistency = ReadConsistency(ref cursor);
                    break;
                case "vector_encoding":
                    base64 = ReadEncoding(ref cursor);
                    break;
                case "disable_cache":
                    disablesCache = !cursor.IsNull && JsonShape.ReadBool(ref cursor, key);
                    break;
                default:
                    singleField = SingleOnly.Contains(key) && !cursor.IsNull ? key : singleField;
                    single.ReadField(ref cursor, key);
                    break;
            }
        }

        if (queries is null)
        {
            return fusion is null
                ? new ParsedQuery(new MultiQueryRequest([single.ToRequest()]), false, consistency, base64, disablesCache)
                : throw PuffException.Invalid("rerank_by fuses the results of several queries; put them under \"queries\"");
        }

        // Without fusion a limit beside the queries means nothing, whatever it says.
        singleField ??= fusion is not null && single.HasLimitPer ? "limit.per" : null;
        return singleField is null
            ? new ParsedQuery(new MultiQueryRequest(queries) { Fusion = fusion, Limit = single.Limit }, true, consistency, base64, disablesCache)
            : throw PuffException.Invalid($"{singleField} belongs into the objects under \"queries\", not beside them");
    }

    private static List<QueryRequest>? ReadQueries(ref JsonCursor cursor)
    {
        if (cursor.IsNull)
        {
            return null;
        }

        JsonShape.ExpectArray(ref cursor, "queries");
        var queries = new List<QueryRequest>();
        while (cursor.ReadElement())
        {
            JsonShape.ExpectObject(ref cursor, "queries", "struct Query");
            var fields = new QueryFields();
            while (cursor.ReadName())
            {
                string key = cursor.GetText();
                cursor.Read();
                fields.ReadField(ref cursor, key);
            }

            queries.Add(fields.ToRequest());
            if (queries.Count > MaxQueries)
            {
                break;
            }
        }

        return queries.Count is > 0 and <= MaxQueries ? queries : throw PuffException.Invalid($"queries: between 1 and {MaxQueries} queries run together");
    }

    public static Consistency ReadConsistency(ref JsonCursor cursor)
    {
        if (cursor.IsNull)
        {
            return Consistency.Strong;
        }

        JsonShape.ExpectObject(ref cursor, "consistency", "struct Consistency");
        Consistency? level = null;
        while (cursor.ReadName())
        {
            string key = cursor.GetText();
            cursor.Read();
            if (key != "level")
            {
                cursor.Skip();
                continue;
            }

            string text = JsonShape.ReadText(ref cursor, "consistency.level");
            level = text switch
            {
                "strong" => Consistency.Strong,
                "eventual" => Consistency.Eventual,
                _ => throw JsonShape.UnknownVariant("consistency.level", text, "strong", "eventual"),
            };
        }

        return level ?? throw JsonShape.MissingField("consistency", "level");
    }

    private static bool ReadEncoding(ref JsonCursor cursor)
    {
        string text = cursor.IsNull ? "float" : JsonShape.ReadText(ref cursor, "vector_encoding");
        return text switch
        {
            "float" => false,
            "base64" => true,
            _ => throw JsonShape.UnknownVariant("vector_encoding", text, "float", "base64"),
        };
    }
}
