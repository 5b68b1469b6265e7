using System.Buffers;
using System.Text.RegularExpressions;

namespace Puff.Engine.Filters;

/// <summary>A regular expression of linear time matches somewhere in the string.</summary>
internal sealed class RegexMatcher : PatternMatcher
{
    public const int MaxPatternChars = 8_192;

    private const int MaxStackChars = 512;

    private readonly Regex regex;

    /// <exception cref="FormatException">The pattern is malformed, too large, or needs backtracking; the message says which.</exception>
    public RegexMatcher(string pattern)
    {
        if (pattern.Length > MaxPatternChars)
        {
            throw new FormatException($"a pattern has at most {MaxPatternChars} characters");
        }

        RegexSize.Check(pattern);
        try
        {
            regex = new Regex(pattern, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);
        }
        catch (NotSupportedException)
        {
            throw new FormatException("look-around, back-references, atomic groups and conditionals are not available, because they cannot run in linear time");
        }
        catch (RegexParseException error)
        {
            throw new FormatException($"{error.Error} at character {error.Offset}");
        }

        Pieces = RegexLiterals.Of(pattern) is { } literals ? TextPieces.TryCreate(literals) : null;
    }

    protected override bool Matches(ReadOnlySpan<byte> value)
    {
        // A UTF-8 text never has more UTF-16 units than bytes.
        char[]? rented = value.Length > MaxStackChars ? ArrayPool<char>.Shared.Rent(value.Length) : null;
        Span<char> chars = rented ?? stackalloc char[MaxStackChars];
        try
        {
            return regex.IsMatch(chars[..System.Text.Encoding.UTF8.GetChars(value, chars)]);
        }
        finally
        {
            if (rented is not null)
            {
                ArrayPool<char>.Shared.Return(rented);
            }
        }
    }
}
