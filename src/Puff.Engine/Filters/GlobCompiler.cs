namespace Puff.Engine.Filters;

/// <summary>
/// Compiles a glob into a program for <see cref="GlobProgram"/>: `?` one character; `*` any run of characters, `/` included; `**/` at the start of a
/// path segment any number of whole segments, also none; `{a,b}` alternatives, which may be nested; `[ab]`, `[a-z]`, `[!ab]` or `[^ab]` classes;
/// a backslash takes the next character literally.
/// </summary>
internal ref struct GlobCompiler
{
    public const int MaxPatternChars = 8_192;

    private const int MaxNesting = 64;

    private readonly ReadOnlySpan<int> pattern;
    private readonly bool ignoreCase;
    private readonly List<GlobInstruction> program = [];
    private int at;

    private GlobCompiler(ReadOnlySpan<int> pattern, bool ignoreCase)
    {
        this.pattern = pattern;
        this.ignoreCase = ignoreCase;
    }

    /// <exception cref="FormatException">The pattern is malformed; the message says how.</exception>
    public static GlobProgram Compile(ReadOnlySpan<byte> utf8, bool ignoreCase)
    {
        int[] pattern = CodePointFolding.Decode(utf8, fold: false);
        if (pattern.Length > MaxPatternChars)
        {
            throw new FormatException($"a pattern has at most {MaxPatternChars} characters");
        }

        var compiler = new GlobCompiler(pattern, ignoreCase);
        compiler.Sequence(0);
        compiler.Emit(GlobOperation.Match);
        return new GlobProgram([.. compiler.program], ignoreCase);
    }

    /// <summary>Everything up to the end of the pattern or, inside braces, up to the comma or the closing brace.</summary>
    private void Sequence(int nesting)
    {
        while (at < pattern.Length)
        {
            int character = pattern[at];
            if (nesting > 0 && (character is ',' or '}'))
            {
                return;
            }

            at++;
            Element(character, nesting);
        }
    }

    private void Element(int character, int nesting)
    {
        switch (character)
        {
            case '?':
                Emit(GlobOperation.Any);
                break;
            case '*':
                Star();
                break;
            case '[':
                Class();
                break;
            case '{':
                Alternatives(nesting + 1);
                break;
            case '}':
                throw new FormatException("there is a } without a {");
            case '\\':
                Literal(at < pattern.Length ? pattern[at++] : throw new FormatException("the pattern ends in a backslash"));
                break;
            default:
                Literal(character);
                break;
        }
    }

    private void Literal(int character) => Emit(GlobOperation.Literal, ignoreCase ? CodePointFolding.Fold(character) : character);

    private void Star()
    {
        bool beginsSegment = at == 1 || pattern[at - 2] == '/';
        int stars = 1;
        for (; at < pattern.Length && pattern[at] == '*'; at++)
        {
            stars++;
        }

        if (stars == 2 && beginsSegment && at < pattern.Length && pattern[at] == '/')
        {
            at++;
            int skip = Emit(GlobOperation.Split);
            AnyRun();
            Literal('/');
            Target(skip);
        }
        else
        {
            AnyRun();
        }
    }

    private void AnyRun()
    {
        int loop = Emit(GlobOperation.Split);
        Emit(GlobOperation.Any);
        Emit(GlobOperation.Jump, loop);
        Target(loop);
    }

    private void Alternatives(int nesting)
    {
        if (nesting > MaxNesting)
        {
            throw new FormatException($"braces are nested more than {MaxNesting} deep");
        }

        var ends = new List<int>();
        while (true)
        {
            int split = Emit(GlobOperation.Split);
            Sequence(nesting);
            ends.Add(Emit(GlobOperation.Jump));
            Target(split);
            if (at == pattern.Length)
            {
                throw new FormatException("a { is not closed");
            }

            if (pattern[at++] == '}')
            {
                break;
            }
        }

        // After the last alternative its split leads nowhere else.
        Emit(GlobOperation.Fail);
        foreach (int end in ends)
        {
            Target(end);
        }
    }

    private void Class()
    {
        bool negated = at < pattern.Length && (pattern[at] is '!' or '^');
        if (negated)
        {
            at++;
        }

        var ranges = new List<(int First, int Last)>();
        for (bool isFirst = true; ; isFirst = false)
        {
            if (at == pattern.Length)
            {
                throw new FormatException("a [ is not closed");
            }

            // A closing bracket right after the opening one stands for itself.
            if (pattern[at] == ']' && !isFirst)
            {
                at++;
                break;
            }

            ranges.Add(Range());
        }

        program.Add(new GlobInstruction(GlobOperation.Class, 0, new GlobClass([.. ranges], negated)));
    }

    private (int First, int Last) Range()
    {
        int first = ClassCharacter();
        if (at + 1 < pattern.Length && pattern[at] == '-' && pattern[at + 1] != ']')
        {
            at++;
            int last = ClassCharacter();
            return first <= last ? (first, last) : throw new FormatException("a range in [ ] ends before it begins");
        }

        return (first, first);
    }

    private int ClassCharacter()
    {
        int character = pattern[at++];
        if (character != '\\')
        {
            return character;
        }

        return at < pattern.Length ? pattern[at++] : throw new FormatException("the pattern ends in a backslash");
    }

    private int Emit(GlobOperation operation, int argument = 0)
    {
        program.Add(new GlobInstruction(operation, argument, null));
        return program.Count - 1;
    }

    /// <summary>Lets the split or jump lead to the next instruction.</summary>
    private void Target(int instruction) => program[instruction] = program[instruction] with { Argument = program.Count };
}
