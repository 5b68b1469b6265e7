using System.Text;

namespace Puff.Sync.Migrations;

internal enum ModuleTokenKind { Word, Text, Mark }

internal readonly record struct ModuleToken(ModuleTokenKind Kind, string Text, int Line);

/// <summary>Words, texts and marks of a module's code: enough to tell an import from a comment that mentions one.</summary>
internal sealed class ModuleLexer(string code)
{
    // After these a slash begins a regular expression; after a value it divides.
    private static readonly HashSet<string> WordsBeforeExpressions = ["return", "typeof", "case", "in", "of", "delete", "void", "throw", "new", "else", "do",
        "await", "yield"];

    private readonly Stack<int> templates = new();
    private ModuleToken last;
    private int at;
    private int line = 1;
    private int braces;

    private char Current => at < code.Length ? code[at] : '\0';

    public IEnumerable<ModuleToken> Read()
    {
        if (code.StartsWith("#!", StringComparison.Ordinal))
        {
            SkipLine();
        }

        while (at < code.Length)
        {
            if (Next() is { } token)
            {
                last = token;
                yield return token;
            }
        }
    }

    private ModuleToken? Next()
    {
        char first = Current;
        if (first is ' ' or '\t' or '\n' or '\r' || char.IsWhiteSpace(first))
        {
            line += first == '\n' ? 1 : 0;
            at++;
            return null;
        }

        if (first == '/' && at + 1 < code.Length && code[at + 1] is '/' or '*')
        {
            SkipComment();
            return null;
        }

        if (char.IsLetterOrDigit(first) || first is '_' or '$' or '#')
        {
            return ReadWord();
        }

        return first switch
        {
            '"' or '\'' => ReadText(first),
            '`' => ReadTemplate(),
            '/' when MayBeginExpression() => SkipRegex(),
            _ => ReadMark(),
        };
    }

    private ModuleToken ReadWord()
    {
        int start = at++;
        while (char.IsLetterOrDigit(Current) || Current is '_' or '$')
        {
            at++;
        }

        return new ModuleToken(ModuleTokenKind.Word, code[start..at], line);
    }

    private ModuleToken? ReadMark()
    {
        char mark = code[at++];
        if (mark == '{')
        {
            braces++;
        }
        else if (mark == '}')
        {
            if (templates.TryPeek(out int depth) && depth == braces)
            {
                templates.Pop();
                return ReadTemplateRest(isFirst: false);
            }

            braces--;
        }

        return new ModuleToken(ModuleTokenKind.Mark, mark.ToString(), line);
    }

    private ModuleToken ReadText(char quote)
    {
        var value = new StringBuilder();
        int began = line;
        for (at++; at < code.Length && Current != quote && Current != '\n'; at++)
        {
            if (Current == '\\' && at + 1 < code.Length)
            {
                at++;
                line += Current == '\n' ? 1 : 0;
            }

            value.Append(Current);
        }

        at++;
        return new ModuleToken(ModuleTokenKind.Text, value.ToString(), began);
    }

    private ModuleToken? ReadTemplate()
    {
        at++;
        return ReadTemplateRest(isFirst: true);
    }

    /// <summary>A template without ${…} is a text; of others only what stands in the braces is code.</summary>
    private ModuleToken? ReadTemplateRest(bool isFirst)
    {
        int start = at;
        for (; at < code.Length && Current != '`'; at++)
        {
            line += Current == '\n' ? 1 : 0;
            if (Current == '\\')
            {
                at++;
                line += Current == '\n' ? 1 : 0;
            }
            else if (Current == '$' && at + 1 < code.Length && code[at + 1] == '{')
            {
                at += 2;
                templates.Push(braces);
                return new ModuleToken(ModuleTokenKind.Mark, "${", line);
            }
        }

        string value = code[start..Math.Min(at, code.Length)];
        at++;
        return isFirst ? new ModuleToken(ModuleTokenKind.Text, value, line) : new ModuleToken(ModuleTokenKind.Mark, "`", line);
    }

    private bool MayBeginExpression() => last.Kind switch
    {
        ModuleTokenKind.Word => last.Text is null || WordsBeforeExpressions.Contains(last.Text),
        ModuleTokenKind.Text => false,
        _ => last.Text is not (")" or "]" or "}" or "`"),
    };

    private ModuleToken? SkipRegex()
    {
        bool isInClass = false;
        for (at++; at < code.Length && Current != '\n' && (isInClass || Current != '/'); at++)
        {
            isInClass = Current == '[' || (isInClass && Current != ']');
            at += Current == '\\' ? 1 : 0;
        }

        at++;
        return new ModuleToken(ModuleTokenKind.Text, "", line);
    }

    private void SkipComment()
    {
        if (code[at + 1] == '/')
        {
            SkipLine();
            return;
        }

        int end = code.IndexOf("*/", at + 2, StringComparison.Ordinal);
        end = end < 0 ? code.Length : end + 2;
        line += code.AsSpan(at, end - at).Count('\n');
        at = end;
    }

    private void SkipLine()
    {
        int end = code.IndexOf('\n', at);
        at = end < 0 ? code.Length : end;
    }
}
