using System.Buffers;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using Puff.Engine.Schema;
using Puff.Sync.Migrations;

namespace Puff.Sync.Transforms;

/// <summary>
/// One attribute's value as the transform host writes it. Objects are values that JSON does not have: {"b": digits}, {"x": base64 of bytes},
/// {"v": base64 of 32-bit floats}, {"d": base64 of 64-bit floats}, {"s": {key: weight}}.
/// </summary>
internal static class TransformValueReader
{
    public static Value Read(ref Utf8JsonReader reader, string name, ArrayNullPolicy nulls) => reader.TokenType switch
    {
        JsonTokenType.Null => Value.Null,
        JsonTokenType.True => Value.Bool(true),
        JsonTokenType.False => Value.Bool(false),
        JsonTokenType.Number => Number(ref reader),
        JsonTokenType.String => Value.Utf8(Text(ref reader)),
        JsonTokenType.StartArray => Elements(ref reader, name, nulls),
        JsonTokenType.StartObject => Tagged(ref reader, name),
        _ => throw new FormatException("a value is missing"),
    };

    /// <summary>UTF-8 of a string; text that is no Unicode (half of a pair) is refused.</summary>
    public static byte[] Text(ref Utf8JsonReader reader)
    {
        if (reader.TokenType != JsonTokenType.String)
        {
            throw new FormatException("a text is missing");
        }

        if (!reader.ValueIsEscaped)
        {
            return reader.ValueSpan.ToArray();
        }

        byte[] buffer = ArrayPool<byte>.Shared.Rent(reader.ValueSpan.Length);
        try
        {
            return buffer.AsSpan(0, reader.CopyString(buffer)).ToArray();
        }
        catch (InvalidOperationException)
        {
            throw new ActionValueException("value_type", "a text holds half of a surrogate pair, which UTF-8 cannot");
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static Value Number(ref Utf8JsonReader reader) =>
        reader.TryGetInt64(out long signed) ? Value.Int(signed)
        : reader.TryGetUInt64(out ulong unsigned) ? Value.UInt(unsigned)
        : Value.Float(reader.GetDouble());

    private static Value Tagged(ref Utf8JsonReader reader, string name)
    {
        Require(reader.Read() && reader.TokenType == JsonTokenType.PropertyName && reader.ValueSpan.Length == 1);
        byte tag = reader.ValueSpan[0];
        Require(reader.Read());
        var value = tag switch
        {
            (byte)'b' => BigInt(reader.GetString()!, name),
            (byte)'x' => Value.Bytes(reader.GetBytesFromBase64()),
            (byte)'v' => Value.Vector(MemoryMarshal.Cast<byte, float>(reader.GetBytesFromBase64()).ToArray()),
            (byte)'d' => Value.Array(MemoryMarshal.Cast<byte, double>(reader.GetBytesFromBase64()).ToArray()),
            (byte)'s' => Sparse(ref reader),
            _ => throw new FormatException("an unknown kind of value"),
        };
        Require(reader.Read() && reader.TokenType == JsonTokenType.EndObject);
        return value;
    }

    private static Value BigInt(string digits, string name) =>
        long.TryParse(digits, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long signed) ? Value.Int(signed)
        : ulong.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out ulong unsigned) ? Value.UInt(unsigned)
        : throw new ActionValueException("value_type", $"attribute {name}: {digits} does not fit 64 bits");

    private static Value Sparse(ref Utf8JsonReader reader)
    {
        Require(reader.TokenType == JsonTokenType.StartObject);
        var entries = new SortedDictionary<byte[], float>(Comparer<byte[]>.Create(static (left, right) => left.AsSpan().SequenceCompareTo(right)));
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            byte[] key = System.Text.Encoding.UTF8.GetBytes(reader.GetString()!);
            Require(reader.Read());
            entries[key] = (float)reader.GetDouble();
        }

        return Value.Sparse(new SparseVector([.. entries.Keys], [.. entries.Values]));
    }

