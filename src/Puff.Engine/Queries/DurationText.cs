using System.Globalization;

namespace Puff.Engine.Queries;

/// <summary>Durations as score expressions write them: a number and one of ms, s, m, h, d, w.</summary>
internal static class DurationText
{
    public static bool TryParse(string text, out double milliseconds)
    {
        int digits = 0;
        while (digits < text.Length && (char.IsAsciiDigit(text[digits]) || text[digits] == '.'))
        {
            digits++;
        }

        double unit = text[digits..] switch
        {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            "w" => 604_800_000,
            _ => 0,
        };
        bool isNumber = double.TryParse(text.AsSpan(0, digits), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double number);
        milliseconds = number * unit;
        return isNumber && unit > 0;
    }
}
