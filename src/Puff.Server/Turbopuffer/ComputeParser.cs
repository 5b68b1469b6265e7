using System.Text.Json;
using Puff.Engine;
using Puff.Engine.Queries;
using Puff.Server.Http;

namespace Puff.Server.Turbopuffer;

/// <summary>`compute_attributes` (turbopuffer-api 4.6): name → vector distance, highlight or score.</summary>
internal static class ComputeParser
{
    private const string Field = "compute_attributes";

    public static List<ComputedAttribute>? Read(ref JsonCursor cursor)
    {
        if (cursor.IsNull)
        {
            return null;
        }

        JsonShape.ExpectObject(ref cursor, Field);
        var computed = new List<ComputedAttribute>();
        while (cursor.ReadName())
        {
            string name = cursor.GetText();
            cursor.Read();
            var attribute = ReadExpression(ref cursor, name);
            computed.RemoveAll(c => c.Name == name);
            computed.Add(attribute);
        }

        return computed.Count == 0 ? null : computed;
    }

    private static ComputedAttribute ReadExpression(ref JsonCursor cursor, string name)
    {
        JsonShape.ExpectArray(ref cursor, Field);
        var ahead = cursor;
        ahead.Read();
        if (ahead.Token != JsonTokenType.String)
        {
            throw JsonShape.Unexpected(ref ahead, Field, "an attribute name or a function");
        }

        string head = ahead.GetText();
        ahead.Read();
        string? second = ahead.Token == JsonTokenType.String ? ahead.GetText() : null;
        if (second == "VectorDist")
        {
            cursor = ahead;
            cursor.Read();
            RefuseEmbedding(cursor);
            var vector = VectorParser.ReadOperand(ref cursor, Field);
            return End(ref cursor, new ComputedVectorDistance(name, head, vector));
        }

        if (head != "Highlight" || second is null || second == "BM25" || FilterParser.IsOperator(second))
        {
            return new ComputedScore(name, new ScoreParser(Field).Read(ref cursor));
        }

        cursor = ahead;
        var options = cursor;
        if (options.ReadElement())
        {
            cursor.Read();
            CheckHighlightOptions(ref cursor);
        }

        return End(ref cursor, new ComputedHighlight(name, second));
    }

    /// <summary>Embedding a query is a matter of `rank_by` alone: elsewhere it does not fit the shape.</summary>
    private static void RefuseEmbedding(JsonCursor atOperand)
    {
        if (atOperand.Token == JsonTokenType.StartArray && atOperand.ReadElement() && atOperand.Token == JsonTokenType.String && atOperand.GetText() == "Embed")
        {
            throw PuffException.Malformed($"{Field}: VectorDist takes a vector; Embed is not allowed here");
        }
    }

    private static void CheckHighlightOptions(ref JsonCursor cursor)
    {
        if (cursor.IsNull)
        {
            return;
        }

        JsonShape.ExpectObject(ref cursor, Field);
        while (cursor.ReadName())
        {
            string key = cursor.GetText();
            if (key is not ("fragment_by" or "fragment_limit" or "include_offsets" or "rank_fragments_by"))
            {
                throw JsonShape.UnknownVariant(Field, key, "fragment_by", "fragment_limit", "include_offsets", "rank_fragments_by");
            }

            cursor.Read();
            CheckHighlightOption(ref cursor, key);
        }
    }

    private static void CheckHighlightOption(ref JsonCursor cursor, string key)
    {
        switch (key)
        {
            case "fragment_by" when JsonShape.ReadText(ref cursor, key) is not ("none" or "sentence" or "paragraph" or "word"):
                throw JsonShape.UnknownVariant(key, cursor.GetText(), "none", "sentence", "paragraph", "word");
            case "include_offsets" when JsonShape.ReadText(ref cursor, key) is not ("utf-8" or "utf-16" or "codepoints"):
                throw JsonShape.UnknownVariant(key, cursor.GetText(), "utf-8", "utf-16", "codepoints");
            case "fragment_limit" when JsonShape.ReadCount(ref cursor, key) is < 1 or > 1_024:
                throw PuffException.Invalid("fragment_limit must lie between 1 and 1024");
            case "rank_fragments_by":
                new ScoreParser(key).Read(ref cursor);
                break;
        }
    }

    private static T End<T>(ref JsonCursor cursor, T attribute) =>
        cursor.ReadElement() ? throw PuffException.Invalid($"{Field}: an expression has an element too many at byte {cursor.Offset}") : attribute;
}
