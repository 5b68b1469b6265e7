using System.Text.Json;
using Puff.Engine;
using Puff.Engine.Queries;
using Puff.Server.Http;

namespace Puff.Server.Turbopuffer;

/// <summary>`aggregate_by` and `group_by` (turbopuffer-api 4.5).</summary>
internal static class AggregationParser
{
    public static List<Aggregation>? ReadAggregations(ref JsonCursor cursor)
    {
        const string Field = "aggregate_by";
        if (cursor.IsNull)
        {
            return null;
        }

        JsonShape.ExpectObject(ref cursor, Field);
        var aggregations = new List<Aggregation>();
        while (cursor.ReadName())
        {
            string label = cursor.GetText();
            cursor.Read();
            var aggregation = ReadAggregation(ref cursor, Field, label);
            aggregations.RemoveAll(a => a.Label == label);
            aggregations.Add(aggregation);
        }

        return aggregations;
    }

    public static List<GroupKey>? ReadGroups(ref JsonCursor cursor)
    {
        const string Field = "group_by";
        if (cursor.IsNull)
        {
            return null;
        }

        JsonShape.ExpectArray(ref cursor, Field);
        var groups = new List<GroupKey>();
        while (cursor.ReadElement())
        {
            if (cursor.Token == JsonTokenType.String)
            {
                string attribute = cursor.GetText();
                groups.Add(new GroupKey(attribute, attribute, ForEachUnique: false));
                continue;
            }

            JsonShape.ExpectObject(ref cursor, Field, "an attribute name or {label: [\"ForEachUnique\", attribute]}");
            while (cursor.ReadName())
            {
                string label = cursor.GetText();
                cursor.Read();
                groups.Add(new GroupKey(label, ReadForEachUnique(ref cursor, Field), ForEachUnique: true));
            }
        }

        return groups.Count == 0 ? null : groups;
    }

    private static Aggregation ReadAggregation(ref JsonCursor cursor, string field, string label)
    {
        JsonShape.ExpectArray(ref cursor, field);
        cursor.Read();
        string function = JsonShape.ReadText(ref cursor, field);
        string? attribute = null;
        if (cursor.ReadElement())
        {
            attribute = JsonShape.ReadText(ref cursor, field);
            ExpectEnd(ref cursor, field);
        }

        switch (function)
        {
            // ["Count", "id"] is an old way to write ["Count"]; counting the values of other attributes was never offered.
            case "Count" when attribute is null or "id":
                return new Aggregation(label, AggregateFunction.Count, null);
            case "Count":
                throw PuffException.Invalid($"{field}: Count counts documents; it takes no attribute \"{attribute}\"");
            case "Sum" or "Min" or "Max" or "Avg" or "CountDistinct":
                var kind = Enum.Parse<AggregateFunction>(function);
                return new Aggregation(label, kind, attribute ?? throw PuffException.Malformed($"{field}: {function} needs an attribute"));
            default:
                throw JsonShape.UnknownVariant(field, function, "Count", "Sum", "Min", "Max", "Avg", "CountDistinct");
        }
    }

    private static string ReadForEachUnique(ref JsonCursor cursor, string field)
    {
        JsonShape.ExpectArray(ref cursor, field);
        cursor.Read();
        string function = JsonShape.ReadText(ref cursor, field);
        if (function != "ForEachUnique")
        {
            throw JsonShape.UnknownVariant(field, function, "ForEachUnique");
        }

        cursor.Read();
        string attribute = JsonShape.ReadText(ref cursor, field);
        ExpectEnd(ref cursor, field);
        return attribute;
    }

    private static void ExpectEnd(ref JsonCursor cursor, string field)
    {
        if (cursor.ReadElement())
        {
            throw PuffException.Invalid($"{field}: an element too many at byte {cursor.Offset}");
        }
    }
}
