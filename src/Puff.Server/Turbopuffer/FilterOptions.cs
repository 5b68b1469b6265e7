using Puff.Engine.Filters;
using Puff.Server.Http;

namespace Puff.Server.Turbopuffer;

/// <summary>The options objects that some operators take as a last element.</summary>
internal static class FilterOptions
{
    /// <summary>At `{"last_as_prefix": bool}` or null.</summary>
    public static bool ReadLastAsPrefix(ref JsonCursor cursor, string field)
    {
        if (cursor.IsNull)
        {
            return false;
        }

        bool lastAsPrefix = false;
        JsonShape.ExpectObject(ref cursor, field);
        while (cursor.ReadName())
        {
            string key = cursor.GetText();
            cursor.Read();
            lastAsPrefix = key == "last_as_prefix" ? JsonShape.ReadBool(ref cursor, key) : throw JsonShape.UnknownVariant(field, key, "last_as_prefix");
        }

        return lastAsPrefix;
    }

    /// <summary>At the options of BM25, `{"last_as_prefix": bool, "fuzziness": 0 | 1 | 2}` or null; the second is not in the API.</summary>
    public static (bool LastAsPrefix, int Fuzziness) ReadBm25(ref JsonCursor cursor, string field)
    {
        if (cursor.IsNull)
        {
            return (false, 0);
        }

        bool lastAsPrefix = false;
        int fuzziness = 0;
        JsonShape.ExpectObject(ref cursor, field);
        while (cursor.ReadName())
        {
            string key = cursor.GetText();
            cursor.Read();
            switch (key)
            {
                case "last_as_prefix":
                    lastAsPrefix = JsonShape.ReadBool(ref cursor, key);
                    break;
                case "fuzziness":
                    fuzziness = (int)Math.Min(JsonShape.ReadCount(ref cursor, key), int.MaxValue);
                    break;
                default:
                    throw JsonShape.UnknownVariant(field, key, "last_as_prefix");
            }
        }

        return (lastAsPrefix, fuzziness);
    }

    /// <summary>At the options of Fuzzy; null when they lack `max_edit_distance`.</summary>
    public static FuzzyOptions? ReadFuzzy(ref JsonCursor cursor, string field)
    {
        if (cursor.IsNull)
        {
            return null;
        }

        List<FuzzyDistance>? distances = null;
        bool caseSensitive = true;
        JsonShape.ExpectObject(ref cursor, field);
        while (cursor.ReadName())
        {
            string key = cursor.GetText();
            cursor.Read();
            switch (key)
            {
                case "max_edit_distance":
                    distances = ReadDistances(ref cursor, key);
                    break;
                case "case_sensitive":
                    caseSensitive = JsonShape.ReadBool(ref cursor, key);
                    break;
                default:
                    throw JsonShape.UnknownVariant(field, key, "max_edit_distance", "case_sensitive");
            }
        }

        return distances is null ? null : new FuzzyOptions(distances, caseSensitive);
    }

    private static List<FuzzyDistance> ReadDistances(ref JsonCursor cursor, string field)
    {
        JsonShape.ExpectArray(ref cursor, field);
        var distances = new List<FuzzyDistance>();
        while (cursor.ReadElement())
        {
            JsonShape.ExpectObject(ref cursor, field);
            int? minQueryChars = null;
            int? distance = null;
            while (cursor.ReadName())
            {
                string key = cursor.GetText();
                cursor.Read();
                int value = (int)Math.Min(JsonShape.ReadCount(ref cursor, $"{field}.{key}"), int.MaxValue);
                _ = key switch
                {
                    "min_query_chars" => minQueryChars = value,
                    "distance" => distance = value,
                    _ => throw JsonShape.UnknownVariant(field, key, "min_query_chars", "distance"),
                };
            }

            distances.Add(new FuzzyDistance(
                minQueryChars ?? throw JsonShape.MissingField(field, "min_query_chars"),
                distance ?? throw JsonShape.MissingField(field, "distance")));
        }

        return distances;
    }
}
