using System.Text.Json;
using Puff.Engine;
using Puff.Engine.Encoding;
using Puff.Engine.Schema;
using Puff.Server.Http;

namespace Puff.Server.Turbopuffer;

/// <summary>Arrays of strings, booleans or numbers, all elements of one kind.</summary>
internal static class ListParser
{
    /// <summary>At `[`.</summary>
    /// <param name="wrongElement">The kind of error for null, nested or mixed elements: in documents the value is invalid, in filters the shape.</param>
    public static Value Read(ref JsonCursor cursor, string field, ErrorKind wrongElement)
    {
        var ahead = cursor;
        ahead.Read();
        switch (ahead.Token)
        {
            case JsonTokenType.EndArray:
                cursor = ahead;
                return Value.EmptyArray;
            case JsonTokenType.String:
                return ReadStrings(ref cursor, field, wrongElement);
            case JsonTokenType.True or JsonTokenType.False:
                return ReadBools(ref cursor, field, wrongElement);
            case JsonTokenType.Number:
                return ReadNumbers(ref cursor, field, wrongElement);
            default:
                throw WrongElement(ref ahead, field, wrongElement);
        }
    }

    private static Value ReadStrings(ref JsonCursor cursor, string field, ErrorKind wrongElement)
    {
        var strings = new List<byte[]>();
        while (cursor.ReadElement())
        {
            strings.Add(cursor.Token == JsonTokenType.String ? cursor.GetUtf8() : throw WrongElement(ref cursor, field, wrongElement));
        }

        return Value.StringArray([.. strings]);
    }

    private static Value ReadBools(ref JsonCursor cursor, string field, ErrorKind wrongElement)
    {
        var bools = new List<bool>();
        while (cursor.ReadElement())
        {
            bools.Add(JsonShape.IsBool(cursor.Token) ? cursor.Token == JsonTokenType.True : throw WrongElement(ref cursor, field, wrongElement));
        }

        return Value.Array(bools.ToArray());
    }

    /// <summary>All integers: signed, or unsigned when one needs it. Any decimal makes all of them doubles.</summary>
    private static Value ReadNumbers(ref JsonCursor cursor, string field, ErrorKind wrongElement)
    {
        using var numbers = NumberArrayParser.Parse(cursor.Rest);
        if (numbers.Status != NumberArrayStatus.Complete || numbers.IsNested)
        {
            throw NotNumbers(ref cursor, field, wrongElement);
        }

        var value = numbers.Kind switch
        {
            NumberKind.Integers => Value.Array(numbers.ToInt64s()),
            NumberKind.UnsignedIntegers => Value.Array(numbers.ToUInt64s()!),
            _ => Value.Array(numbers.ToDoubles() ?? throw NotNumbers(ref cursor, field, wrongElement)),
        };
        cursor.JumpToEndOfArray(numbers.Offset - 1);
        return value;
    }

    /// <summary>Reads the array once more, element by element, to say what is wrong where.</summary>
    private static PuffException NotNumbers(ref JsonCursor cursor, string field, ErrorKind wrongElement)
    {
        while (cursor.ReadElement())
        {
            if (cursor.Token != JsonTokenType.Number)
            {
                return WrongElement(ref cursor, field, wrongElement);
            }

            cursor.GetDouble(field);
        }

        return PuffException.Internal($"{field}: two readers disagree about the array of numbers that ends at byte {cursor.Offset}");
    }

    private static PuffException WrongElement(ref JsonCursor cursor, string field, ErrorKind kind) =>
        new(kind, $"{field}: the elements of an array must all be strings, all booleans or all numbers (byte {cursor.Offset})");
}
