using System.Text.Json;
using Puff.Engine;
using Puff.Engine.Queries;
using Puff.Server.Http;

namespace Puff.Server.Turbopuffer;

/// <summary>The body of a cold-plan preview (openpuffer extensions 8.2): a query of which the ranking, the filters and the limit matter.</summary>
/// <param name="Query">Null when the ranking says nothing that could be planned.</param>
/// <param name="VectorField">What a vector ranking ranks by; null for others.</param>
internal sealed record ColdPlanRequest(Consistency Consistency, QueryRequest? Query, string? VectorField);

internal static class ColdPlanParser
{
    private const int DefaultLimit = 10;

    public static ColdPlanRequest Parse(ReadOnlySpan<byte> body)
    {
        var consistency = JsonBody.Parse(body, 0, static (ref cursor, _) => ReadConsistency(ref cursor));
        QueryRequest? query = null;
        try
        {
            query = JsonBody.Parse(body, 0, static (ref cursor, _) => ReadQuery(ref cursor));
        }
        catch (PuffException)
        {
            // What cannot be ranked by has no plan.
        }

        return new ColdPlanRequest(consistency, query, (query?.RankBy as VectorRank)?.Attribute);
    }

    private static Consistency ReadConsistency(ref JsonCursor cursor)
    {
        JsonShape.ExpectObject(ref cursor, "query", "struct Query");
        bool isRanked = false;
        var consistency = Consistency.Strong;
        while (cursor.ReadName())
        {
            string key = cursor.GetText();
            cursor.Read();
            isRanked |= key == "rank_by" && !cursor.IsNull;
            if (key == "consistency" && !cursor.IsNull)
            {
                consistency = cursor.Token == JsonTokenType.String ? Named(JsonShape.ReadText(ref cursor, key)) : QueryParser.ReadConsistency(ref cursor);
            }
            else
            {
                cursor.Skip();
            }
        }

        return isRanked ? consistency : throw PuffException.Invalid("rank_by is missing: the plan of a query follows from it");
    }

    /// <summary>As openpuffer's clients write it.</summary>
    private static Consistency Named(string text) => text switch
    {
        "strong" => Consistency.Strong,
        "eventual" => Consistency.Eventual,
        _ => throw PuffException.Invalid($"consistency is \"{text}\"; it must be \"strong\" or \"eventual\""),
    };

    private static QueryRequest ReadQuery(ref JsonCursor cursor)
    {
        JsonShape.ExpectObject(ref cursor, "query", "struct Query");
        var fields = new QueryFields();
        while (cursor.ReadName())
        {
            string key = cursor.GetText();
            cursor.Read();
            if (key is "rank_by" or "filters" or "limit" or "top_k" or "include_attributes")
            {
                fields.ReadField(ref cursor, key);
            }
            else
            {
                cursor.Skip();
            }
        }

        var query = fields.ToRequest();
        return query with { Limit = query.Limit ?? DefaultLimit };
    }
}
