using System.Text;

namespace Puff.Engine.Filters;

/// <summary>
/// Literal runs that every match of a regular expression contains, alternative by alternative. Looks at the outermost sequence only and gives up at anything
/// it does not know for certain: what it finds only narrows down where the expression itself is tried.
/// </summary>
internal ref struct RegexLiterals
{
    private const char Replacement = '\uFFFD';

    private readonly string pattern;
    private readonly List<IReadOnlyList<byte[]>> alternatives = [];
    private readonly StringBuilder run = new();
    private List<byte[]> literals = [];
    private int at;

    private RegexLiterals(string pattern) => this.pattern = pattern;

    /// <summary>Null when nothing is certain.</summary>
    /// <param name="pattern">A valid pattern without options.</param>
    public static IReadOnlyList<IReadOnlyList<byte[]>>? Of(string pattern)
    {
        var scan = new RegexLiterals(pattern);
        while (scan.at < pattern.Length)
        {
            if (!scan.Element())
            {
                return null;
            }
        }

        scan.EndAlternative();
        return scan.alternatives;
    }

    private bool Element()
    {
        char character = pattern[at++];
        switch (character)
        {
            case '|':
                EndAlternative();
                return true;
            case '.' or '^' or '$' or '+':
                EndRun();
                return true;
            case '*' or '?':
                DropLast();
                return true;
            case '{':
                return Quantifier();
            case '(':
                return Group();
            case '[':
                EndRun();
                return Class();
            case ')' or ']' or '}':
                return false;
            case '\\':
                return Escape();
            default:
                Literal(character);
                return true;
        }
    }

    private void Literal(char character)
    {
        if (char.IsSurrogate(character) || character == Replacement)
        {
            EndRun();
        }
        else
        {
            run.Append(character);
        }
    }

    private bool Escape()
    {
        if (at == pattern.Length)
        {
            return false;
        }

        char character = pattern[at++];
        if (char.IsAsciiLetterOrDigit(character) || character == '_')
        {
            EndRun();
            return "dDwWsSbBAzZnrtfv".Contains(character, StringComparison.Ordinal);
        }

        Literal(character);
        return true;
    }

    /// <summary>`{n}`, `{n,}` or `{n,m}`: n may be 0. Any other brace would be a literal.</summary>
    private bool Quantifier()
    {
        DropLast();
        int start = at;
        while (at < pattern.Length && (char.IsAsciiDigit(pattern[at]) || pattern[at] == ','))
        {
            at++;
        }

        return at > start && char.IsAsciiDigit(pattern[start]) && at < pattern.Length && pattern[at++] == '}';
    }

    /// <summary>Skips a group with all that is in it.</summary>
    private bool Group()
    {
        EndRun();
        for (int depth = 1; depth > 0;)
        {
            if (at == pattern.Length || (pattern[at] == '?' && pattern[at - 1] == '(' && !IsPlainGroup()))
            {
                return false;
            }

            char character = pattern[at++];
            depth += character == '(' ? 1 : character == ')' ? -1 : 0;
            if (character == '\\')
            {
                at++;
            }
            else if (character == '[' && !Class())
            {
                return false;
            }

            if (at > pattern.Length)
            {
                return false;
            }
        }

        return true;
    }

    private readonly bool IsPlainGroup() => at + 1 < pattern.Length && pattern[at + 1] == ':';

    /// <summary>Skips a class, behind its opening bracket.</summary>
    private bool Class()
    {
        if (at < pattern.Length && pattern[at] == '^')
        {
            at++;
        }

        // A closing bracket right after the opening one stands for itself.
        for (bool isFirst = true; at < pattern.Length; isFirst = false)
        {
            char character = pattern[at++];
            if (character == '[')
            {
                return false;
            }

            if (character == ']' && !isFirst)
            {
                return true;
            }

            at += character == '\\' ? 1 : 0;
        }

        return false;
    }

    private void DropLast()
    {
        if (run.Length > 0)
        {
            run.Length--;
        }

        EndRun();
    }

    private void EndRun()
    {
        if (run.Length > 0)
        {
            literals.Add(System.Text.Encoding.UTF8.GetBytes(run.ToString()));
            run.Clear();
        }
    }

    private void EndAlternative()
    {
        EndRun();
        alternatives.Add(literals);
        literals = [];
    }
}
