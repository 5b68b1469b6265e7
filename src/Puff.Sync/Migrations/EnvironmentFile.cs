using System.Text;

namespace Puff.Sync.Migrations;

/// <summary>
/// Files of variables: KEY=value, export KEY=value, quotes, comments, ${VAR} and ${VAR:-default} outside single quotes, several lines in double quotes.
/// </summary>
internal static class EnvironmentFile
{
    /// <param name="known">Values of variables from elsewhere, which win over the file's own in ${VAR}.</param>
    /// <exception cref="SyncException">A line that is none of these: config_invalid with file and line.</exception>
    public static IReadOnlyDictionary<string, string> Read(string text, string path, Func<string, string?> known)
    {
        var values = new Dictionary<string, string>(StringComparer.Ordinal);
        string? Find(string name) => known(name) ?? values.GetValueOrDefault(name);
        var reader = new Reader(text.ReplaceLineEndings("\n"), path);
        while (reader.ReadEntry(Find) is { } entry)
        {
            values[entry.Key] = entry.Value;
        }

        return values;
    }

    private sealed class Reader(string text, string path)
    {
        private int at = text.StartsWith('\uFEFF') ? 1 : 0;
        private int line = 1;

        private char Current => at < text.Length ? text[at] : '\0';

        public KeyValuePair<string, string>? ReadEntry(Func<string, string?> known)
        {
            SkipBlankLines();
            if (at >= text.Length)
            {
                return null;
            }

            string key = ReadName();
            SkipSpaces();
            if (key == "export" && Current != '=')
            {
                key = ReadName();
                SkipSpaces();
            }

            if (Current != '=')
            {
                throw Wrong($"'=' was expected after {key}");
            }

            at++;
            SkipSpaces();
            string value = Current switch
            {
                '\'' => ReadLiteral(),
                '"' => Expand(ReadQuoted(), known),
                _ => Expand(ReadPlain(), known),
            };
            EndLine();
            return new(key, value);
        }

        private void SkipBlankLines()
        {
            while (at < text.Length)
            {
                SkipSpaces();
                SkipComment();
                if (Current != '\n')
                {
                    return;
                }

                at++;
                line++;
            }
        }

        private string ReadName()
        {
            int start = at;
            while (char.IsAsciiLetterOrDigit(Current) || Current is '_' or '.')
            {
                at++;
            }

            return at > start && !char.IsAsciiDigit(text[start]) ? text[start..at] : throw Wrong("a name was expected, as in KEY=value");
        }

        private string ReadLiteral()
        {
            int end = text.IndexOf('\'', at + 1);
            if (end < 0)
            {
                throw Wrong("the quote is not closed");
            }

            string value = text[(at + 1)..end];
            line += value.Count(letter => letter == '\n');
            at = end + 1;
            return value;
        }

        private string ReadQuoted()
        {
            var value = new StringBuilder();
            int began = line;
            for (at++; Current != '"'; at++)
            {
                if (at >= text.Length)
                {
                    line = began;
                    throw Wrong("the quote is not closed");
                }

                line += Current == '\n' ? 1 : 0;
                int escape = Current == '\\' && at + 1 < text.Length ? "nt\"\\".IndexOf(text[at + 1], StringComparison.Ordinal) : -1;
                value.Append(escape >= 0 ? "\n\t\"\\"[escape] : Current);
                at += escape >= 0 ? 1 : 0;
            }

            at++;
            return value.ToString();
        }

        // A comment needs a blank before it: colours and fragments of addresses have '#' too.
        private string ReadPlain()
        {
            int start = at;
            while (at < text.Length && Current != '\n' && !(Current == '#' && (at == start || text[at - 1] is ' ' or '\t')))
            {
                at++;
            }

            return text[start..at].Trim();
        }

        private void EndLine()
        {
            SkipSpaces();
            SkipComment();
            if (at < text.Length && Current != '\n')
            {
                throw Wrong("nothing may follow the closing quote");
            }
        }

        private void SkipSpaces()
        {
            while (Current is ' ' or '\t')
            {
                at++;
            }
        }

        private void SkipComment()
        {
            if (Current == '#')
            {
                int end = text.IndexOf('\n', at);
                at = end < 0 ? text.Length : end;
            }
        }

        // As shells do, a variable that is not set is nothing.
        private static string Expand(string value, Func<string, string?> known) => Interpolation.Expand(value, known, _ => "");

        private SyncException Wrong(string what) => new(SyncExit.Usage, "config_invalid", $"{path}:{line}: {what}");
    }
}
