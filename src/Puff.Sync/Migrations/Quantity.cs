using System.Globalization;

namespace Puff.Sync.Migrations;

/// <summary>Durations ("250ms", "30s", "5m", "72h") and sizes ("64KiB", "4MiB", "2GiB", plain bytes) of the sync's files.</summary>
internal static class Quantity
{
    private static readonly (string Unit, double Milliseconds)[] Durations = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

    private static readonly (string Unit, long Bytes)[] Sizes =
        [("KiB", 1L << 10), ("MiB", 1L << 20), ("GiB", 1L << 30), ("TiB", 1L << 40), ("kB", 1_000), ("MB", 1_000_000), ("GB", 1_000_000_000), ("B", 1),
            ("", 1)];

    public static bool TryReadDuration(string text, out TimeSpan duration)
    {
        foreach (var (unit, milliseconds) in Durations)
        {
            if (TryReadNumber(text, unit, out double number) && number * milliseconds < 1e13)
            {
                duration = TimeSpan.FromMilliseconds(number * milliseconds);
                return true;
            }
        }

        duration = default;
        return text == "0";
    }

    public static bool TryReadSize(string text, out long bytes)
    {
        foreach (var (unit, size) in Sizes)
        {
            if (TryReadNumber(text, unit, out double number) && number * size < 1e18)
            {
                bytes = (long)(number * size);
                return true;
            }
        }

        bytes = 0;
        return false;
    }

    private static bool TryReadNumber(string text, string unit, out double number)
    {
        number = 0;
        return text.EndsWith(unit, StringComparison.Ordinal)
            && double.TryParse(text.AsSpan(0, text.Length - unit.Length), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out number);
    }
}
