using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Puff.Configuration;

/// <summary>
/// The part of TOML 1.0 that settings need: comments, tables, bare, quoted and dotted keys, one-line strings of both kinds, integers, floats, booleans, and
/// arrays of those over any number of lines. Dates, multi-line strings, inline tables and arrays of tables are refused by name.
/// </summary>
internal sealed partial class TomlConfiguration : IConfigurationFormat
{
    /// <summary>What a path already stands for; decides whether it may be used again.</summary>
    private enum PathUse
    {
        Value,
        Header,
        AboveHeader,
        DottedKey,
    }

    public IReadOnlyList<ConfigurationEntry> Read(string text, string path) => new Reader(text, path).Read();

    [GeneratedRegex(@"^[+-]?(0|[1-9](_?[0-9])*)(\.[0-9](_?[0-9])*)?([eE][+-]?[0-9](_?[0-9])*)?$")]
    private static partial Regex Number();

    private sealed class Reader(string text, string path)
    {
        private readonly List<ConfigurationEntry> entries = [];
        private readonly Dictionary<string, PathUse> uses = new(StringComparer.Ordinal);
        private int at = text.StartsWith('\uFEFF') ? 1 : 0;
        private int line = 1;

        private char Current => at < text.Length ? text[at] : '\0';

        public IReadOnlyList<ConfigurationEntry> Read()
        {
            string table = "";
            for (SkipBlank(); at < text.Length; SkipBlank())
            {
                if (Current == '[')
                {
                    table = ReadTable() + ".";
                }
                else
                {
                    ReadEntry(table);
                }

                EndLine();
            }

            return entries;
        }

        private string ReadTable()
        {
            at++;
            if (Current == '[')
            {
                throw Wrong("arrays of tables are not supported");
            }

            List<string> path = ReadKey();
            Expect(']');
            for (int parts = 1; parts < path.Count; parts++)
            {
                string above = string.Join('.', path.Take(parts));
                if (uses.TryAdd(above, PathUse.AboveHeader) == false && uses[above] == PathUse.Value)
                {
                    throw Wrong($"'{above}' is a value already, not a table");
                }
            }

            string name = string.Join('.', path);
            if (!uses.TryAdd(name, PathUse.Header) && uses[name] != PathUse.AboveHeader)
            {
                throw Wrong($"'{name}' appears twice");
            }

            uses[name] = PathUse.Header;
            return name;
        }

        private void ReadEntry(string table)
        {
            int began = line;
            List<string> path = ReadKey();
            for (int parts = 1; parts < path.Count; parts++)
            {
                string above = table + string.Join('.', path.Take(parts));
                if (!uses.TryAdd(above, PathUse.DottedKey) && uses[above] != PathUse.DottedKey)
                {
                    throw Wrong($"'{above}' was defined elsewhere");
                }
            }

            string key = table + string.Join('.', path);
            Expect('=');
            SkipSpaces();
            IReadOnlyList<string> values = Current == '[' ? ReadArray() : [ReadValue()];
            if (!uses.TryAdd(key, PathUse.Value))
            {
                throw Wrong($"key '{key}' appears twice");
            }

            entries.Add(new ConfigurationEntry(key, values, began));
        }

        private List<string> ReadKey()
        {
            var path = new List<string>();
            while (true)
            {
                SkipSpaces();
                bool isQuoted = Current is '"' or '\'';
                string part = isQuoted ? ReadString() : ReadBareKey();
                if (part.Length == 0 || part.Contains('.', StringComparison.Ordinal))
                {
                    throw Wrong($"the key \"{part}\" is not supported: empty, or with a dot in quotes");
                }

                path.Add(part);
                SkipSpaces();
                if (Current != '.')
                {
                    return path;
                }

                at++;
            }
        }

        private string ReadBareKey()
        {
            int start = at;
            while (char.IsAsciiLetterOrDigit(Current) || Current is '_' or '-')
            {
                at++;
            }

            return at > start ? text[start..at] : throw Wrong("a key was expected");
        }

