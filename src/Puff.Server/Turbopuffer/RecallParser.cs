using Puff.Engine;
using Puff.Engine.Queries;
using Puff.Server.Http;

namespace Puff.Server.Turbopuffer;

/// <summary>The body of POST …/_debug/recall (turbopuffer-api 5.7); empty counts as {}.</summary>
internal static class RecallParser
{
    public static RecallRequest Parse(ReadOnlySpan<byte> body) =>
        body.IsEmpty ? new RecallRequest() : JsonBody.Parse(body, 0, static (ref cursor, _) => Read(ref cursor));

    private static RecallRequest Read(ref JsonCursor cursor)
    {
        JsonShape.ExpectObject(ref cursor, "recall");
        var request = new RecallRequest();
        int? samples = null;
        while (cursor.ReadName())
        {
            string key = cursor.GetText();
            cursor.Read();
            switch (key)
            {
                case "num":
                    samples = ReadOptionalCount(ref cursor, key);
                    break;
                case "top_k":
                    request = request with { TopK = ReadOptionalCount(ref cursor, key) ?? request.TopK };
                    break;
                case "filters":
                    request = request with { Filters = FilterParser.ReadOptional(ref cursor, key) };
                    break;
                case "include_ground_truth":
                    request = request with { IncludeGroundTruth = JsonShape.ReadOptionalBool(ref cursor, key) ?? false };
                    break;
                case "rank_by":
                    request = request with { RankBy = ReadRank(ref cursor) };
                    break;
                default:
                    cursor.Skip();
                    break;
            }
        }

        if (request.RankBy is not null && samples is not (null or 1))
        {
            throw PuffException.Invalid("num must be 1 or left out when rank_by gives the one query to evaluate");
        }

        return request with { Samples = samples ?? (request.RankBy is null ? request.Samples : 1) };
    }

    private static VectorRank? ReadRank(ref JsonCursor cursor) => RankParser.Read(ref cursor) switch
    {
        null => null,
        VectorRank vector => vector,
        _ => throw PuffException.Invalid("rank_by: recall is measured for vector rankings only"),
    };

    private static int? ReadOptionalCount(ref JsonCursor cursor, string field) =>
        cursor.IsNull ? null : (int)Math.Min(JsonShape.ReadCount(ref cursor, field), int.MaxValue);
}
