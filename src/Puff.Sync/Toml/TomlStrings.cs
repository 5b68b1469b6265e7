using System.Globalization;
using System.Text;

namespace Puff.Sync.Toml;

/// <summary>The four kinds of strings.</summary>
internal static class TomlStrings
{
    /// <summary>Stands on a quote.</summary>
    public static string Read(TomlCursor cursor) =>
        cursor.Peek(1) == cursor.Current && cursor.Peek(2) == cursor.Current ? ReadManyLines(cursor) : ReadOneLine(cursor);

    public static string ReadOneLine(TomlCursor cursor)
    {
        char quote = cursor.Current;
        var value = new StringBuilder();
        for (cursor.At++; cursor.Current != quote; cursor.At++)
        {
            if (cursor.IsAtEnd || cursor.IsAtLineEnd)
            {
                throw cursor.Wrong("the string has no closing quote");
            }

            cursor.RefuseControl();
            if (cursor.Current == '\\' && quote == '"')
            {
                cursor.At++;
                AppendEscape(cursor, value);
            }
            else
            {
                value.Append(cursor.Current);
            }
        }

        cursor.At++;
        return value.ToString();
    }

    private static string ReadManyLines(TomlCursor cursor)
    {
        char quote = cursor.Current;
        string end = new(quote, 3);
        var value = new StringBuilder();
        cursor.At += 3;
        if (cursor.IsAtLineEnd)
        {
            cursor.NextLine();
        }

        while (!cursor.StartsWith(end))
        {
            if (cursor.IsAtEnd)
            {
                throw cursor.Wrong("the string over several lines has no closing quotes");
            }

            if (cursor.IsAtLineEnd)
            {
                value.Append(cursor.Current == '\r' ? "\r\n" : "\n");
                cursor.NextLine();
                continue;
            }

            cursor.RefuseControl();
            if (cursor.Current == '\\' && quote == '"')
            {
                cursor.At++;
                if (SkipFoldedLines(cursor))
                {
                    continue;
                }

                AppendEscape(cursor, value);
            }
            else
            {
                value.Append(cursor.Current);
            }

            cursor.At++;
        }

        // One or two quotes directly before the closing ones belong to the string.
        cursor.At += 3;
        for (int extra = 0; extra < 2 && cursor.Current == quote; extra++)
        {
            value.Append(quote);
            cursor.At++;
        }

        return value.ToString();
    }

    /// <summary>A backslash at a line's end takes that end and all blanks after it away.</summary>
    private static bool SkipFoldedLines(TomlCursor cursor)
    {
        int start = cursor.At;
        cursor.SkipSpaces();
        if (!cursor.IsAtLineEnd)
        {
            cursor.At = start;
            return false;
        }

        while (cursor.IsAtLineEnd)
        {
            cursor.NextLine();
            cursor.SkipSpaces();
        }

        return true;
    }

    /// <summary>Leaves the cursor on the escape's last character.</summary>
    private static void AppendEscape(TomlCursor cursor, StringBuilder value)
    {
        int digits = cursor.Current switch { 'u' => 4, 'U' => 8, _ => 0 };
        if (digits == 0)
        {
            int known = "btnfr\"\\".IndexOf(cursor.Current, StringComparison.Ordinal);
            value.Append(known >= 0 ? "\b\t\n\f\r\"\\"[known] : throw cursor.Wrong($"unknown escape '\\{cursor.Current}'"));
            return;
        }

        string hex = cursor.Text.Substring(cursor.At + 1, Math.Min(digits, cursor.Text.Length - cursor.At - 1));
        if (hex.Length < digits || !int.TryParse(hex, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out int code) || !Rune.IsValid(code))
        {
            throw cursor.Wrong($"'{hex}' is no Unicode scalar value");
        }

        cursor.At += digits;
        value.Append(new Rune(code).ToString());
    }
}
