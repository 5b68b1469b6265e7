using System.Globalization;
using System.Numerics;

namespace Puff.Sync.Migrations;

/// <summary>A number of any precision, with the server's NaN (above everything, equal to itself) and infinities.</summary>
internal readonly struct PostgresNumeric : IComparable<PostgresNumeric>
{
    private const int MaxExponent = 20_000;

    private readonly BigInteger unscaled;
    private readonly int scale;

    /// <summary>0 for a number, -1 and 1 for the infinities, 2 for NaN.</summary>
    private readonly int special;

    private PostgresNumeric(BigInteger unscaled, int scale, int special)
    {
        this.unscaled = unscaled;
        this.scale = scale;
        this.special = special;
    }

    public static bool TryParse(string text, out PostgresNumeric number)
    {
        number = default;
        string word = text.Trim().ToLowerInvariant();
        int special = word switch { "nan" => 2, "infinity" or "+infinity" or "inf" or "+inf" => 1, "-infinity" or "-inf" => -1, _ => 0 };
        if (special != 0)
        {
            number = new PostgresNumeric(0, 0, special);
            return true;
        }

        int exponent = 0;
        int mark = word.IndexOf('e', StringComparison.Ordinal);
        if (mark >= 0)
        {
            if (!int.TryParse(word.AsSpan(mark + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out exponent)
                || Math.Abs((long)exponent) > MaxExponent)
            {
                return false;
            }

            word = word[..mark];
        }

        int point = word.IndexOf('.', StringComparison.Ordinal);
        string digits = point < 0 ? word : word.Remove(point, 1);
        bool isNumber = digits.AsSpan().TrimStart("+-").Length is > 0 and < 200_000
            && BigInteger.TryParse(digits, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out _);
        if (!isNumber)
        {
            return false;
        }

        number = new PostgresNumeric(
            BigInteger.Parse(digits, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture), (point < 0 ? 0 : word.Length - point - 1) - exponent, 0);
        return true;
    }

    public int CompareTo(PostgresNumeric other)
    {
        if (special != 0 || other.special != 0)
        {
            return special.CompareTo(other.special);
        }

        int common = Math.Max(scale, other.scale);
        return (unscaled * BigInteger.Pow(10, common - scale)).CompareTo(other.unscaled * BigInteger.Pow(10, common - other.scale));
    }
}
