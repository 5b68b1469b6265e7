using System.Runtime.CompilerServices;

namespace Puff.Engine.Text;

/// <summary>Default word boundaries of UAX #29 (tokenizers word_v3 and word_v4). A segment is a token if one of its characters is word-like.</summary>
internal readonly struct WordSegmenter : ISegmenter
{
    /// <summary>
    /// The rules for ASCII: letters, digits and underscores stay together (WB5, WB8 to WB10, WB13a, WB13b), and so does a mark between two letters
    /// (WB6, WB7) or between two digits (WB11, WB12).
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong WordBits(in AsciiBlock block, byte previous, byte next)
    {
        ulong lettersBefore = block.Letters << 1 | (char.IsAsciiLetter((char)previous) ? 1UL : 0);
        ulong lettersAfter = block.Letters >> 1 | (char.IsAsciiLetter((char)next) ? 1UL << 63 : 0);
        ulong digitsBefore = block.Digits << 1 | (char.IsAsciiDigit((char)previous) ? 1UL : 0);
        ulong digitsAfter = block.Digits >> 1 | (char.IsAsciiDigit((char)next) ? 1UL << 63 : 0);
        return block.Letters | block.Digits | block.Underscores
            | block.MidLetters & lettersBefore & lettersAfter | block.MidDigits & digitsBefore & digitsAfter;
    }

    /// <summary>Only a run of nothing but underscores is none.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsToken(ReadOnlySpan<byte> run) => run[0] != '_' || run.ContainsAnyExcept((byte)'_');

    public static int NextBoundary(ReadOnlySpan<byte> utf8, int start, out bool isToken)
    {
        var table = CodePointTable.WordBreaks;
        int value = table[CodePoints.Decode(utf8, start, out int length)];
        int at = start + length;
        int flags = value;

        // The class of the last character as it is, and of the last one that WB4 does not skip.
        int raw = value & WordBreak.ClassMask;
        int last = raw;
        bool isSecondIndicator = false;
        bool isMarkInside = false;
        while (at < utf8.Length && !IsLineEnd(raw))
        {
            value = table[CodePoints.Decode(utf8, at, out length)];
            int current = value & WordBreak.ClassMask;
            if (IsSkipped(current))
            {
                raw = current;
                flags |= value;
                at += length;
                continue;
            }

            bool isJoined = raw == WordBreak.ZeroWidthJoiner && (value & WordBreak.Pictographic) != 0
                || raw == WordBreak.Space && current == WordBreak.Space
                || isMarkInside
                || Joins(last, current, isSecondIndicator);
            bool isMark = !isJoined && IsMark(last, current);
            if (!isJoined && !(isMark && MarkJoins(utf8, at + length, last, current)))
            {
                break;
            }

            // A mark that was let in by what follows it lets that character in too; a Hebrew letter keeps an apostrophe whatever follows (WB7a).
            isMarkInside = isMark && FollowedBy(utf8, at + length, last);
            isSecondIndicator = last == WordBreak.RegionalIndicator && current == WordBreak.RegionalIndicator && !isSecondIndicator;
            raw = current;
            last = current;
            flags |= value;
            at += length;
        }

        if (raw == WordBreak.CarriageReturn && at < utf8.Length && utf8[at] == '\n')
        {
            at++;
        }

        isToken = (flags & WordBreak.WordLike) != 0;
        return at;
    }

    /// <summary>WB3a: nothing follows a line end in its segment (but LF after CR).</summary>
    private static bool IsLineEnd(int value) => value is WordBreak.CarriageReturn or WordBreak.LineFeed or WordBreak.Newline;

    /// <summary>WB4.</summary>
    private static bool IsSkipped(int value) => value is WordBreak.Extend or WordBreak.Format or WordBreak.ZeroWidthJoiner;

    private static bool IsLetter(int value) => value is WordBreak.Letter or WordBreak.HebrewLetter;

    private static bool Joins(int last, int current, bool isSecondIndicator) => current switch
    {
        WordBreak.Letter or WordBreak.HebrewLetter => IsLetter(last) || last is WordBreak.Numeric or WordBreak.ExtendNumberOrLetter,
        WordBreak.Numeric => IsLetter(last) || last is WordBreak.Numeric or WordBreak.ExtendNumberOrLetter,
        WordBreak.Katakana => last is WordBreak.Katakana or WordBreak.ExtendNumberOrLetter,
        WordBreak.ExtendNumberOrLetter =>
            IsLetter(last) || last is WordBreak.Numeric or WordBreak.Katakana or WordBreak.ExtendNumberOrLetter,
        WordBreak.RegionalIndicator => last == WordBreak.RegionalIndicator && !isSecondIndicator,
        _ => false,
    };

    /// <summary>True if <paramref name="current"/> may stand between two characters of the kind of <paramref name="last"/>.</summary>
    private static bool IsMark(int last, int current) =>
        IsLetter(last) && current is WordBreak.MidLetter or WordBreak.MidNumberOrLetter or WordBreak.SingleQuote
        || last == WordBreak.HebrewLetter && current == WordBreak.DoubleQuote
        || last == WordBreak.Numeric && current is WordBreak.MidNumber or WordBreak.MidNumberOrLetter or WordBreak.SingleQuote;

    private static bool MarkJoins(ReadOnlySpan<byte> utf8, int after, int last, int current) =>
        last == WordBreak.HebrewLetter && current == WordBreak.SingleQuote
        || (last == WordBreak.HebrewLetter && current == WordBreak.DoubleQuote
            ? Following(utf8, after) == WordBreak.HebrewLetter
            : FollowedBy(utf8, after, last));

    private static bool FollowedBy(ReadOnlySpan<byte> utf8, int after, int last)
    {
        int following = Following(utf8, after);
        return IsLetter(last) ? IsLetter(following) : following == WordBreak.Numeric;
    }

    /// <summary>The class of the next character that WB4 does not skip; Other at the end.</summary>
    private static int Following(ReadOnlySpan<byte> utf8, int at)
    {
        while (at < utf8.Length)
        {
            int value = CodePointTable.WordBreaks[CodePoints.Decode(utf8, at, out int length)] & WordBreak.ClassMask;
            if (!IsSkipped(value))
            {
                return value;
            }

            at += length;
        }

        return WordBreak.Other;
    }
}
