namespace Puff.Engine.Filters;

/// <summary>
/// Bounds the automaton of a regular expression before it is built: repetitions such as (a{1000}){1000} unfold to the product of their counts.
/// An estimate over the text of the pattern; whether the pattern is well-formed is for the real parser to say.
/// </summary>
internal static class RegexSize
{
    public const int MaxStates = 20_000;

    private const int MaxGroupDepth = 200;

    /// <exception cref="FormatException">The expression unfolds to too many states, or its groups are nested too deep.</exception>
    public static void Check(string pattern)
    {
        if (Of(pattern) > MaxStates)
        {
            throw new FormatException(
                $"the expression is too large: it unfolds to more than {MaxStates} states, or nests groups more than {MaxGroupDepth} deep");
        }
    }

    /// <summary>The states; more than <see cref="MaxStates"/> if there are too many or groups are nested too deep, then not all of them.</summary>
    public static long Of(string pattern)
    {
        // Sizes of the open groups so far, and of the latest item, which a repetition would multiply.
        var groups = new Stack<long>();
        long size = 0;
        long last = 0;
        for (int at = 0; at < pattern.Length;)
        {
            switch (pattern[at])
            {
                case '(':
                    groups.Push(size);
                    (size, last) = (0, 0);
                    at++;
                    break;
                case ')' when groups.Count > 0:
                    last = size + 1;
                    size = groups.Pop() + last;
                    at++;
                    break;
                case '{' when Repetition(pattern, at, out int next, out long count):
                    size += last * (Math.Max(count, 1) - 1);
                    last *= Math.Max(count, 1);
                    at = next;
                    break;
                default:
                    at = ItemEnd(pattern, at);
                    last = 1;
                    size++;
                    break;
            }

            if (size > MaxStates || groups.Count > MaxGroupDepth)
            {
                return MaxStates + 1;
            }
        }

        return size;
    }

    private static int ItemEnd(string pattern, int at) => pattern[at] switch
    {
        '\\' => at + 2,
        '[' => ClassEnd(pattern, at),
        _ => at + 1,
    };

    private static int ClassEnd(string pattern, int at)
    {
        // A closing bracket right after the opening one, or after its ^, stands for itself.
        int i = at + 1 < pattern.Length && pattern[at + 1] == '^' ? at + 3 : at + 2;
        for (; i < pattern.Length && pattern[i] != ']'; i++)
        {
            if (pattern[i] == '\\')
            {
                i++;
            }
        }

        return i + 1;
    }

    /// <summary>{n}, {n,} or {n,m}: the larger count, and where the pattern goes on.</summary>
    private static bool Repetition(string pattern, int at, out int next, out long count)
    {
        next = at + 1;
        long low = Number(pattern, ref next);
        long high = low;
        bool isRepetition = low >= 0;
        if (isRepetition && next < pattern.Length && pattern[next] == ',')
        {
            next++;
            high = Number(pattern, ref next);
        }

        isRepetition &= next < pattern.Length && pattern[next] == '}';
        next++;
        count = Math.Max(low, high);
        return isRepetition;
    }

    private static long Number(string pattern, ref int at)
    {
        const long TooMany = MaxStates + 1L;
        long number = -1;
        for (; at < pattern.Length && char.IsAsciiDigit(pattern[at]); at++)
        {
            number = Math.Min(Math.Max(number, 0) * 10 + pattern[at] - '0', TooMany);
        }

        return number;
    }
}
