using System.Text;

namespace Puff.Engine.Filters;

/// <summary>
/// Case-insensitive comparison of single code points: two are equal when their folded forms are. Simple (one to one) mappings only; going through upper case
/// unites variants such as the two lower-case sigmas.
/// </summary>
internal static class CodePointFolding
{
    public static int Fold(int codePoint)
    {
        if (codePoint < 128)
        {
            return codePoint is >= 'A' and <= 'Z' ? codePoint + ('a' - 'A') : codePoint;
        }

        return Rune.IsValid(codePoint) ? Rune.ToLowerInvariant(Rune.ToUpperInvariant(new Rune(codePoint))).Value : codePoint;
    }

    /// <summary>The next code point of UTF-8 text, which is not empty; damaged bytes give U+FFFD.</summary>
    public static int Next(ref ReadOnlySpan<byte> utf8)
    {
        byte first = utf8[0];
        if (first < 128)
        {
            utf8 = utf8[1..];
            return first;
        }

        Rune.DecodeFromUtf8(utf8, out var rune, out int consumed);
        utf8 = utf8[consumed..];
        return rune.Value;
    }

    /// <summary>All code points of a text, folded on demand.</summary>
    public static int[] Decode(ReadOnlySpan<byte> utf8, bool fold)
    {
        var codePoints = new List<int>(utf8.Length);
        while (!utf8.IsEmpty)
        {
            int codePoint = Next(ref utf8);
            codePoints.Add(fold ? Fold(codePoint) : codePoint);
        }

        return [.. codePoints];
    }
}
