using System.Text.Json;
using Puff.Engine;
using Puff.Engine.Queries;
using Puff.Server.Http;

namespace Puff.Server.Turbopuffer;

/// <summary>`rank_by` (turbopuffer-api 4.2, "Telling the forms apart"): attribute order, a vector ranking, or a score.</summary>
internal static class RankParser
{
    private const string Field = "rank_by";
    private const int MaxOrderKeys = 8;

    public static RankBy? Read(ref JsonCursor cursor)
    {
        if (cursor.IsNull)
        {
            return null;
        }

        JsonShape.ExpectArray(ref cursor, Field);
        var ahead = cursor;
        ahead.Read();
        switch (ahead.Token)
        {
            case JsonTokenType.StartArray or JsonTokenType.EndArray:
                return ReadOrders(ref cursor);
            case JsonTokenType.String:
                string head = ahead.GetText();
                ahead.Read();
                return ahead.Token == JsonTokenType.String ? ReadByOperator(ref cursor, ahead, head) : new ScoreRank(new ScoreParser(Field).Read(ref cursor));
            default:
                throw JsonShape.Unexpected(ref ahead, Field, "an attribute name or a function");
        }
    }

    /// <param name="second">At the second element, a string.</param>
    private static RankBy ReadByOperator(ref JsonCursor cursor, JsonCursor second, string head)
    {
        string name = second.GetText();
        var third = second;
        if (name is "asc" or "desc" && !third.ReadElement())
        {
            cursor = third;
            return new OrderRank([new OrderKey(head, name == "desc")]);
        }

        if (name is not ("ANN" or "kNN"))
        {
            return new ScoreRank(new ScoreParser(Field).Read(ref cursor));
        }

        cursor = second;
        cursor.Read();
        var vector = VectorParser.ReadOperand(ref cursor, Field);
        return cursor.ReadElement()
            ? throw PuffException.Invalid($"{Field}: {name} takes one operand; there is another element at byte {cursor.Offset}")
            : new VectorRank(head, vector, Exact: name == "kNN");
    }

    private static OrderRank ReadOrders(ref JsonCursor cursor)
    {
        var keys = new List<OrderKey>();
        while (cursor.ReadElement())
        {
            JsonShape.ExpectArray(ref cursor, Field);
            cursor.Read();
            string attribute = JsonShape.ReadText(ref cursor, Field);
            cursor.Read();
            string direction = JsonShape.ReadText(ref cursor, Field);
            keys.Add(new OrderKey(attribute, direction switch
            {
                "asc" => false,
                "desc" => true,
                _ => throw JsonShape.UnknownVariant(Field, direction, "asc", "desc"),
            }));
            if (cursor.ReadElement() || keys.Count > MaxOrderKeys)
            {
                throw PuffException.Invalid($"{Field}: an order is a list of at most {MaxOrderKeys} pairs [attribute, \"asc\" or \"desc\"]");
            }
        }

        return keys.Count > 0 ? new OrderRank(keys) : throw PuffException.Invalid($"{Field}: the list of attributes to order by is empty");
    }
}