    private static Value Elements(ref Utf8JsonReader reader, string name, ArrayNullPolicy nulls)
    {
        var start = reader;
        var kinds = Elements(ref reader);
        if (kinds.HasNull && nulls != ArrayNullPolicy.Drop)
        {
            return nulls == ArrayNullPolicy.Fail
                ? throw new ActionValueException("array_null", $"attribute {name}: an element of the array is null")
                : JsonText(start);
        }

        return kinds.First switch
        {
            JsonTokenType.None => Value.EmptyArray,
            _ when kinds.IsMixed => throw new ActionValueException("value_type", $"attribute {name}: the elements of the array differ in type"),
            JsonTokenType.String => Value.StringArray(Texts(start)),
            JsonTokenType.True => Value.Array(Bools(start)),
            JsonTokenType.Number or JsonTokenType.StartObject => Numbers(start, name),
            JsonTokenType.StartArray => Vectors(start, name),
            _ => throw new FormatException("an unknown element"),
        };
    }

    /// <summary>Reads over an array: what its elements are.</summary>
    private static (JsonTokenType First, bool IsMixed, bool HasNull) Elements(ref Utf8JsonReader reader)
    {
        var first = JsonTokenType.None;
        bool isMixed = false;
        bool hasNull = false;
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            var kind = reader.TokenType switch
            {
                JsonTokenType.False => JsonTokenType.True,
                JsonTokenType.StartObject => JsonTokenType.Number,
                var token => token,
            };
            reader.Skip();
            if (kind == JsonTokenType.Null)
            {
                hasNull = true;
                continue;
            }

            first = first == JsonTokenType.None ? kind : first;
            isMixed |= kind != first;
        }

        return (first, isMixed, hasNull);
    }

    private static byte[][] Texts(Utf8JsonReader reader)
    {
        var texts = new List<byte[]>();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType == JsonTokenType.String)
            {
                texts.Add(Text(ref reader));
            }
        }

        return [.. texts];
    }

    private static bool[] Bools(Utf8JsonReader reader)
    {
        var bools = new List<bool>();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType != JsonTokenType.Null)
            {
                bools.Add(reader.TokenType == JsonTokenType.True);
            }
        }

        return [.. bools];
    }

    private static Value Numbers(Utf8JsonReader reader, string name)
    {
        var numbers = new List<Value>();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType != JsonTokenType.Null)
            {
                numbers.Add(reader.TokenType == JsonTokenType.StartObject ? Tagged(ref reader, name) : Number(ref reader));
            }
        }

        if (numbers.TrueForAll(number => number.Kind == ValueKind.Int))
        {
            return Value.Array([.. numbers.Select(number => number.AsInt)]);
        }

        if (numbers.TrueForAll(number => number.Kind == ValueKind.UInt || (number.Kind == ValueKind.Int && number.AsInt >= 0)))
        {
            return Value.Array([.. numbers.Select(number => number.Kind == ValueKind.UInt ? number.AsUInt : (ulong)number.AsInt)]);
        }

        return Value.Array([.. numbers.Select(number => number.Kind switch
        {
            ValueKind.Int => number.AsInt,
            ValueKind.UInt => number.AsUInt,
            _ => number.AsFloat,
        })]);
    }

    private static Value Vectors(Utf8JsonReader reader, string name)
    {
        var rows = new List<float[]>();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType != JsonTokenType.StartArray)
            {
                continue;
            }

            var row = new List<float>();
            while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
            {
                row.Add((float)reader.GetDouble());
            }

            rows.Add([.. row]);
        }

        int dimensions = rows[0].Length;
        return dimensions > 0 && rows.TrueForAll(row => row.Length == dimensions)
            ? Value.MultiVector(new MultiVector(dimensions, [.. rows.SelectMany(row => row)]))
            : throw new ActionValueException("value_type", $"attribute {name}: the inner arrays differ in length");
    }

    /// <summary>The array as compact JSON text: `array_nulls = "keep_as_string"`.</summary>
    private static Value JsonText(Utf8JsonReader reader)
    {
        using var document = JsonDocument.ParseValue(ref reader);
        return Value.String(document.RootElement.GetRawText());
    }

    private static void Require(bool condition)
    {
        if (!condition)
        {
            throw new FormatException("unexpected JSON");
        }
    }
}
