using Puff.Engine;
using Puff.Engine.Queries;
using Puff.Server.Http;

namespace Puff.Server.Turbopuffer;

/// <summary>`rerank_by`: ["RRF"] or ["RRF", {"rank_constant": k, "weights": [...]}].</summary>
internal static class FusionParser
{
    private const string Field = "rerank_by";

    public static RankFusion? Read(ref JsonCursor cursor)
    {
        if (cursor.IsNull)
        {
            return null;
        }

        JsonShape.ExpectArray(ref cursor, Field);
        cursor.Read();
        string name = JsonShape.ReadText(ref cursor, Field);
        if (name != "RRF")
        {
            throw JsonShape.UnknownVariant(Field, name, "RRF");
        }

        if (!cursor.ReadElement())
        {
            return new RankFusion();
        }

        var fusion = ReadOptions(ref cursor);
        return cursor.ReadElement() ? throw PuffException.Invalid($"{Field}: RRF takes one object of options") : fusion;
    }

    private static RankFusion ReadOptions(ref JsonCursor cursor)
    {
        JsonShape.ExpectObject(ref cursor, Field);
        var fusion = new RankFusion();
        while (cursor.ReadName())
        {
            string key = cursor.GetText();
            cursor.Read();
            fusion = key switch
            {
                "rank_constant" => fusion with { RankConstant = JsonShape.ReadNumber(ref cursor, key) },
                "weights" => fusion with { Weights = cursor.IsNull ? null : ReadWeights(ref cursor) },
                _ => throw JsonShape.UnknownVariant(Field, key, "rank_constant", "weights"),
            };
        }

        return fusion;
    }

    private static List<double> ReadWeights(ref JsonCursor cursor)
    {
        JsonShape.ExpectArray(ref cursor, "weights");
        var weights = new List<double>();
        while (cursor.ReadElement())
        {
            weights.Add(JsonShape.ReadNumber(ref cursor, "weights"));
        }

        return weights;
    }
}
