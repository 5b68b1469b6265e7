using System.Globalization;

namespace Puff.Sync.Toml;

/// <summary>A place in the text: blanks, comments and line ends, and the number of the line for messages.</summary>
internal sealed class TomlCursor
{
    private readonly string path;

    public TomlCursor(string text, string path)
    {
        Text = text;
        this.path = path;
        At = text.StartsWith('\uFEFF') ? 1 : 0;
    }

    public string Text { get; }

    public int At { get; set; }

    public int Line { get; private set; } = 1;

    public bool IsAtEnd => At >= Text.Length;

    /// <summary>NUL at the end: no valid document has one.</summary>
    public char Current => At < Text.Length ? Text[At] : '\0';

    public char Peek(int ahead) => At + ahead < Text.Length ? Text[At + ahead] : '\0';

    public bool StartsWith(string mark) => Text.AsSpan(At).StartsWith(mark, StringComparison.Ordinal);

    public bool IsAtLineEnd => Current == '\n' || (Current == '\r' && Peek(1) == '\n');

    /// <summary>Steps over a line's end.</summary>
    public void NextLine()
    {
        At += Current == '\r' ? 2 : 1;
        Line++;
    }

    public void SkipSpaces()
    {
        while (Current is ' ' or '\t')
        {
            At++;
        }
    }

    /// <summary>Spaces, comments and line ends.</summary>
    public void SkipBlank()
    {
        while (true)
        {
            SkipSpaces();
            SkipComment();
            if (!IsAtLineEnd)
            {
                return;
            }

            NextLine();
        }
    }

    /// <summary>What may follow an entry on its line: nothing.</summary>
    public void EndLine()
    {
        SkipSpaces();
        SkipComment();
        if (!IsAtEnd && !IsAtLineEnd)
        {
            throw Wrong("one entry a line");
        }
    }

    public void Expect(char mark)
    {
        SkipSpaces();
        if (Current != mark)
        {
            throw Wrong($"'{mark}' was expected");
        }

        At++;
    }

    /// <summary>Control characters are nowhere legal but as tab and line end.</summary>
    public void RefuseControl()
    {
        if (!IsAtEnd && Current is < ' ' and not '\t' or '\u007F')
        {
            throw Wrong(string.Create(CultureInfo.InvariantCulture, $"control character U+{(int)Current:X4}"));
        }
    }

    public TomlException Wrong(string problem) => new(path, Line, problem);

    private void SkipComment()
    {
        if (Current != '#')
        {
            return;
        }

        for (; !IsAtEnd && !IsAtLineEnd; At++)
        {
            RefuseControl();
        }
    }
}
