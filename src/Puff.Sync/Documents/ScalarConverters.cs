using System.Buffers.Text;
using System.Globalization;
using Puff.Engine.Schema;
using Puff.Sync.Migrations;

namespace Puff.Sync.Documents;

internal sealed class BoolConverter(string column) : ValueConverter
{
    public override Value Convert(ReadOnlySpan<byte> text) => text switch
    {
        [(byte)'t', ..] => Value.Bool(true),
        [(byte)'f', ..] => Value.Bool(false),
        _ => throw Unreadable(column, "bool"),
    };
}

/// <summary>Integers of all 64 bits, with sign.</summary>
internal sealed class IntConverter(string column) : ValueConverter
{
    public override Value Convert(ReadOnlySpan<byte> text) =>
        Utf8Parser.TryParse(text, out long value, out int used) && used == text.Length
            ? Value.Int(value)
            : throw new RowException("number_out_of_range", $"a value of column \"{column}\" is no 64-bit integer", "use [attributes] numeric = \"string\"");
}

internal sealed class UIntConverter(string column) : ValueConverter
{
    public override Value Convert(ReadOnlySpan<byte> text) =>
        Utf8Parser.TryParse(text, out ulong value, out int used) && used == text.Length
            ? Value.UInt(value)
            : throw new RowException("number_out_of_range", $"a value of column \"{column}\" is no unsigned 64-bit integer", "use the type int");
}

/// <summary>float4, float8 and integers as doubles: the shortest text that reads back, so nothing is lost.</summary>
internal class FloatConverter(string column, InfinityPolicy infinity, ConversionCounters counters) : ValueConverter
{
    public override Value Convert(ReadOnlySpan<byte> text)
    {
        if (!double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double value))
        {
            throw Unreadable(column, "number");
        }

        if (double.IsFinite(value))
        {
            return Value.Float(value);
        }

        if (infinity == InfinityPolicy.Fail)
        {
            throw new RowException("not_finite", $"a value of column \"{column}\" is infinite or NaN", "use [attributes] infinity = \"null\"");
        }

        counters.CountNonFinite();
        return Value.Null;
    }
}

/// <summary>Numerics as the nearest double; what has more digits than a double holds is counted.</summary>
internal sealed class NumericConverter(string column, InfinityPolicy infinity, ConversionCounters counters) : FloatConverter(column, infinity, counters)
{
    private const int ExactDigits = 15;
    private readonly ConversionCounters counters = counters;

    public override Value Convert(ReadOnlySpan<byte> text)
    {
        if (text.Length > ExactDigits && DigitsOf(text) > ExactDigits)
        {
            counters.CountNumericRounded();
        }

        return base.Convert(text);
    }

    /// <summary>Digits between the first and the last that is not zero.</summary>
    private static int DigitsOf(ReadOnlySpan<byte> text)
    {
        int digits = 0;
        int zeros = 0;
        foreach (byte character in text)
        {
            if (character == '0')
            {
                zeros += digits > 0 ? 1 : 0;
            }
            else if (character is > (byte)'0' and <= (byte)'9')
            {
                digits += zeros + 1;
                zeros = 0;
            }
        }

        return digits;
    }
}

internal sealed class UuidConverter(string column) : ValueConverter
{
    public override Value Convert(ReadOnlySpan<byte> text)
    {
        byte[] uuid = new byte[16];
        return UuidText.TryParse(text, uuid) ? Value.Uuid(uuid) : throw Unreadable(column, "UUID");
    }
}

/// <summary>bytea in its hex form.</summary>
internal sealed class BytesConverter(string column) : ValueConverter
{
    public override Value Convert(ReadOnlySpan<byte> text) => Value.Bytes(Decode(column, text));

    public static byte[] Decode(string column, ReadOnlySpan<byte> text)
    {
        if (!text.StartsWith("\\x"u8) || (text.Length & 1) != 0)
        {
            throw Unreadable(column, "bytea in hex form");
        }

        byte[] bytes = new byte[text.Length / 2 - 1];
        return System.Convert.FromHexString(text[2..], bytes, out _, out int written) == System.Buffers.OperationStatus.Done && written == bytes.Length
            ? bytes
            : throw Unreadable(column, "bytea in hex form");
    }
}

/// <summary>bytea as base64 text.</summary>
internal sealed class Base64Converter(string column) : ValueConverter
{
    public override Value Convert(ReadOnlySpan<byte> text) => Value.String(System.Convert.ToBase64String(BytesConverter.Decode(column, text)));
}