        private List<string> ReadArray()
        {
            var values = new List<string>();
            at++;
            for (SkipBlank(); Current != ']'; SkipBlank())
            {
                values.Add(ReadValue());
                SkipBlank();
                if (Current == ',')
                {
                    at++;
                }
                else if (Current != ']')
                {
                    throw Wrong("',' or ']' was expected in the array");
                }
            }

            at++;
            return values;
        }

        private string ReadValue()
        {
            if (Current is '"' or '\'')
            {
                return ReadString();
            }

            int start = at;
            while (char.IsAsciiLetterOrDigit(Current) || Current is '_' or '-' or '+' or '.' or ':')
            {
                at++;
            }

            string word = text[start..at];
            if (word is "true" or "false" || Number().IsMatch(word))
            {
                return word.Replace("_", "", StringComparison.Ordinal);
            }

            throw Wrong(word.Length == 0 ? $"a value was expected; {Unsupported()}" : $"'{word}' is no string, number or boolean; put text in quotes");
        }

        private string Unsupported() => Current == '{' ? "inline tables are not supported" : "write a string in quotes, a number, true, false, or an array";

        private string ReadString()
        {
            char quote = Current;
            if (at + 2 < text.Length && text[at + 1] == quote && text[at + 2] == quote)
            {
                throw Wrong("multi-line strings are not supported");
            }

            var value = new StringBuilder();
            for (at++; Current != quote; at++)
            {
                if (at >= text.Length || Current is '\n' or '\r')
                {
                    throw Wrong("the string has no closing quote");
                }

                RefuseControl();

                if (Current == '\\' && quote == '"')
                {
                    at++;
                    value.Append(ReadEscape());
                }
                else
                {
                    value.Append(Current);
                }
            }

            at++;
            return value.ToString();
        }

        /// <summary>Leaves the position on the escape's last character.</summary>
        private string ReadEscape()
        {
            int digits = Current switch { 'u' => 4, 'U' => 8, _ => 0 };
            if (digits == 0)
            {
                int known = "btnfr\"\\".IndexOf(Current, StringComparison.Ordinal);
                return known >= 0 ? "\b\t\n\f\r\"\\"[known].ToString() : throw Wrong($"unknown escape '\\{Current}'");
            }

            string hex = text.Substring(at + 1, Math.Min(digits, text.Length - at - 1));
            at += digits;
            return int.TryParse(hex, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out int code) && Rune.IsValid(code)
                ? new Rune(code).ToString()
                : throw Wrong($"'{hex}' is no Unicode scalar value");
        }

        private void Expect(char mark)
        {
            SkipSpaces();
            if (Current != mark)
            {
                throw Wrong($"'{mark}' was expected");
            }

            at++;
        }

        private void EndLine()
        {
            SkipSpaces();
            SkipComment();
            if (at < text.Length && !IsLineEnd())
            {
                throw Wrong("one entry a line");
            }
        }

        /// <summary>Spaces, comments and line ends.</summary>
        private void SkipBlank()
        {
            while (true)
            {
                SkipSpaces();
                SkipComment();
                if (!IsLineEnd())
                {
                    return;
                }

                at += Current == '\r' ? 2 : 1;
                line++;
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
            if (Current != '#')
            {
                return;
            }

            for (; at < text.Length && !IsLineEnd(); at++)
            {
                RefuseControl();
            }
        }

        private bool IsLineEnd() => Current == '\n' || (Current == '\r' && at + 1 < text.Length && text[at + 1] == '\n');

        private void RefuseControl()
        {
            if (Current is < ' ' and not '\t' or '\u007F')
            {
                throw Wrong($"control character U+{(int)Current:X4}");
            }
        }

        private ConfigurationException Wrong(string what) => new($"{path}:{line}: {what}");
    }
}
