using System.Globalization;

namespace Puff.Sync.Postgres;

/// <summary>Durations as SHOW writes them: a number and a unit, "1min", "30s", "0".</summary>
internal static class PostgresDuration
{
    /// <summary>Null when the text is no duration.</summary>
    public static TimeSpan? Parse(string text)
    {
        int digits = text.AsSpan().IndexOfAnyExceptInRange('0', '9');
        string unit = digits < 0 ? "ms" : text[digits..];
        if (!long.TryParse(digits < 0 ? text : text.AsSpan(0, digits), NumberStyles.None, CultureInfo.InvariantCulture, out long count))
        {
            return null;
        }

        return unit switch
        {
            "us" => TimeSpan.FromMicroseconds(count),
            "ms" => TimeSpan.FromMilliseconds(count),
            "s" => TimeSpan.FromSeconds(count),
            "min" => TimeSpan.FromMinutes(count),
            "h" => TimeSpan.FromHours(count),
            "d" => TimeSpan.FromDays(count),
            _ => null,
        };
    }
}
