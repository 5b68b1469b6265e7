using System.Text;

namespace Puff.Sync.Postgres;

/// <summary>Names and values inside SQL, quoted so that any text is only a name or a value. For sessions with standard_conforming_strings on.</summary>
internal static class SqlText
{
    public static string Identifier(string name) => $"\"{Checked(name).Replace("\"", "\"\"", StringComparison.Ordinal)}\"";

    public static string Table(string schema, string table) => $"{Identifier(schema)}.{Identifier(table)}";

    public static string Literal(string value) => $"'{Checked(value).Replace("'", "''", StringComparison.Ordinal)}'";

    /// <summary>`a, b, c`.</summary>
    public static string Identifiers(IEnumerable<string> names) => string.Join(", ", names.Select(Identifier));

    /// <summary>The text form of an array of texts, itself quoted: `'{"a","b"}'`; null elements become NULL.</summary>
    public static string ArrayLiteral(IEnumerable<string?> values)
    {
        var text = new StringBuilder("{");
        foreach (string? value in values)
        {
            text.Append(text.Length > 1 ? "," : "");
            if (value is null)
            {
                text.Append("NULL");
                continue;
            }

            text.Append('"').Append(value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)).Append('"');
        }

        return Literal(text.Append('}').ToString());
    }

    /// <summary>The server ends a statement at a zero byte: such a text can be no name and no value.</summary>
    private static string Checked(string text) => text.Contains('\0', StringComparison.Ordinal)
        ? throw new SyncException(SyncExit.Usage, "config_invalid", "A name or value contains a zero character, which Postgres cannot store.")
        : text;
}
