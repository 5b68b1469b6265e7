using System.Text;

namespace Puff.Engine.Text;

/// <summary>
/// Cuts a text into sentences or paragraphs, in the main as UAX #29 describes sentences: a terminator with what closes behind it ends one if white space
/// follows and, for a full stop, no small letter after that; terminators of East Asian and Indic scripts need no space. A line end ends a sentence and a
/// paragraph.
/// </summary>
internal static class FragmentSplitter
{
    private const string Terminators = ".!?…‼⁇⁈⁉؟۔";
    private const string TerminatorsWithoutSpace = "。！？｡．।॥";
    private const string Closers = "\"')]}»”’›」』）】";
    private const string LineEnds = "\n\r\u0085\u2028\u2029";

    /// <summary>Replaces the list by the fragments of a text: ascending, not empty, without white space at their ends.</summary>
    public static void Split(ReadOnlySpan<byte> utf8, FragmentKind kind, List<(int Start, int End)> fragments)
    {
        fragments.Clear();
        int start = 0;
        for (int at = 0; kind != FragmentKind.Whole && at < utf8.Length;)
        {
            int codePoint = CodePoints.Decode(utf8, at, out int length);
            at += length;
            if (IsOneOf(LineEnds, codePoint) || (kind == FragmentKind.Sentence && EndsSentence(utf8, codePoint, ref at)))
            {
                Add(utf8, start, at, fragments);
                start = at;
            }
        }

        Add(utf8, start, utf8.Length, fragments);
    }

    /// <summary>Moves behind further terminators and what closes.</summary>
    private static bool EndsSentence(ReadOnlySpan<byte> utf8, int codePoint, ref int at)
    {
        bool needsNoSpace = IsOneOf(TerminatorsWithoutSpace, codePoint);
        if (!needsNoSpace && !IsOneOf(Terminators, codePoint))
        {
            return false;
        }

        bool isFullStop = codePoint == '.';
        while (at < utf8.Length)
        {
            int next = CodePoints.Decode(utf8, at, out int length);
            if (!IsOneOf(Terminators, next) && !IsOneOf(TerminatorsWithoutSpace, next) && !IsOneOf(Closers, next))
            {
                break;
            }

            isFullStop &= !IsOneOf(Terminators, next) || next == '.';
            at += length;
        }

        return needsNoSpace || (BeginsWithSpace(utf8, at, out int after) && !(isFullStop && IsSmallLetter(utf8, after)));
    }

    private static bool BeginsWithSpace(ReadOnlySpan<byte> utf8, int at, out int after)
    {
        after = at;
        while (after < utf8.Length && IsSpace(CodePoints.Decode(utf8, after, out int length)))
        {
            after += length;
        }

        return after > at;
    }

    private static bool IsSmallLetter(ReadOnlySpan<byte> utf8, int at) =>
        at < utf8.Length && Rune.IsLower(new Rune(CodePoints.Decode(utf8, at, out _)));

    private static void Add(ReadOnlySpan<byte> utf8, int start, int end, List<(int Start, int End)> fragments)
    {
        int first = -1;
        int last = start;
        for (int at = start; at < end;)
        {
            bool isSpace = IsSpace(CodePoints.Decode(utf8, at, out int length));
            first = first < 0 && !isSpace ? at : first;
            at += length;
            last = isSpace ? last : at;
        }

        if (first >= 0)
        {
            fragments.Add((first, last));
        }
    }

    private static bool IsSpace(int codePoint) => codePoint < 0x10000 && char.IsWhiteSpace((char)codePoint);

    private static bool IsOneOf(string set, int codePoint) => codePoint < 0x10000 && set.Contains((char)codePoint);
}
