using System.Globalization;
using System.Text.RegularExpressions;

namespace Puff.Sync.Migrations;

/// <summary>Converts literals to their column's type, as the server does when it reads the same condition.</summary>
internal static partial class FilterLiterals
{
    public static (FilterOperand Operand, string Sql) Convert(FilterColumn column, FilterLiteral literal) => literal.Kind switch
    {
        FilterLiteralKind.Boolean when column.Type == FilterType.Boolean => (new BooleanOperand(literal.Text == "true"), literal.Text),
        FilterLiteralKind.Number when IsNumber(column) => FromNumber(column, literal.Text),
        FilterLiteralKind.Text => FromText(column, literal.Text),
        _ => throw Unfit(column, literal.Text),
    };

    private static bool IsNumber(FilterColumn column) =>
        column.Type is FilterType.Integer or FilterType.Single or FilterType.Double or FilterType.Numeric;

    /// <summary>A number without quotes keeps its own type: beside a float it becomes a double, beside an integer both may become numeric.</summary>
    private static (FilterOperand, string) FromNumber(FilterColumn column, string text)
    {
        // In parentheses: a sign must not meet another operator.
        string sql = $"({text})";
        if (column.Type is FilterType.Single or FilterType.Double)
        {
            return (new FloatOperand(Double(column, text), column.Type == FilterType.Single), sql);
        }

        if (column.Type == FilterType.Integer && long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long integer))
        {
            return (new IntegerOperand(integer), sql);
        }

        return PostgresNumeric.TryParse(text, out PostgresNumeric number) ? (new NumericOperand(number), sql) : throw Unfit(column, text);
    }

    /// <summary>A text in quotes takes the column's type.</summary>
    private static (FilterOperand, string) FromText(FilterColumn column, string text)
    {
        string sql = $"'{text.Replace("'", "''", StringComparison.Ordinal)}'";
        switch (column.Type)
        {
            case FilterType.Boolean:
                bool flag = Boolean(text) ?? throw Unfit(column, text);
                return (new BooleanOperand(flag), flag ? "true" : "false");
            case FilterType.Integer:
                return long.TryParse(text.Trim(' '), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long integer) && Fits(column, integer)
                    ? (new IntegerOperand(integer), sql)
                    : throw Unfit(column, text);
            case FilterType.Single:
                return (new FloatOperand((float)Double(column, text, isSingle: true), isSingle: true), sql);
            case FilterType.Double:
                return (new FloatOperand(Double(column, text), isSingle: false), sql);
            case FilterType.Numeric:
                return PostgresNumeric.TryParse(text, out PostgresNumeric number) && NumberForm().IsMatch(text)
                    ? (new NumericOperand(number), sql)
                    : throw Unfit(column, text);
            case FilterType.Text or FilterType.PaddedText:
                return (new TextOperand(text, column.Type == FilterType.PaddedText), sql);
            case FilterType.Uuid:
                return Guid.TryParseExact(text.Trim('{', '}').Replace("-", "", StringComparison.Ordinal), "N", out Guid uuid)
                    ? (new TextOperand(uuid.ToString("D"), isPadded: false), $"'{uuid:D}'")
                    : throw Unfit(column, text);
            case FilterType.Enumeration:
                return column.Labels is null || column.Labels.Contains(text)
                    ? (new LabelOperand(text, column.Labels ?? [text]), sql)
                    : throw FilterBinder.Wrong($"'{text}' is no label of {column.TypeName}{Suggestion.Phrase(text, [.. column.Labels])}");
            default:
                return FromTime(column, text);
        }
    }

    private static (FilterOperand, string) FromTime(FilterColumn column, string text)
    {
        bool isLegal = PostgresTime.TryParse(text, out PostgresTime time) && column.Type switch
        {
            FilterType.Date => time is { HasDate: true } && (!time.HasTime || IsInfinity(text)),
            FilterType.Time => time is { HasDate: false, HasTime: true, HasOffset: false },
            FilterType.Timestamp => time is { HasDate: true } && (!time.HasOffset || IsInfinity(text)),
            _ => time is { HasDate: true },
        };
        if (!isLegal)
        {
            throw FilterBinder.Wrong($"'{text}' is no {column.TypeName}; write it as in {Example(column.Type)}");
        }

        // Without an offset the server would take its session's zone; ours is UTC, and says so.
        bool needsZone = column.Type == FilterType.TimestampWithZone && !time.HasOffset;
        string zone = !needsZone ? "" : time.HasTime ? "+00" : " 00:00:00+00";
        return (new TimeOperand(time.Microseconds), $"'{text}{zone}'");
    }

    private static bool IsInfinity(string text) => text is "infinity" or "-infinity";

    private static string Example(FilterType type) => type switch
    {
        FilterType.Date => "'2026-05-01'",
        FilterType.Time => "'13:30:00'",
        FilterType.Timestamp => "'2026-05-01 13:30:00'",
        _ => "'2026-05-01 13:30:00+00'",
    };

    private static double Double(FilterColumn column, string text, bool isSingle = false)
    {
        bool isRead = double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double number);
        bool isWord = text.Trim(' ').ToLowerInvariant() is "nan" or "infinity" or "-infinity";
        bool isFinite = double.IsFinite(isSingle ? (float)number : number);
        return isRead && (isWord || (isFinite && NumberForm().IsMatch(text))) ? (isSingle ? float.Parse(text, CultureInfo.InvariantCulture) : number)
            : throw Unfit(column, text);
    }

    // The server accepts any beginning of these words.
    private static bool? Boolean(string text)
    {
        string word = text.Trim(' ').ToLowerInvariant();
        if (word is "")
        {
            return null;
        }

        bool isTrue = word == "1" || word == "on" || "true".StartsWith(word, StringComparison.Ordinal) || "yes".StartsWith(word, StringComparison.Ordinal);
        bool isFalse = word is "0" or "of" or "off" || "false".StartsWith(word, StringComparison.Ordinal) || "no".StartsWith(word, StringComparison.Ordinal);
        return isTrue ? true : isFalse ? false : null;
    }

    private static bool Fits(FilterColumn column, long value) => column.TypeName switch
    {
        "smallint" or "int2" => value is >= short.MinValue and <= short.MaxValue,
        "integer" or "int4" => value is >= int.MinValue and <= int.MaxValue,
        _ => true,
    };

    private static SyncException Unfit(FilterColumn column, string literal) =>
        FilterBinder.Wrong($"{column.Name} is {column.TypeName} and cannot be compared with {literal}");

    [GeneratedRegex(@"^ *([+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,4})?|NaN|[+-]?Infinity) *\z", RegexOptions.IgnoreCase)]
    private static partial Regex NumberForm();
}
