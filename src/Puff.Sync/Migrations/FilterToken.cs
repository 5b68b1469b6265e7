using System.Text;

namespace Puff.Sync.Migrations;

internal enum FilterTokenKind { End, Word, QuotedName, Text, Number, Mark }

/// <param name="Text">Words in lower case, texts and quoted names without their quotes.</param>
/// <param name="Start">Its first character.</param>
internal readonly record struct FilterToken(FilterTokenKind Kind, string Text, int Start)
{
    private static readonly HashSet<string> Reserved =
    [
        "and", "or", "not", "is", "in", "between", "null", "true", "false", "all", "any", "array", "as", "case", "cast", "check", "column", "default",
        "distinct",
        "else", "end", "exists", "from", "like", "ilike", "select", "some", "then", "user", "when", "where", "with",
    ];

    /// <summary>Words that the server does not take as a column unless they are quoted.</summary>
    public static bool IsReserved(string word) => Reserved.Contains(word);

    public static FilterToken Read(string text, ref int at)
    {
        while (at < text.Length && text[at] is ' ' or '\t' or '\n' or '\r')
        {
            at++;
        }

        int start = at;
        if (at == text.Length)
        {
            return new FilterToken(FilterTokenKind.End, "", start);
        }

        char first = text[at];
        if (char.IsAsciiLetter(first) || first == '_' || first >= '\u0080')
        {
            return ReadWord(text, ref at);
        }

        if (first is '"' or '\'')
        {
            return ReadQuoted(text, ref at);
        }

        char second = at + 1 < text.Length ? text[at + 1] : '\0';
        if (char.IsAsciiDigit(first) || (first == '.' && char.IsAsciiDigit(second)) || (first is '-' or '+' && (char.IsAsciiDigit(second) || second == '.')))
        {
            return ReadNumber(text, ref at);
        }

        return ReadMark(text, ref at);
    }

    private static FilterToken ReadWord(string text, ref int at)
    {
        int start = at;
        while (at < text.Length && (char.IsAsciiLetterOrDigit(text[at]) || text[at] is '_' or '$' || text[at] >= '\u0080'))
        {
            at++;
        }

        // The server folds ASCII letters only.
        return new FilterToken(FilterTokenKind.Word, string.Create(at - start, (text, start), (result, source) =>
        {
            for (int index = 0; index < result.Length; index++)
            {
                char letter = source.text[source.start + index];
                result[index] = char.IsAsciiLetterUpper(letter) ? (char)(letter | 0x20) : letter;
            }
        }), start);
    }

    private static FilterToken ReadQuoted(string text, ref int at)
    {
        int start = at;
        char quote = text[at++];
        var value = new StringBuilder();
        while (true)
        {
            if (at >= text.Length)
            {
                throw FilterParser.Wrong(start, "the quote is not closed");
            }

            if (text[at] == quote)
            {
                at++;
                if (at >= text.Length || text[at] != quote)
                {
                    break;
                }
            }

            if (text[at] == '\0')
            {
                throw FilterParser.Wrong(at, "the server stores no NUL character");
            }

            value.Append(text[at++]);
        }

        if (quote == '"' && value.Length == 0)
        {
            throw FilterParser.Wrong(start, "a column's name is empty");
        }

        return new FilterToken(quote == '"' ? FilterTokenKind.QuotedName : FilterTokenKind.Text, value.ToString(), start);
    }

    private static FilterToken ReadNumber(string text, ref int at)
    {
        int start = at;
        at += text[at] is '-' or '+' ? 1 : 0;
        int digits = SkipDigits(text, ref at);
        if (at < text.Length && text[at] == '.')
        {
            at++;
            digits += SkipDigits(text, ref at);
        }

        bool isWhole = digits > 0;
        if (isWhole && at < text.Length && text[at] is 'e' or 'E')
        {
            at++;
            at += at < text.Length && text[at] is '-' or '+' ? 1 : 0;
            isWhole = SkipDigits(text, ref at) is > 0 and <= 4;
        }

        if (!isWhole || (at < text.Length && (char.IsAsciiLetterOrDigit(text[at]) || text[at] is '_' or '.')))
        {
            throw FilterParser.Wrong(start, "this is no number");
        }

        return new FilterToken(FilterTokenKind.Number, text[start..at].TrimStart('+'), start);
    }

    private static int SkipDigits(string text, ref int at)
    {
        int start = at;
        while (at < text.Length && char.IsAsciiDigit(text[at]))
        {
            at++;
        }

        return at - start;
    }

    private static FilterToken ReadMark(string text, ref int at)
    {
        int start = at;
        string two = text.Substring(at, Math.Min(2, text.Length - at));
        string mark = two is "!=" or "<>" or "<=" or ">=" ? two : two[..1];
        at += mark.Length;
        return mark is "!=" or "<>" or "<=" or ">=" or "<" or ">" or "=" or "(" or ")" or ","
            ? new FilterToken(FilterTokenKind.Mark, mark, start)
            : throw FilterParser.Wrong(start, $"{mark} is not part of the filter language: comparisons, IS NULL, IN, BETWEEN, AND, OR, NOT");
    }
}
