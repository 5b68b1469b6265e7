using System.Runtime.CompilerServices;

namespace Puff.Engine.Text;

/// <summary>Which characters a <see cref="RunSegmenter{TRules}"/> keeps together, and whether emoji are tokens.</summary>
internal interface IRunRules
{
    static abstract bool IsAlphanumeric(int flags);

    /// <summary>Such a character is a token of its own.</summary>
    static abstract bool IsAlone(int flags);

    static abstract bool KeepsEmoji { get; }
}

/// <summary>word_v2: ideographs alone, runs of alphanumeric characters, emoji.</summary>
internal readonly struct SecondRules : IRunRules
{
    public static bool KeepsEmoji => true;

    public static bool IsAlphanumeric(int flags) => (flags & (CharacterClass.Alphanumeric | CharacterClass.Ideographic)) == CharacterClass.Alphanumeric;

    public static bool IsAlone(int flags) => (flags & CharacterClass.Ideographic) != 0;
}

/// <summary>word_v1: runs of alphanumeric characters of Unicode 10, ideographs among them, and emoji.</summary>
internal readonly struct FirstRules : IRunRules
{
    public static bool KeepsEmoji => true;

    public static bool IsAlphanumeric(int flags) => (flags & CharacterClass.AlphanumericUnicode10) != 0;

    public static bool IsAlone(int flags) => false;
}

/// <summary>word_v0: as word_v1 without emoji.</summary>
internal readonly struct ZerothRules : IRunRules
{
    public static bool KeepsEmoji => false;

    public static bool IsAlphanumeric(int flags) => (flags & CharacterClass.AlphanumericUnicode10) != 0;

    public static bool IsAlone(int flags) => false;
}

/// <summary>The older tokenizers (turbopuffer-api 6.2): maximal runs of alphanumeric characters; everything else separates.</summary>
internal readonly struct RunSegmenter<TRules> : ISegmenter
    where TRules : struct, IRunRules
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong WordBits(in AsciiBlock block, byte previous, byte next) => block.Letters | block.Digits;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsToken(ReadOnlySpan<byte> run) => true;

    public static int NextBoundary(ReadOnlySpan<byte> utf8, int start, out bool isToken)
    {
        int emojiEnd = Emoji.End(utf8, start);
        if (emojiEnd > start)
        {
            isToken = TRules.KeepsEmoji;
            return emojiEnd;
        }

        int flags = CodePointTable.Characters[CodePoints.Decode(utf8, start, out int length)];
        int at = start + length;
        isToken = TRules.IsAlone(flags);
        if (isToken || !TRules.IsAlphanumeric(flags))
        {
            return at;
        }

        isToken = true;
        while (at < utf8.Length && Emoji.End(utf8, at) == at
            && TRules.IsAlphanumeric(CodePointTable.Characters[CodePoints.Decode(utf8, at, out length)]))
        {
            at += length;
        }

        return at;
    }
}
