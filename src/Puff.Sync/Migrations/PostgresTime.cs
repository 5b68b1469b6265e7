using System.Globalization;
using System.Text.RegularExpressions;

namespace Puff.Sync.Migrations;

/// <summary>
/// Dates and times in the server's ISO form, as microseconds since 2000-01-01 (UTC where there is an offset), or of the day. Infinities are the ends of the
/// range, years before Christ included.
/// </summary>
internal readonly partial record struct PostgresTime(long Microseconds, bool HasDate, bool HasTime, bool HasOffset)
{
    private const long Second = 1_000_000;

    private const long Day = 86_400 * Second;

    public static bool TryParse(string text, out PostgresTime time)
    {
        time = default;
        if (text is "infinity" or "-infinity")
        {
            time = new PostgresTime(text[0] == '-' ? long.MinValue : long.MaxValue, true, true, true);
            return true;
        }

        Match match = Form().Match(text);
        bool hasDate = match.Groups["year"].Success;
        bool hasTime = match.Groups["hour"].Success;
        if (!match.Success || !(hasDate || hasTime))
        {
            return false;
        }

        long days = 0;
        if (hasDate && !TryReadDays(match, out days))
        {
            return false;
        }

        long micros = 0;
        if (hasTime && !TryReadTimeOfDay(match, out micros))
        {
            return false;
        }

        bool hasOffset = match.Groups["offset"].Success || match.Groups["z"].Success;
        long offset = match.Groups["offset"].Success ? OffsetOf(match) : 0;
        time = new PostgresTime((days * Day) + micros - offset, hasDate, hasTime, hasOffset);
        return !hasOffset || (hasDate && hasTime);
    }

    private static bool TryReadDays(Match match, out long days)
    {
        long year = Part(match, "year");
        long month = Part(match, "month");
        long day = Part(match, "day");
        days = 0;
        if (year == 0)
        {
            return false;
        }

        // The year before 1 is 1 BC.
        year = match.Groups["bc"].Success ? 1 - year : year;
        long leapYear = ((year % 400) + 400) % 400;
        bool isLegal = month is >= 1 and <= 12 && day >= 1 && day <= DateTime.DaysInMonth((int)leapYear + 400, (int)month) && year < 300_000;
        days = isLegal ? DaysFromCivil(year, month, day) : 0;
        return isLegal;
    }

    private static bool TryReadTimeOfDay(Match match, out long micros)
    {
        long hour = Part(match, "hour");
        long minute = Part(match, "minute");
        long second = Part(match, "second");
        string fraction = match.Groups["fraction"].Value.PadRight(6, '0');
        micros = (((hour * 60) + minute) * 60 + second) * Second + long.Parse(fraction, CultureInfo.InvariantCulture);
        return minute <= 59 && second <= 59 && micros <= Day;
    }

    private static long OffsetOf(Match match)
    {
        long seconds = (Part(match, "oh") * 3600) + (Part(match, "om") * 60) + Part(match, "os");
        return (match.Groups["offset"].Value[0] == '-' ? -seconds : seconds) * Second;
    }

    /// <summary>
    /// Days from 2000-01-01 of the proleptic Gregorian calendar (H. Hinnant, "chrono-Compatible Low-Level Date Algorithms",
    /// days_from_civil).
    /// </summary>
    private static long DaysFromCivil(long year, long month, long day)
    {
        year -= month <= 2 ? 1 : 0;
        long era = (year >= 0 ? year : year - 399) / 400;
        long yearOfEra = year - (era * 400);
        long dayOfYear = (((153 * (month + (month > 2 ? -3 : 9))) + 2) / 5) + day - 1;
        long dayOfEra = (yearOfEra * 365) + (yearOfEra / 4) - (yearOfEra / 100) + dayOfYear;
        return (era * 146_097) + dayOfEra - 719_468 - 10_957;
    }

    private static long Part(Match match, string name) =>
        match.Groups[name].Success ? long.Parse(match.Groups[name].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture) : 0;

    [GeneratedRegex(
        @"^((?<year>[0-9]{4,6})-(?<month>[0-9]{2})-(?<day>[0-9]{2}))?((?<=[0-9])[ T](?=[0-9]))?" +
        @"((?<hour>[0-9]{2}):(?<minute>[0-9]{2})(:(?<second>[0-9]{2})(\.(?<fraction>[0-9]{1,6}))?)?)?" +
        @"((?<z>Z)|(?<offset>[+-](?<oh>[0-9]{2})(:?(?<om>[0-9]{2})(:(?<os>[0-9]{2}))?)?))?(?<bc> BC)?\z", RegexOptions.ExplicitCapture)]
    private static partial Regex Form();
}
