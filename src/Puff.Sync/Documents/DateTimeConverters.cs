using Puff.Engine.Schema;
using Puff.Sync.Migrations;

namespace Puff.Sync.Documents;

/// <summary>Dates and timestamps in ISO form to milliseconds since the Unix epoch; the target keeps no finer digits.</summary>
/// <param name="zone">Of timestamps without zone; null for UTC.</param>
internal sealed class DateTimeConverter(string column, InfinityPolicy infinity, ConversionCounters counters, TimeZoneInfo? zone = null) : ValueConverter
{
    public override Value Convert(ReadOnlySpan<byte> text)
    {
        if (DateTimeText.TryParse(text, out long milliseconds))
        {
            return Value.DateTime(zone is null ? milliseconds : ToUtc(milliseconds, zone));
        }

        if (!IsBeyond(text))
        {
            throw Unreadable(column, "date or timestamp in ISO form");
        }

        if (infinity == InfinityPolicy.Fail)
        {
            throw new RowException(
                "not_finite", $"a value of column \"{column}\" is infinite or outside the years 0001 to 9999", "use [attributes] infinity = \"null\"");
        }

        counters.CountNonFinite();
        return Value.Null;
    }

    /// <summary>±infinity, years before Christ and of more than four digits.</summary>
    private static bool IsBeyond(ReadOnlySpan<byte> text) =>
        text.SequenceEqual("infinity"u8) || text.SequenceEqual("-infinity"u8) || text.EndsWith(" BC"u8) || text.IndexOf((byte)'-') > 4;

    /// <summary>A local time that a change of clocks leaves out is taken as if the clocks had not been changed yet.</summary>
    private static long ToUtc(long milliseconds, TimeZoneInfo zone)
    {
        // DateTime begins with year 1; the offset of its first day serves for the year before, which Postgres never writes.
        long clamped = Math.Max(milliseconds, -62_135_596_800_000);
        var local = new DateTime(DateTime.UnixEpoch.Ticks + clamped * TimeSpan.TicksPerMillisecond, DateTimeKind.Unspecified);
        return milliseconds - (long)zone.GetUtcOffset(local).TotalMilliseconds;
    }
}

/// <summary>The text forms that transforms see and string attributes get.</summary>
internal static class IsoText
{
    /// <summary>"2024-01-02 03:04:05.6" with a T, and "+00" as Z.</summary>
    public static byte[] OfTimestamp(ReadOnlySpan<byte> text)
    {
        bool isUtc = text.EndsWith("+00"u8);
        byte[] iso = new byte[text.Length - (isUtc ? 2 : 0)];
        text[..(isUtc ? text.Length - 3 : text.Length)].CopyTo(iso);
        if (isUtc)
        {
            iso[^1] = (byte)'Z';
        }

        int blank = iso.AsSpan().IndexOf((byte)' ');
        if (blank > 0 && !iso.AsSpan(blank).SequenceEqual(" BC"u8))
        {
            iso[blank] = (byte)'T';
        }

        return iso;
    }

    /// <summary>The server leaves the minutes of a zone away when they are zero.</summary>
    public static byte[] OfTimeTz(ReadOnlySpan<byte> text)
    {
        int sign = text.LastIndexOfAny((byte)'+', (byte)'-');
        return sign > 0 && text.Length - sign == 3 ? [.. text, .. ":00"u8] : text.ToArray();
    }

    /// <summary>Zeros at the end of a fraction are no part of a number: keys that are equal must have one text.</summary>
    public static ReadOnlySpan<byte> OfNumeric(ReadOnlySpan<byte> text)
    {
        if (!text.Contains((byte)'.'))
        {
            return text;
        }

        var trimmed = text.TrimEnd((byte)'0');
        return trimmed.TrimEnd((byte)'.');
    }
}
