using System.Globalization;
using System.Text.RegularExpressions;

namespace Puff.Sync.Toml;

/// <summary>Numbers, booleans, dates and times.</summary>
internal static partial class TomlScalars
{
    public static TomlScalar Read(TomlCursor cursor, int line)
    {
        string word = ReadWord(cursor);
        if (word is "true" or "false")
        {
            return new TomlScalar(TomlKind.Boolean, word, word == "true" ? 1 : 0, line);
        }

        return ReadDateTime(cursor, word, line) ?? ReadInteger(cursor, word, line) ?? ReadFloat(cursor, word, line)
            ?? throw cursor.Wrong(word.Length == 0
                ? "a value was expected; write a string in quotes, a number, a date, true, false, an array or a table"
                : $"'{word}' is no string, number, date or boolean; put text in quotes");
    }

    private static string ReadWord(TomlCursor cursor)
    {
        int start = cursor.At;
        SkipWord(cursor);
        // A date and a time may be separated by one blank.
        if (cursor.At - start == 10 && cursor.Current == ' ' && char.IsAsciiDigit(cursor.Peek(1)) && Date().IsMatch(cursor.Text.AsSpan(start, 10)))
        {
            cursor.At++;
            SkipWord(cursor);
        }

        return cursor.Text[start..cursor.At];
    }

    private static void SkipWord(TomlCursor cursor)
    {
        while (char.IsAsciiLetterOrDigit(cursor.Current) || cursor.Current is '_' or '-' or '+' or '.' or ':')
        {
            cursor.At++;
        }
    }

    private static TomlScalar? ReadInteger(TomlCursor cursor, string word, int line)
    {
        string digits = word.Replace("_", "", StringComparison.Ordinal);
        long value;
        bool fits;
        if (DecimalInteger().IsMatch(word))
        {
            fits = long.TryParse(digits, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out value);
        }
        else if (PrefixedInteger().IsMatch(word))
        {
            fits = TryReadPrefixed(digits, out value);
        }
        else
        {
            return null;
        }

        return fits ? new TomlScalar(TomlKind.Integer, digits, value, line) : throw cursor.Wrong($"'{word}' does not fit 64 bits");
    }

    private static bool TryReadPrefixed(string digits, out long value)
    {
        int shift = digits[1] switch { 'x' => 4, 'o' => 3, _ => 1 };
        value = 0;
        foreach (char digit in digits.AsSpan(2))
        {
            if (value >> (63 - shift) != 0)
            {
                return false;
            }

            value = (value << shift) | (uint)(digit <= '9' ? digit - '0' : (digit | 0x20) - 'a' + 10);
        }

        return true;
    }

    private static TomlScalar? ReadFloat(TomlCursor cursor, string word, int line)
    {
        string unsigned = word.TrimStart('+', '-');
        if (word.Length - unsigned.Length <= 1 && unsigned is "inf" or "nan")
        {
            return new TomlScalar(word, unsigned == "nan" ? double.NaN : word[0] == '-' ? double.NegativeInfinity : double.PositiveInfinity, line);
        }

        if (!Float().IsMatch(word))
        {
            return null;
        }

        string digits = word.Replace("_", "", StringComparison.Ordinal);
        return double.TryParse(digits, NumberStyles.Float, CultureInfo.InvariantCulture, out double number)
            ? new TomlScalar(digits, number, line)
            : throw cursor.Wrong($"'{word}' is no number");
    }

    private static TomlScalar? ReadDateTime(TomlCursor cursor, string word, int line)
    {
        Match match = DateTimeForm().Match(word);
        if (!match.Success || word.Length == 0)
        {
            return null;
        }

        bool hasDate = match.Groups["year"].Success;
        bool hasTime = match.Groups["hour"].Success;
        bool hasOffset = match.Groups["zone"].Success;
        bool isRunTogether = hasDate && hasTime && char.IsAsciiDigit(word[10]);
        if (isRunTogether || (hasDate && !IsDate(match)) || (hasTime && !IsTime(match)) || (hasOffset && !IsOffset(match))
            || (hasOffset && !(hasDate && hasTime)))
        {
            throw cursor.Wrong($"'{word}' is no date or time");
        }

        TomlKind kind = hasOffset ? TomlKind.OffsetDateTime : !hasTime ? TomlKind.LocalDate : hasDate ? TomlKind.LocalDateTime : TomlKind.LocalTime;
        string text = word.ToUpperInvariant().Replace(' ', 'T');
        return new TomlScalar(kind, text, line);
    }

    private static bool IsDate(Match match) =>
        Part(match, "month") is >= 1 and <= 12 and var month && Part(match, "year") is var year
        && Part(match, "day") is >= 1 and var day && day <= DateTime.DaysInMonth(year == 0 ? 4 : year, month);

    // A leap second is a second.
    private static bool IsTime(Match match) => Part(match, "hour") <= 23 && Part(match, "minute") <= 59 && Part(match, "second") <= 60;

    private static bool IsOffset(Match match) =>
        !match.Groups["offsethour"].Success || (Part(match, "offsethour") <= 23 && Part(match, "offsetminute") <= 59);

    private static int Part(Match match, string name) => int.Parse(match.Groups[name].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"^[0-9]{4}-[0-9]{2}-[0-9]{2}\z")]
    private static partial Regex Date();

    [GeneratedRegex(@"^[+-]?(0|[1-9](_?[0-9])*)\z")]
    private static partial Regex DecimalInteger();

    [GeneratedRegex(@"^(0x[0-9A-Fa-f](_?[0-9A-Fa-f])*|0o[0-7](_?[0-7])*|0b[01](_?[01])*)\z")]
    private static partial Regex PrefixedInteger();

    [GeneratedRegex(@"^[+-]?(0|[1-9](_?[0-9])*)(\.[0-9](_?[0-9])*)?([eE][+-]?[0-9](_?[0-9])*)?\z")]
    private static partial Regex Float();

    [GeneratedRegex(
        @"^((?<year>[0-9]{4})-(?<month>[0-9]{2})-(?<day>[0-9]{2}))?((?<=[0-9])[Tt ](?=[0-9]))?" +
        @"((?<hour>[0-9]{2}):(?<minute>[0-9]{2}):(?<second>[0-9]{2})(\.[0-9]+)?(?<zone>[Zz]|[+-](?<offsethour>[0-9]{2}):(?<offsetminute>[0-9]{2}))?)?\z",
        RegexOptions.ExplicitCapture)]
    private static partial Regex DateTimeForm();
}
