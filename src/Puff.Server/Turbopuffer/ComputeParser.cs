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
        var highlight = new ComputedHighlight(name, second);
        var options = cursor;
        if (options.ReadElement())
        {
            cursor.Read();
            highlight = ReadHighlightOptions(ref cursor, highlight);
        }

        return End(ref cursor, highlight);
    }

    /// <summary>Embedding a query is a matter of `rank_by` alone: elsewhere it does not fit the shape.</summary>
    private static void RefuseEmbedding(JsonCursor atOperand)
    {
        if (atOperand.Token == JsonTokenType.StartArray && atOperand.ReadElement() && atOperand.Token == JsonTokenType.String && atOperand.GetText() == "Embed")
        {
            throw PuffException.Malformed($"{Field}: VectorDist takes a vector; Embed is not allowed here");
        }
    }

    private static ComputedHighlight ReadHighlightOptions(ref JsonCursor cursor, ComputedHighlight highlight)
    {
        if (cursor.IsNull)
        {
            return highlight;
        }

        JsonShape.ExpectObject(ref cursor, Field);
        while (cursor.ReadName())
        {
            string key = cursor.GetText();
            cursor.Read();
            highlight = key switch
            {
                "fragment_by" => highlight with { FragmentBy = ReadFragmentUnit(ref cursor, key) },
                "fragment_limit" => highlight with { FragmentLimit = ReadFragmentLimit(ref cursor, key) },
                "include_offsets" => highlight with { Offsets = ReadOffsetUnit(ref cursor, key) },
                "rank_fragments_by" => highlight with { RankFragmentsBy = new ScoreParser(key).Read(ref cursor) },
                _ => throw JsonShape.UnknownVariant(Field, key, "fragment_by", "fragment_limit", "include_offsets", "rank_fragments_by"),
            };
        }

        return highlight;
    }

    private static FragmentUnit ReadFragmentUnit(ref JsonCursor cursor, string key) => JsonShape.ReadText(ref cursor, key) switch
    {
        "none" => FragmentUnit.None,
        "sentence" => FragmentUnit.Sentence,
        "paragraph" => FragmentUnit.Paragraph,
        "word" => FragmentUnit.Word,
        var other => throw JsonShape.UnknownVariant(key, other, "none", "sentence", "paragraph", "word"),
    };

    private static OffsetUnit ReadOffsetUnit(ref JsonCursor cursor, string key) => JsonShape.ReadText(ref cursor, key) switch
    {
        "utf-8" => OffsetUnit.Utf8,
        "utf-16" => OffsetUnit.Utf16,
        "codepoints" => OffsetUnit.CodePoints,
        var other => throw JsonShape.UnknownVariant(key, other, "utf-8", "utf-16", "codepoints"),
    };

    private static int ReadFragmentLimit(ref JsonCursor cursor, string key) =>
        JsonShape.ReadCount(ref cursor, key) is >= 1 and <= 1_024 and var limit
            ? (int)limit
            : throw PuffException.Invalid("fragment_limit must lie between 1 and 1024");

    private static T End<T>(ref JsonCursor cursor, T attribute) =>
        cursor.ReadElement() ? throw PuffException.Invalid($"{Field}: an expression has an element too many at byte {cursor.Offset}") : attribute;
}
