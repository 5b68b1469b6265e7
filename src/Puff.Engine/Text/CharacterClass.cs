namespace Puff.Engine.Text;

/// <summary>The flags of the generated character table, in its order.</summary>
internal static class CharacterClass
{
    /// <summary>Alphabetic or a number of any kind.</summary>
    public const int Alphanumeric = 1;

    public const int Ideographic = 2;

    /// <summary>Alphanumeric and assigned in Unicode 10.</summary>
    public const int AlphanumericUnicode10 = 4;
}
