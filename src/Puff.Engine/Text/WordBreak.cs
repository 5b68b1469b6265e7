namespace Puff.Engine.Text;

/// <summary>The Word_Break property of UAX #29, in the order of the generated table, and the two flags stored beside it.</summary>
internal static class WordBreak
{
    public const int Other = 0;
    public const int CarriageReturn = 1;
    public const int LineFeed = 2;
    public const int Newline = 3;
    public const int Extend = 4;
    public const int ZeroWidthJoiner = 5;
    public const int Format = 6;
    public const int RegionalIndicator = 7;
    public const int Katakana = 8;
    public const int HebrewLetter = 9;
    public const int Letter = 10;
    public const int SingleQuote = 11;
    public const int DoubleQuote = 12;
    public const int MidNumberOrLetter = 13;
    public const int MidLetter = 14;
    public const int MidNumber = 15;
    public const int Numeric = 16;
    public const int ExtendNumberOrLetter = 17;
    public const int Space = 18;

    public const int ClassMask = 31;

    /// <summary>Extended_Pictographic.</summary>
    public const int Pictographic = 32;

    /// <summary>Makes the segment that contains it a token (turbopuffer-api 6.2).</summary>
    public const int WordLike = 64;
}
