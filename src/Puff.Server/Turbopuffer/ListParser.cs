using System.Text.Json;
using Puff.Engine;
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
        if (!cursor.ReadElement())
        {
            return Value.EmptyArray;
        }

        return cursor.Token switch
        {
            JsonTokenType.String => ReadStrings(ref cursor, field, wrongElement),
            JsonTokenType.True or JsonTokenType.False => ReadBools(ref cursor, field, wrongElement),
            JsonTokenType.Number => ReadNumbers(ref cursor, field, wrongElement),
            _ => throw WrongElement(ref cursor, field, wrongElement),
        };
    }

    private static Value ReadStrings(ref JsonCursor cursor, string field, ErrorKind wrongElement)
    {
        var strings = new List<byte[]>();
        do
        {
            strings.Add(cursor.Token == JsonTokenType.String ? cursor.GetUtf8() : throw WrongElement(ref cursor, field, wrongElement));
        }
        while (cursor.ReadElement());
        return Value.StringArray([.. strings]);
    }

    private static Value ReadBools(ref JsonCursor cursor, string field, ErrorKind wrongElement)
    {
        var bools = new List<bool>();
        do
        {
            bools.Add(cursor.Token is JsonTokenType.True or JsonTokenType.False
                ? cursor.Token == JsonTokenType.True
                : throw WrongElement(ref cursor, field, wrongElement));
        }
        while (cursor.ReadElement());
        return Value.Array(bools.ToArray());
    }

    /// <summary>All integers: signed, or unsigned when one needs it. Any decimal makes all of them doubles.</summary>
    private static Value ReadNumbers(ref JsonCursor cursor, string field, ErrorKind wrongElement)
    {
        var signed = new List<long>();
        do
        {
            if (cursor.Token != JsonTokenType.Number)
            {
                throw WrongElement(ref cursor, field, wrongElement);
            }

            if (!cursor.TryGetInt64(out long value))
            {
                bool isUnsigned = cursor.TryGetUInt64(out _) && signed.TrueForAll(v => v >= 0);
                return isUnsigned
                    ? ReadUnsigned(ref cursor, field, wrongElement, signed)
                    : ReadDoubles(ref cursor, field, wrongElement, signed.ConvertAll(v => (double)v));
            }

            signed.Add(value);
        }
        while (cursor.ReadElement());
        return Value.Array(signed.ToArray());
    }

    private static Value ReadUnsigned(ref JsonCursor cursor, string field, ErrorKind wrongElement, List<long> before)
    {
        var unsigned = before.ConvertAll(v => (ulong)v);
        do
        {
            if (cursor.Token != JsonTokenType.Number)
            {
                throw WrongElement(ref cursor, field, wrongElement);
            }

            if (!cursor.TryGetUInt64(out ulong value))
            {
                return ReadDoubles(ref cursor, field, wrongElement, unsigned.ConvertAll(v => (double)v));
            }

            unsigned.Add(value);
        }
        while (cursor.ReadElement());
        return Value.Array(unsigned.ToArray());
    }

    private static Value ReadDoubles(ref JsonCursor cursor, string field, ErrorKind wrongElement, List<double> doubles)
    {
        do
        {
            doubles.Add(cursor.Token == JsonTokenType.Number ? cursor.GetDouble(field) : throw WrongElement(ref cursor, field, wrongElement));
        }
        while (cursor.ReadElement());
        return Value.Array(doubles.ToArray());
    }

    private static PuffException WrongElement(ref JsonCursor cursor, string field, ErrorKind kind) =>
        new(kind, $"{field}: the elements of an array must all be strings, all booleans or all numbers (byte {cursor.Offset})");
}
