using System.Text.Json;
using Puff.Engine;
using Puff.Engine.Filters;
using Puff.Engine.Schema;
using Puff.Server.Http;

namespace Puff.Server.Turbopuffer;

/// <summary>Filters (turbopuffer-api 4.4): [attribute, operator, operand, options?], ["And", [...]], ["Or", [...]], ["Not", filter].</summary>
/// <param name="field">What messages call the filter.</param>
/// <param name="allowRefNew">Whether operands may be {"$ref_new": attribute}: only in the conditions of a write.</param>
internal readonly struct FilterParser(string field, bool allowRefNew = false)
{
    public const int MaxDepth = 64;

    private static readonly Dictionary<string, FilterOperator> Operators =
        Enum.GetValues<FilterOperator>().ToDictionary(o => o.ToString(), StringComparer.Ordinal);

    /// <summary>Null for a JSON null: no filter.</summary>
    public static Filter? ReadOptional(ref JsonCursor cursor, string field, bool allowRefNew = false) =>
        cursor.IsNull ? null : new FilterParser(field, allowRefNew).Read(ref cursor);

    public static bool IsOperator(string name) => Operators.ContainsKey(name);

    public Filter Read(ref JsonCursor cursor) => Read(ref cursor, 1);

    private Filter Read(ref JsonCursor cursor, int depth)
    {
        if (depth > MaxDepth)
        {
            throw PuffException.Invalid($"{field}: a filter is nested at most {MaxDepth} levels deep");
        }

        JsonShape.ExpectArray(ref cursor, field);
        string head = ReadPart(ref cursor, "an attribute name, `And`, `Or` or `Not`");

        // Attributes may be called And, Or or Not: then an operator's name follows, not an array.
        var ahead = cursor;
        ahead.Read();
        if (ahead.Token == JsonTokenType.StartArray && head is "And" or "Or" or "Not")
        {
            cursor.Read();
            return ReadCombination(ref cursor, head, depth);
        }

        return ReadComparison(ref cursor, head);
    }

    private Filter ReadCombination(ref JsonCursor cursor, string head, int depth)
    {
        Filter result;
        if (head == "Not")
        {
            result = new NotFilter(Read(ref cursor, depth + 1));
        }
        else
        {
            var operands = new List<Filter>();
            while (cursor.ReadElement())
            {
                operands.Add(Read(ref cursor, depth + 1));
            }

            result = head == "And" ? new AndFilter(operands) : new OrFilter(operands);
        }

        ExpectEnd(ref cursor);
        return result;
    }

    private AttributeFilter ReadComparison(ref JsonCursor cursor, string attribute)
    {
        string name = ReadPart(ref cursor, "a filter operator");
        if (!Operators.TryGetValue(name, out var filterOperator))
        {
            throw JsonShape.UnknownVariant(field, name, [.. Operators.Keys]);
        }

        cursor.Read();
        if (cursor.Token == JsonTokenType.EndArray)
        {
            throw PuffException.Malformed($"{field}: invalid length 2, expected [attribute, operator, operand] at byte {cursor.Offset}");
        }

        var filter = new AttributeFilter(attribute, filterOperator, ReadOperand(ref cursor));
        var ahead = cursor;
        if (!ahead.ReadElement() || !TakesOptions(filterOperator))
        {
            ExpectEnd(ref cursor);
            return filterOperator == FilterOperator.Fuzzy ? throw NeedsOptions() : filter;
        }

        cursor.Read();
        filter = filterOperator == FilterOperator.Fuzzy
            ? filter with { Fuzzy = FilterOptions.ReadFuzzy(ref cursor, field) ?? throw NeedsOptions() }
            : filter with { LastAsPrefix = FilterOptions.ReadLastAsPrefix(ref cursor, field) };
        ExpectEnd(ref cursor);
        return filter;
    }

    private FilterOperand ReadOperand(ref JsonCursor cursor)
    {
        switch (cursor.Token)
        {
            case JsonTokenType.StartObject:
                return ReadReference(ref cursor);
            case JsonTokenType.StartArray:
                return ListParser.Read(ref cursor, field, ErrorKind.Malformed);
            default:
                return ValueParser.Read(ref cursor, field, ValueHint.None);
        }
    }

    private FilterOperand ReadReference(ref JsonCursor cursor)
    {
        string? attribute = null;
        while (cursor.ReadName())
        {
            string key = cursor.GetText();
            if (key != "$ref_new")
            {
                throw PuffException.Malformed($"{field}: an operand is a value, a list or {{\"$ref_new\": attribute}}; it cannot have the key \"{key}\"");
            }

            cursor.Read();
            attribute = JsonShape.ReadText(ref cursor, field);
        }

        if (attribute is null)
        {
            throw PuffException.Malformed($"{field}: an operand is a value, a list or {{\"$ref_new\": attribute}}; it cannot be an empty object");
        }

        return allowRefNew
            ? new FilterOperand(Value.Null, attribute)
            : throw PuffException.Invalid($"{field}: $ref_new stands for the incoming row, so it has a meaning only in the conditions of a write");
    }

    private string ReadPart(ref JsonCursor cursor, string expected)
    {
        cursor.Read();
        return cursor.Token == JsonTokenType.String ? cursor.GetText() : throw JsonShape.Unexpected(ref cursor, field, expected);
    }

    private void ExpectEnd(ref JsonCursor cursor)
    {
        if (cursor.ReadElement())
        {
            throw PuffException.Invalid($"{field}: a filter has an element too many at byte {cursor.Offset}");
        }
    }

    private PuffException NeedsOptions() =>
        PuffException.Invalid($"{field}: Fuzzy needs options, for example {{\"max_edit_distance\": [{{\"min_query_chars\": 6, \"distance\": 1}}]}}");

    private static bool TakesOptions(FilterOperator filterOperator) => filterOperator is FilterOperator.Fuzzy
        or FilterOperator.ContainsAllTokens or FilterOperator.ContainsAnyToken or FilterOperator.ContainsTokenSequence;
}
