namespace Puff.Engine.Text;

/// <summary>
/// Emoji sequences that show as one glyph, as UTS #51 forms them: a pictographic character with variation selector, skin tone or tags, several of them joined
/// by zero-width joiners; a flag of two regional indicators; a keycap. Letters and numbers that are pictographic too count as letters and numbers.
/// </summary>
internal static class Emoji
{
    private const int VariationSelector = 0xFE0F;
    private const int Keycap = 0x20E3;
    private const int Joiner = 0x200D;

    /// <summary>The end of the sequence that begins at <paramref name="start"/>; <paramref name="start"/> if there is none.</summary>
    public static int End(ReadOnlySpan<byte> utf8, int start)
    {
        if (utf8[start] < 0x80)
        {
            return (char)utf8[start] is '#' or '*' or (>= '0' and <= '9') ? KeycapEnd(utf8, start) : start;
        }

        int first = CodePoints.Decode(utf8, start, out int length);
        int value = CodePointTable.WordBreaks[first];
        if ((value & WordBreak.ClassMask) == WordBreak.RegionalIndicator)
        {
            int next = start + length;
            int second = next < utf8.Length ? CodePoints.Decode(utf8, next, out length) : 0;
            return (CodePointTable.WordBreaks[second] & WordBreak.ClassMask) == WordBreak.RegionalIndicator ? next + length : start;
        }

        return IsPictographic(first, value) ? PictureEnd(utf8, start + length) : start;
    }

    private static int KeycapEnd(ReadOnlySpan<byte> utf8, int start)
    {
        int at = start + 1;
        if (!TrySkip(utf8, ref at, c => c == VariationSelector) && (at >= utf8.Length || utf8[at] < 0x80))
        {
            return start;
        }

        return TrySkip(utf8, ref at, c => c == Keycap) ? at : start;
    }

    private static int PictureEnd(ReadOnlySpan<byte> utf8, int at)
    {
        while (true)
        {
            bool isModified = TrySkip(utf8, ref at, c => c is VariationSelector or (>= 0x1F3FB and <= 0x1F3FF));
            while (isModified && TrySkip(utf8, ref at, c => c is VariationSelector or Keycap))
            {
            }

            while (TrySkip(utf8, ref at, c => c is >= 0xE0020 and <= 0xE007F))
            {
            }

            int joined = at;
            if (!TrySkip(utf8, ref joined, c => c == Joiner) || !TrySkip(utf8, ref joined, c => IsPictographic(c, CodePointTable.WordBreaks[c])))
            {
                return at;
            }

            at = joined;
        }
    }

    private static bool IsPictographic(int codePoint, int value) =>
        (value & WordBreak.Pictographic) != 0 && (CodePointTable.Characters[codePoint] & CharacterClass.Alphanumeric) == 0;

    private static bool TrySkip(ReadOnlySpan<byte> utf8, ref int at, Func<int, bool> isWanted)
    {
        if (at >= utf8.Length || !isWanted(CodePoints.Decode(utf8, at, out int length)))
        {
            return false;
        }

        at += length;
        return true;
    }
}
