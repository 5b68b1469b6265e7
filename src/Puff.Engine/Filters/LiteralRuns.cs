namespace Puff.Engine.Filters;

/// <summary>A glob of literal text and `*`: the pieces must occur in order, the first at the start and the last at the end unless a `*` stands there.</summary>
internal sealed class LiteralRuns
{
    private readonly byte[][] pieces;

    private LiteralRuns(byte[][] pieces) => this.pieces = pieces;

    /// <summary>Null for a pattern with other special characters, or with a `**` that may skip whole path segments.</summary>
    public static LiteralRuns? TryCreate(ReadOnlySpan<byte> pattern)
    {
        if (pattern.IndexOfAny("?[]{}\\"u8) >= 0 || pattern.StartsWith("**/"u8) || pattern.IndexOf("/**/"u8) >= 0)
        {
            return null;
        }

        var pieces = new List<byte[]>();
        foreach (var range in pattern.Split((byte)'*'))
        {
            pieces.Add(pattern[range].ToArray());
        }

        return new LiteralRuns([.. pieces]);
    }

    public bool Matches(ReadOnlySpan<byte> text)
    {
        if (pieces.Length == 1)
        {
            return text.SequenceEqual(pieces[0]);
        }

        if (text.Length < pieces[0].Length + pieces[^1].Length || !text.StartsWith(pieces[0]) || !text.EndsWith(pieces[^1]))
        {
            return false;
        }

        // The earliest place for each piece leaves the most room for those after it.
        var rest = text[pieces[0].Length..^pieces[^1].Length];
        for (int i = 1; i < pieces.Length - 1; i++)
        {
            int found = rest.IndexOf(pieces[i]);
            if (found < 0)
            {
                return false;
            }

            rest = rest[(found + pieces[i].Length)..];
        }

        return true;
    }
}
