using System.Text;
using Puff.Sync.Changes;
using Puff.Sync.Migrations;

namespace Puff.Sync.Transforms;

/// <summary>The text of a row that is embedded: `template` with columns in braces, NULL as nothing; cut to about `max_tokens`.</summary>
internal sealed class EmbeddingTemplate
{
    private readonly List<(string Text, string? Column)> parts = [];
    private readonly int maxTokens;

    /// <summary>Throws <see cref="SyncException"/> config_invalid when the template names a column that is not in `from`.</summary>
    public EmbeddingTemplate(EmbedDefinition embed)
    {
        maxTokens = embed.MaxTokens;
        string template = embed.Template.Length > 0 ? embed.Template : string.Join("\n\n", embed.From.Select(column => $"{{{column}}}"));
        for (int at = 0; at < template.Length;)
        {
            int open = template.IndexOf('{', at);
            int close = open < 0 ? -1 : template.IndexOf('}', open);
            if (close < 0)
            {
                parts.Add((template[at..], null));
                break;
            }

            string column = template[(open + 1)..close];
            if (!embed.From.Contains(column))
            {
                throw new SyncException(
                    SyncExit.Usage, "config_invalid", $"The template of [embed] names {{{column}}}, which is not in `from`.", "add it to `from`");
            }

            parts.Add((template[at..open], column));
            at = close + 1;
        }
    }

    /// <summary>The text of a row; empty when nothing but the template's own words would be in it.</summary>
    public string Fill(RelationShape relation, RowTuple row)
    {
        var text = new StringBuilder();
        bool hasValue = false;
        foreach (var (words, column) in parts)
        {
            text.Append(words);
            int ordinal = column is null ? -1 : relation.Find(column);
            if (ordinal >= 0 && row[ordinal] == ColumnState.Text)
            {
                string value = Encoding.UTF8.GetString(row.Bytes(ordinal));
                hasValue |= !string.IsNullOrWhiteSpace(value);
                text.Append(value);
            }
        }

        return hasValue ? Cut(text.ToString().Trim()) : "";
    }

    /// <summary>About how many tokens a text has: four characters of ASCII, or one other character, to a token.</summary>
    public static long EstimateTokens(ReadOnlySpan<char> text)
    {
        int ascii = 0;
        foreach (char character in text)
        {
            ascii += char.IsAscii(character) ? 1 : 0;
        }

        return ((ascii + 3) / 4) + (text.Length - ascii);
    }

    private string Cut(string text)
    {
        if (text.Length <= maxTokens || EstimateTokens(text) <= maxTokens)
        {
            return text;
        }

        int quarters = 0;
        int end = 0;
        for (; end < text.Length; end++)
        {
            quarters += char.IsAscii(text[end]) ? 1 : 4;
            if (quarters > maxTokens * 4L)
            {
                break;
            }
        }

        return char.IsHighSurrogate(text[end - 1]) ? text[..(end - 1)] : text[..end];
    }
}
