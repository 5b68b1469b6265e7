using System.Buffers.Text;
using System.Globalization;
using System.Text;

namespace Puff.Sync.Migrations;

/// <summary>A literal converted to its column's type; compares a row's value, in the server's text form, with it.</summary>
internal abstract class FilterOperand
{
    /// <summary>Less than zero when the row's value is less than the literal.</summary>
    public abstract int CompareTo(ReadOnlySpan<byte> value);
}

internal sealed class BooleanOperand(bool literal) : FilterOperand
{
    public override int CompareTo(ReadOnlySpan<byte> value) => (value is [(byte)'t', ..]).CompareTo(literal);
}

internal sealed class IntegerOperand(long literal) : FilterOperand
{
    public override int CompareTo(ReadOnlySpan<byte> value) => Utf8Parser.TryParse(value, out long number, out int used) && used == value.Length
        ? number.CompareTo(literal)
        : throw new FormatException("the value is no integer");
}

/// <summary>Floats, with the server's order: NaN equals itself and is above everything.</summary>
internal sealed class FloatOperand(double literal, bool isSingle) : FilterOperand
{
    public override int CompareTo(ReadOnlySpan<byte> value)
    {
        double number = isSingle ? float.Parse(value, NumberStyles.Float, CultureInfo.InvariantCulture)
            : double.Parse(value, NumberStyles.Float, CultureInfo.InvariantCulture);
        return double.IsNaN(number) ? double.IsNaN(literal) ? 0 : 1 : double.IsNaN(literal) ? -1 : number.CompareTo(literal);
    }
}

internal sealed class NumericOperand(PostgresNumeric literal) : FilterOperand
{
    public override int CompareTo(ReadOnlySpan<byte> value) => PostgresNumeric.TryParse(Encoding.ASCII.GetString(value), out PostgresNumeric number)
        ? number.CompareTo(literal)
        : throw new FormatException("the value is no number");
}

/// <summary>By bytes. Numbers of a sign and of the same kind of spelling never come here.</summary>
internal sealed class TextOperand(string literal, bool isPadded) : FilterOperand
{
    private readonly byte[] bytes = Encoding.UTF8.GetBytes(isPadded ? literal.TrimEnd(' ') : literal);

    public override int CompareTo(ReadOnlySpan<byte> value) => (isPadded ? value.TrimEnd((byte)' ') : value).SequenceCompareTo(bytes);
}

/// <summary>Dates and times as microseconds.</summary>
internal sealed class TimeOperand(long microseconds) : FilterOperand
{
    public override int CompareTo(ReadOnlySpan<byte> value) => PostgresTime.TryParse(Encoding.ASCII.GetString(value), out PostgresTime time)
        ? time.Microseconds.CompareTo(microseconds)
        : throw new FormatException("the value is no date or time");
}

/// <summary>Labels, in the order the type declares them.</summary>
internal sealed class LabelOperand(string literal, IReadOnlyList<string> labels) : FilterOperand
{
    private readonly byte[] bytes = Encoding.UTF8.GetBytes(literal);
    private readonly int place = IndexOf(labels, literal);

    public override int CompareTo(ReadOnlySpan<byte> value) =>
        // Equality needs no list: a label that was added later is another one.
        value.SequenceEqual(bytes) ? 0 : IndexOf(labels, Encoding.UTF8.GetString(value)) is >= 0 and var index ? index.CompareTo(place) : 1;

    private static int IndexOf(IReadOnlyList<string> labels, string label)
    {
        for (int index = 0; index < labels.Count; index++)
        {
            if (labels[index] == label)
            {
                return index;
            }
        }

        return -1;
    }
}
