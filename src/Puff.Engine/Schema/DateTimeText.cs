namespace Puff.Engine.Schema;

/// <summary>
/// Datetimes as text (turbopuffer-api 2.4): ISO 8601 in, date mandatory, time and zone optional (none means UTC); nine fractional digits and `Z` out.
/// The value is milliseconds since the Unix epoch in the proleptic Gregorian calendar, years 0000 to 9999; finer digits are dropped.
/// </summary>
public static class DateTimeText
{
    /// <summary>Bytes of the output form, `YYYY-MM-DDTHH:MM:SS.nnnnnnnnnZ`.</summary>
    public const int Length = 30;

    /// <summary>0000-01-01T00:00:00Z.</summary>
    public const long MinMilliseconds = -62_167_219_200_000;

    /// <summary>9999-12-31T23:59:59.999Z.</summary>
    public const long MaxMilliseconds = 253_402_300_799_999;

    private const long DayMilliseconds = 86_400_000;

    public static bool TryParse(ReadOnlySpan<byte> utf8, out long milliseconds)
    {
        milliseconds = 0;
        var rest = utf8;
        if (!Digits(ref rest, 4, out int year) || !Skip(ref rest, '-') || !Digits(ref rest, 2, out int month) || !Skip(ref rest, '-')
            || !Digits(ref rest, 2, out int day) || month is < 1 or > 12 || day < 1 || day > DaysInMonth(year, month))
        {
            return false;
        }

        milliseconds = DaysFromCivil(year, month, day) * DayMilliseconds;
        if (rest.IsEmpty)
        {
            return true;
        }

        if (!(Skip(ref rest, 'T') || Skip(ref rest, 't') || Skip(ref rest, ' ')) || !Time(ref rest, out long time) || !Zone(rest, out long offset))
        {
            return false;
        }

        milliseconds += time - offset;
        return milliseconds is >= MinMilliseconds and <= MaxMilliseconds;
    }

    /// <summary>
    /// Writes <see cref="Length"/> bytes of ASCII. The value must lie between <see cref="MinMilliseconds"/> and <see cref="MaxMilliseconds"/>.
    /// </summary>
    public static void Format(long milliseconds, Span<byte> utf8)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(milliseconds, MinMilliseconds);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(milliseconds, MaxMilliseconds);
        long days = Math.DivRem(milliseconds, DayMilliseconds, out long inDay);
        if (inDay < 0)
        {
            days--;
            inDay += DayMilliseconds;
        }

        var (year, month, day) = CivilFromDays(days);
        "0000-00-00T00:00:00.000000000Z"u8.CopyTo(utf8);
        Put(utf8, 0, 4, year);
        Put(utf8, 5, 2, month);
        Put(utf8, 8, 2, day);
        Put(utf8, 11, 2, (int)(inDay / 3_600_000));
        Put(utf8, 14, 2, (int)(inDay / 60_000 % 60));
        Put(utf8, 17, 2, (int)(inDay / 1_000 % 60));
        Put(utf8, 20, 3, (int)(inDay % 1_000));
    }

    public static string Format(long milliseconds)
    {
        Span<byte> utf8 = stackalloc byte[Length];
        Format(milliseconds, utf8);
        return System.Text.Encoding.ASCII.GetString(utf8);
    }

    /// <summary>HH:MM, optionally :SS, optionally a fraction.</summary>
    private static bool Time(ref ReadOnlySpan<byte> rest, out long milliseconds)
    {
        milliseconds = 0;
        if (!Digits(ref rest, 2, out int hour) || !Skip(ref rest, ':') || !Digits(ref rest, 2, out int minute) || hour > 23 || minute > 59)
        {
            return false;
        }

        milliseconds = hour * 3_600_000L + minute * 60_000L;
        if (!Skip(ref rest, ':'))
        {
            return true;
        }

        if (!Digits(ref rest, 2, out int second) || second > 59)
        {
            return false;
        }

        milliseconds += second * 1_000L;
        return !(Skip(ref rest, '.') || Skip(ref rest, ',')) || Fraction(ref rest, ref milliseconds);
    }

    private static bool Fraction(ref ReadOnlySpan<byte> rest, ref long milliseconds)
    {
        int digits = 0;
        for (int unit = 100; digits < rest.Length && rest[digits] is >= (byte)'0' and <= (byte)'9'; digits++, unit /= 10)
        {
            milliseconds += (rest[digits] - '0') * unit;
        }

        rest = rest[digits..];
        return digits > 0;
    }

    /// <summary>Nothing, Z, ±HH, ±HHMM or ±HH:MM, and then the end.</summary>
    private static bool Zone(ReadOnlySpan<byte> rest, out long offsetMilliseconds)
    {
        offsetMilliseconds = 0;
        if (rest.IsEmpty || rest.SequenceEqual("Z"u8) || rest.SequenceEqual("z"u8))
        {
            return true;
        }

        int sign = rest[0] == '-' ? -1 : 1;
        if (!(Skip(ref rest, '+') || Skip(ref rest, '-')) || !Digits(ref rest, 2, out int hours))
        {
            return false;
        }

        int minutes = 0;
        if (!rest.IsEmpty)
        {
            Skip(ref rest, ':');
            if (!Digits(ref rest, 2, out minutes))
            {
                return false;
            }
        }

        offsetMilliseconds = sign * (hours * 3_600_000L + minutes * 60_000L);
        return rest.IsEmpty && hours <= 23 && minutes <= 59;
    }

    private static bool Digits(ref ReadOnlySpan<byte> rest, int count, out int value)
    {
        value = 0;
        if (rest.Length < count)
        {
            return false;
        }

        for (int i = 0; i < count; i++)
        {
            int digit = rest[i] - '0';
            if ((uint)digit > 9)
            {
                return false;
            }

            value = value * 10 + digit;
        }

        rest = rest[count..];
        return true;
    }

    private static bool Skip(ref ReadOnlySpan<byte> rest, char expected)
    {
        if (rest.IsEmpty || rest[0] != expected)
        {
            return false;
        }

        rest = rest[1..];
        return true;
    }

    private static void Put(Span<byte> utf8, int at, int digits, int value)
    {
        for (int i = at + digits - 1; i >= at; i--, value /= 10)
        {
            utf8[i] = (byte)('0' + value % 10);
        }
    }

    private static bool IsLeap(int year) => year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

    private static int DaysInMonth(int year, int month) => month switch
    {
        2 => IsLeap(year) ? 29 : 28,
        4 or 6 or 9 or 11 => 30,
        _ => 31,
    };

    // A year that begins in March puts the leap day last, so that days before a month are a linear formula
    // (H. Hinnant, "chrono-compatible low-level date algorithms"). One era is 400 years = 146,097 days.
    private static long DaysFromCivil(int year, int month, int day)
    {
        long marchYear = month <= 2 ? year - 1 : year;
        long era = (marchYear >= 0 ? marchYear : marchYear - 399) / 400;
        long yearOfEra = marchYear - era * 400;
        long dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468;
    }

    private static (int Year, int Month, int Day) CivilFromDays(long days)
    {
        long shifted = days + 719_468;
        long era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097;
        long dayOfEra = shifted - era * 146_097;
        long yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365;
        long dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100);
        long monthFromMarch = (5 * dayOfYear + 2) / 153;
        int day = (int)(dayOfYear - (153 * monthFromMarch + 2) / 5 + 1);
        int month = (int)(monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9);
        return ((int)(yearOfEra + era * 400) + (month <= 2 ? 1 : 0), month, day);
    }
}
