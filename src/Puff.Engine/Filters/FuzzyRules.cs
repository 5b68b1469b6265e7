namespace Puff.Engine.Filters;

/// <summary>The options of the Fuzzy operator (turbopuffer-api 4.4).</summary>
internal static class FuzzyRules
{
    private const int MaxDistance = 2;

    /// <summary>A query of n characters must stay recognisable after its edits: three characters for each, and three more.</summary>
    private const int MinCharsPerEdit = 3;

    /// <summary>The distance for a query of that many characters; null when it is shorter than every threshold and matches nothing.</summary>
    /// <exception cref="FormatException">The options contradict the rules; the message says how.</exception>
    public static int? ChooseDistance(FuzzyOptions? options, int queryChars)
    {
        if (options is null || options.MaxEditDistance.Count == 0)
        {
            throw new FormatException("max_edit_distance needs at least one entry, such as {\"min_query_chars\": 6, \"distance\": 1}");
        }

        int longest = -1;
        int? distance = null;
        foreach (var entry in options.MaxEditDistance)
        {
            Check(entry);
            if (entry.MinQueryChars <= queryChars && entry.MinQueryChars > longest)
            {
                longest = entry.MinQueryChars;
                distance = entry.Distance;
            }
        }

        return distance;
    }

    private static void Check(FuzzyDistance entry)
    {
        if (entry.Distance is < 0 or > MaxDistance)
        {
            throw new FormatException($"distance must be 0, 1 or {MaxDistance}");
        }

        if (entry.MinQueryChars < MinCharsPerEdit * (entry.Distance + 1))
        {
            throw new FormatException($"min_query_chars must be at least {MinCharsPerEdit * (entry.Distance + 1)} for distance {entry.Distance}");
        }
    }
}
