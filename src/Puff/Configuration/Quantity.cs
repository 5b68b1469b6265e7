using System.Globalization;

namespace Puff.Configuration;

/// <summary>Numbers, durations and sizes as people write them: "8", "200ms", "2s", "5m", "1h", "7d", "500MB".</summary>
internal static class Quantity
{
    private static readonly (string Unit, double Milliseconds)[] Units = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

    private static readonly (string Unit, double Bytes)[] Sizes = [("kB", 1e3), ("MB", 1e6), ("GB", 1e9), ("TB", 1e12)];

    public static TimeSpan Duration(string text)
    {
        foreach (var (unit, milliseconds) in Units)
        {
            if (text.EndsWith(unit, StringComparison.Ordinal)
                && double.TryParse(text.AsSpan(0, text.Length - unit.Length), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double number)
                && number * milliseconds is >= 0 and < 1e12)
            {
                return TimeSpan.FromMilliseconds(number * milliseconds);
            }
        }

        throw new FormatException($"'{text}' is no duration; write a number and ms, s, m, h or d, as in 200ms");
    }

    /// <param name="text">Digits.</param>
    /// <param name="least">The smallest number that makes sense.</param>
    public static int Count(string text, int least) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number >= least
            ? number
            : throw new FormatException($"'{text}' is no whole number from {least}");

    public static long Bytes(string text)
    {
        foreach (var (unit, bytes) in Sizes)
        {
            if (text.EndsWith(unit, StringComparison.OrdinalIgnoreCase)
                && double.TryParse(text.AsSpan(0, text.Length - unit.Length), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double number)
                && number * bytes is >= 1e6 and < 1e18)
            {
                return (long)(number * bytes);
            }
        }

        throw new FormatException($"'{text}' is no size from 1MB; write a number and MB, GB or TB, as in 80GB");
    }
}
