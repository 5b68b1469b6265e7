using System.Text.Json;
using Puff.Engine;
using Puff.Engine.Queries;
using Puff.Engine.Schema;
using Puff.Server.Http;

namespace Puff.Server.Turbopuffer;

/// <summary>Score expressions (turbopuffer-api 4.2): clauses, filters and functions over them, nested freely.</summary>
/// <param name="field">What messages call the expression.</param>
internal readonly struct ScoreParser(string field)
{
    private const int MaxDepth = 64;

    /// <summary>At the expression's `[`.</summary>
    public ScoreExpression Read(ref JsonCursor cursor) => Read(ref cursor, 1);

    private ScoreExpression Read(ref JsonCursor cursor, int depth)
    {
        if (depth > MaxDepth)
        {
            throw PuffException.Invalid($"{field}: an expression is nested at most {MaxDepth} levels deep");
        }

        JsonShape.ExpectArray(ref cursor, field);
        var ahead = cursor;
        ahead.Read();
        if (ahead.Token != JsonTokenType.String)
        {
            throw JsonShape.Unexpected(ref ahead, field, "an attribute name or a function");
        }

        // Attributes may be called like a function: then an operator's name follows.
        string head = ahead.GetText();
        ahead.Read();
        switch (head, ahead.Token)
        {
            case ("Sum", JsonTokenType.StartArray):
                Advance(ref cursor, 2);
                var terms = ReadTerms(ref cursor, depth, allowNumbers: false);
                return End(ref cursor, new SumScore(terms));
            case ("Max", JsonTokenType.StartArray or JsonTokenType.Number):
                return ReadMax(ref cursor, depth);
            case ("Product", JsonTokenType.StartArray or JsonTokenType.Number):
                return ReadProduct(ref cursor, depth);
            case ("Saturate" or "Decay", JsonTokenType.StartArray):
                return ReadCurve(ref cursor, head, depth);
            case ("Dist", JsonTokenType.StartArray):
                return ReadDist(ref cursor);
            case ("Attribute", JsonTokenType.String) when !HasThirdElement(ahead):
                Advance(ref cursor, 2);
                return End(ref cursor, new AttributeScore(cursor.GetText()));
            case ("And" or "Or" or "Not", JsonTokenType.StartArray):
                return new FilterScore(new FilterParser(field).Read(ref cursor));
            case (_, JsonTokenType.String):
                return ReadClause(ref cursor, head, ahead.GetText());
            default:
                throw JsonShape.Unexpected(ref ahead, field, $"an operator after \"{head}\"");
        }
    }

    private ScoreExpression ReadClause(ref JsonCursor cursor, string attribute, string name)
    {
        switch (name)
        {
            case "BM25":
                Advance(ref cursor, 3);
                return ReadBm25(ref cursor, attribute);
            case "SparseKNN":
                Advance(ref cursor, 3);
                return End(ref cursor, new SparseScore(attribute, SparseParser.Read(ref cursor, field)));
            case "ANN" or "kNN":
                throw PuffException.Invalid($"{field}: {name} cannot be part of an expression; rank by it alone and fuse several queries with rerank_by");
            default:
                return FilterParser.IsOperator(name)
                    ? new FilterScore(new FilterParser(field).Read(ref cursor))
                    : throw JsonShape.UnknownVariant(field, name, "ANN", "kNN", "SparseKNN", "BM25", "asc", "desc", "Eq", "In", "Gt");
        }
    }

    private Bm25Score ReadBm25(ref JsonCursor cursor, string attribute)
    {
        string? text = null;
        List<string>? tokens = null;
        if (cursor.Token == JsonTokenType.StartArray)
        {
            tokens = JsonShape.ReadTexts(ref cursor, field);
        }
        else
        {
            text = JsonShape.ReadText(ref cursor, field);
        }

        bool lastAsPrefix = false;
        int fuzziness = 0;
        var ahead = cursor;
        if (ahead.ReadElement())
        {
            cursor.Read();
            (lastAsPrefix, fuzziness) = FilterOptions.ReadBm25(ref cursor, field);
        }

        return End(ref cursor, new Bm25Score(attribute, text, tokens, lastAsPrefix) { Fuzziness = fuzziness });
    }

    /// <summary>["Max", [e, ...]], and ["Max", floor, e] as documentation prints it.</summary>
    private MaxScore ReadMax(ref JsonCursor cursor, int depth)
    {
        Advance(ref cursor, 2);
        if (cursor.Token == JsonTokenType.StartArray)
        {
            var ahead = cursor;
            ahead.Read();

            // A list of terms holds arrays and numbers; an expression begins with a string.
            if (ahead.Token != JsonTokenType.String)
            {
                return End(ref cursor, new MaxScore(ReadTerms(ref cursor, depth, allowNumbers: true)));
            }
        }

        var first = ReadTerm(ref cursor, depth, allowNumbers: true);
        cursor.Read();
        return End(ref cursor, new MaxScore([first, ReadTerm(ref cursor, depth, allowNumbers: true)]));
    }

    private ProductScore ReadProduct(ref JsonCursor cursor, int depth)
    {
        Advance(ref cursor, 2);
        var left = ReadTerm(ref cursor, depth, allowNumbers: true);
        cursor.Read();
        var right = ReadTerm(ref cursor, depth, allowNumbers: true);
        return (left, right) switch
        {
            (ConstantScore weight, not ConstantScore) => End(ref cursor, new ProductScore(weight.Value, right)),
            (not ConstantScore, ConstantScore weight) => End(ref cursor, new ProductScore(weight.Value, left)),
            _ => throw PuffException.Invalid($"{field}: Product takes one number and one expression"),
        };
    }

    private ScoreExpression ReadCurve(ref JsonCursor cursor, string head, int depth)
    {
        Advance(ref cursor, 2);
        var term = Read(ref cursor, depth + 1);
        cursor.Read();
        JsonShape.ExpectObject(ref cursor, field);
        ScoreNumber? midpoint = null;
        double exponent = 1;
        while (cursor.ReadName())
        {
            string key = cursor.GetText();
            cursor.Read();
            _ = key switch
            {
                "midpoint" => (object)(midpoint = cursor.Token == JsonTokenType.String
                    ? new ScoreNumber(0, cursor.GetText())
                    : new ScoreNumber(JsonShape.ReadNumber(ref cursor, key))),
                "exponent" => exponent = JsonShape.ReadNumber(ref cursor, key),
                _ => throw JsonShape.UnknownVariant(field, key, "midpoint", "exponent"),
            };
        }

        if (midpoint is null)
        {
            throw PuffException.Invalid($"{field}: {head} needs a midpoint greater than 0");
        }

        return head == "Saturate"
            ? End(ref cursor, new SaturateScore(term, midpoint.Value, exponent))
            : End(ref cursor, new DecayScore(term, midpoint.Value, exponent));
    }

    private DistScore ReadDist(ref JsonCursor cursor)
    {
        Advance(ref cursor, 2);
        if (Read(ref cursor, MaxDepth) is not AttributeScore attribute)
        {
            throw PuffException.Invalid($"{field}: Dist measures from [\"Attribute\", name]");
        }

        cursor.Read();
        Value origin = cursor.Token is JsonTokenType.Number or JsonTokenType.String
            ? ValueParser.Read(ref cursor, field, ValueHint.None)
            : throw JsonShape.Unexpected(ref cursor, field, "a number or a datetime string");
        return End(ref cursor, new DistScore(attribute.Attribute, origin));
    }

    private List<ScoreExpression> ReadTerms(ref JsonCursor cursor, int depth, bool allowNumbers)
    {
        var terms = new List<ScoreExpression>();
        while (cursor.ReadElement())
        {
            terms.Add(ReadTerm(ref cursor, depth, allowNumbers));
        }

        return terms.Count > 0 ? terms : throw PuffException.Invalid($"{field}: Sum and Max need at least one term");
    }

    private ScoreExpression ReadTerm(ref JsonCursor cursor, int depth, bool allowNumbers)
    {
        if (cursor.Token != JsonTokenType.Number)
        {
            return Read(ref cursor, depth + 1);
        }

        double value = cursor.GetDouble(field);
        if (!allowNumbers)
        {
            throw PuffException.Invalid($"{field}: a plain number cannot be a term of Sum (byte {cursor.Offset})");
        }

        return value >= 0 ? new ConstantScore(value) : throw PuffException.Invalid($"{field}: weights and floors cannot be negative (byte {cursor.Offset})");
    }

    private T End<T>(ref JsonCursor cursor, T expression)
    {
        return cursor.ReadElement() ? throw PuffException.Invalid($"{field}: an expression has an element too many at byte {cursor.Offset}") : expression;
    }

    private static bool HasThirdElement(JsonCursor atSecond) => atSecond.ReadElement();

    /// <summary>From `[` to the element with that number, counted from 1. The elements before it are strings.</summary>
    private static void Advance(ref JsonCursor cursor, int elements)
    {
        for (int i = 0; i < elements; i++)
        {
            cursor.Read();
        }
    }
}
