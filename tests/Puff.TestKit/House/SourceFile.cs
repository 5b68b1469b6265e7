using System.Text;

namespace Puff.TestKit.House;

/// <summary>A C# file as the house rules see it.</summary>
/// <param name="Path">Relative to the repository, with '/'.</param>
/// <param name="Text">The whole text.</param>
internal sealed record SourceFile(string Path, string Text)
{
    /// <summary>The lines as written.</summary>
    public string[] Lines { get; } = Text.Split('\n');

    /// <summary>The same lines with comments and the insides of string literals blanked, so that only code can break a rule.</summary>
    public string[] Code { get; } = Blank(Text).Split('\n');

    public static SourceFile Read(string relativePath) => new(relativePath, File.ReadAllText(Repository.Resolve(relativePath)));

    private static string Blank(string text)
    {
        var code = new StringBuilder(text.Length);
        int at = 0;
        while (at < text.Length)
        {
            int end = EndOfQuietPart(text, at);
            if (end == at)
            {
                code.Append(text[at++]);
                continue;
            }

            for (; at < end; at++)
            {
                code.Append(text[at] == '\n' ? '\n' : ' ');
            }
        }

        return code.ToString();
    }

    /// <summary>Where the comment or literal that begins here ends; <paramref name="at"/> itself when none begins.</summary>
    private static int EndOfQuietPart(string text, int at)
    {
        ReadOnlySpan<char> rest = text.AsSpan(at);
        if (rest.StartsWith("//"))
        {
            return EndOf(text, at, "\n", 0);
        }

        if (rest.StartsWith("/*"))
        {
            return EndOf(text, at + 2, "*/", 2);
        }

        if (rest.StartsWith("\"\"\""))
        {
            return EndOf(text, at + 3, "\"\"\"", 3);
        }

        if (rest.StartsWith("@\"") || rest.StartsWith("$@\"") || rest.StartsWith("@$\""))
        {
            return EndOfVerbatim(text, text.IndexOf('"', at) + 1);
        }

        return rest[0] is '"' or '\'' ? EndOfLiteral(text, at + 1, rest[0]) : at;
    }

    private static int EndOf(string text, int from, string mark, int skip)
    {
        int found = text.IndexOf(mark, from, StringComparison.Ordinal);
        return found < 0 ? text.Length : found + skip;
    }

    private static int EndOfVerbatim(string text, int from)
    {
        for (int at = from; at < text.Length; at++)
        {
            if (text[at] != '"')
            {
                continue;
            }

            if (at + 1 >= text.Length || text[at + 1] != '"')
            {
                return at + 1;
            }

            at++;
        }

        return text.Length;
    }

    // An ordinary literal cannot cross a line's end, so a nested quote in an interpolation can mislead this scanner for one line at most.
    private static int EndOfLiteral(string text, int from, char quote)
    {
        for (int at = from; at < text.Length && text[at] != '\n'; at++)
        {
            if (text[at] == '\\')
            {
                at++;
            }
            else if (text[at] == quote)
            {
                return at + 1;
            }
        }

        return from;
    }
}
