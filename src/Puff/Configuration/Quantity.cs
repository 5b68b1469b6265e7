using System.Globalization;

namespace Puff.Configuration;

/// <summary>Numbers, durations and sizes as people write them: "8", "200ms", "2s", "5m", "1h", "7d", "500MB".</summary>
internal static class Quantity
{
    private static readonly (string Unit, double Milliseconds)[] Units = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

    private static readonly (string Unit, double Bytes)[] Sizes = 
    [
        ("KiB", 1L << 10), ("MiB", 1L << 20), ("GiB", 1L << 30), ("TiB", 1L << 40), ("kB", 1e3), ("MB", 1e6), ("GB", 1e9), ("TB", 1e12),
    ];

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

    public static long Bytes(string text) => Bytes(text, 1_000_000);

    /// <param name="text">A number and a unit.</param>
    /// <param name="least">The smallest size that makes sense.</param>
    public static long Bytes(string text, long least)
    {
        foreach (var (unit, bytes) in Sizes)
        {
            if (text.EndsWith(unit, StringComparison.OrdinalIgnoreCase)
                && double.TryParse(text.AsSpan(0, text.Length - unit.Length), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double number)
                && number * bytes >= least && number * bytes < 1e18)
            {
                return (long)(number * bytes);
            }
        }

        string from = least <= 0 ? "" : least >= 1_000_000 ? " from 1MB" : $" from {least >> 10}KiB";
        throw new FormatException($"'{text}' is no size{from}; write a number and kB, MB, GB, TB or KiB, MiB, GiB, TiB, as in 80GB");
    }

    /// <summary>Of all: 0 to 1.</summary>
    public static double Share(string text) =>
        double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double share) && share is >= 0 and <= 1
            ? share
            : throw new FormatException($"'{text}' is no share; write a number from 0 to 1, as in 0.05");
}
