using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using Puff.Engine.Schema;

namespace Puff.Sync.Destinations;

/// <summary>Values on the wire: integers exact, datetimes in ISO form, vectors and bytes as base64.</summary>
internal static class ValueJson
{
    public static void Write(Utf8JsonWriter writer, in Value value)
    {
        switch (value.Kind)
        {
            case ValueKind.Null:
                writer.WriteNullValue();
                break;
            case ValueKind.Bool:
                writer.WriteBooleanValue(value.AsBool);
                break;
            case ValueKind.Int:
                writer.WriteNumberValue(value.AsInt);
                break;
            case ValueKind.UInt:
                writer.WriteNumberValue(value.AsUInt);
                break;
            case ValueKind.Float:
                WriteFloat(writer, value.AsFloat);
                break;
            case ValueKind.DateTime:
                WriteDateTime(writer, value.AsDateTime);
                break;
            case ValueKind.String:
                writer.WriteStringValue(value.AsBytes);
                break;
            case ValueKind.Uuid:
                WriteUuid(writer, value.AsBytes);
                break;
            case ValueKind.Bytes:
                writer.WriteBase64StringValue(value.AsBytes);
                break;
            case ValueKind.VectorF32:
                writer.WriteBase64StringValue(MemoryMarshal.AsBytes<float>(value.AsVectorF32));
                break;
            case ValueKind.VectorF16:
                WriteFloats(writer, Array.ConvertAll(value.AsVectorF16, v => (float)v));
                break;
            case ValueKind.VectorI8:
                WriteFloats(writer, Array.ConvertAll(value.AsVectorI8, v => (float)v));
                break;
            case ValueKind.Sparse:
                WriteSparse(writer, value.AsSparse);
                break;
            case ValueKind.MultiVector:
                WriteMultiVector(writer, value.AsMultiVector);
                break;
            default:
                WriteArray(writer, value);
                break;
        }
    }

    /// <summary>Of a response: a number is an integer or a float, an array has the kind of its elements, an object is a sparse vector.</summary>
    public static Value Read(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.True or JsonValueKind.False => Value.Bool(element.GetBoolean()),
        JsonValueKind.String => Value.String(element.GetString()!),
        JsonValueKind.Number => element.TryGetInt64(out long integer) ? Value.Int(integer)
            : element.TryGetUInt64(out ulong large) ? Value.UInt(large) : Value.Float(element.GetDouble()),
        JsonValueKind.Array => ReadArray([.. element.EnumerateArray()]),
        JsonValueKind.Object => ReadSparse(element),
        _ => Value.Null,
    };

    /// <summary>An id of a response: integers are unsigned, everything else is text.</summary>
    public static Value ReadId(JsonElement element) =>
        element.ValueKind == JsonValueKind.Number ? Value.UInt(element.GetUInt64()) : Value.String(element.GetString()!);

    private static Value ReadArray(JsonElement[] elements)
    {
        if (elements.Length == 0)
        {
            return Value.EmptyArray;
        }

        var first = elements[0].ValueKind;
        return first switch
        {
            JsonValueKind.String => Value.StringArray(Array.ConvertAll(elements, e => System.Text.Encoding.UTF8.GetBytes(e.GetString()!))),
            JsonValueKind.True or JsonValueKind.False => Value.Array(Array.ConvertAll(elements, e => e.GetBoolean())),
            JsonValueKind.Number when Array.TrueForAll(elements, e => e.TryGetInt64(out _)) => Value.Array(Array.ConvertAll(elements, e => e.GetInt64())),
            JsonValueKind.Number => Value.Array(Array.ConvertAll(elements, e => e.GetDouble())),
            _ => Value.Null,
        };
    }

    private static Value ReadSparse(JsonElement element)
    {
        var entries = element.EnumerateObject().OrderBy(e => e.Name, StringComparer.Ordinal).ToArray();
        return Value.Sparse(new SparseVector(
            Array.ConvertAll(entries, e => System.Text.Encoding.UTF8.GetBytes(e.Name)), Array.ConvertAll(entries, e => e.Value.GetSingle())));
    }

    /// <summary>Also whole numbers, as `2.0`: an integer would be refused where a float was not declared yet.</summary>
    private static void WriteFloat(Utf8JsonWriter writer, double value)
    {
        Span<byte> text = stackalloc byte[40];
        value.TryFormat(text, out int length, "R", CultureInfo.InvariantCulture);
        if (text[..length].IndexOfAny((byte)'.', (byte)'E') < 0)
        {
            ".0"u8.CopyTo(text[length..]);
            length += 2;
        }

        writer.WriteRawValue(text[..length], skipInputValidation: true);
    }

    private static void WriteDateTime(Utf8JsonWriter writer, long milliseconds)
    {
        Span<byte> text = stackalloc byte[DateTimeText.Length];
        DateTimeText.Format(milliseconds, text);
        writer.WriteStringValue(text);
    }

    private static void WriteUuid(Utf8JsonWriter writer, byte[] uuid)
    {
        Span<byte> text = stackalloc byte[UuidText.Length];
        UuidText.Format(uuid, text);
        writer.WriteStringValue(text);
    }

    private static void WriteFloats(Utf8JsonWriter writer, float[] values) => writer.WriteBase64StringValue(MemoryMarshal.AsBytes<float>(values));

    private static void WriteSparse(Utf8JsonWriter writer, SparseVector sparse)
    {
        writer.WriteStartObject();
        for (int i = 0; i < sparse.Keys.Length; i++)
        {
            writer.WritePropertyName(sparse.Keys[i]);
            writer.WriteNumberValue(sparse.Weights[i]);
        }

        writer.WriteEndObject();
    }

    private static void WriteMultiVector(Utf8JsonWriter writer, MultiVector vectors)
    {
        writer.WriteStartArray();
        for (int i = 0; i < vectors.Count; i++)
        {
            writer.WriteStartArray();
            foreach (float number in vectors.Data.AsSpan(i * vectors.Dimensions, vectors.Dimensions))
            {
                writer.WriteNumberValue(number);
            }

            writer.WriteEndArray();
        }

        writer.WriteEndArray();
    }

    private static void WriteArray(Utf8JsonWriter writer, in Value value)
    {
        writer.WriteStartArray();
        switch (value.Kind)
        {
            case ValueKind.BoolArray:
                Array.ForEach(value.AsBools, writer.WriteBooleanValue);
                break;
            case ValueKind.IntArray:
                Array.ForEach(value.AsInts, writer.WriteNumberValue);
                break;
            case ValueKind.UIntArray:
                Array.ForEach(value.AsUInts, writer.WriteNumberValue);
                break;
            case ValueKind.FloatArray:
                Array.ForEach(value.AsFloats, v => WriteFloat(writer, v));
                break;
            case ValueKind.DateTimeArray:
                Array.ForEach(value.AsInts, v => WriteDateTime(writer, v));
                break;
            case ValueKind.UuidArray:
                Array.ForEach(value.AsBytesArray, v => WriteUuid(writer, v));
                break;
            case ValueKind.StringArray:
                Array.ForEach(value.AsBytesArray, v => writer.WriteStringValue(v));
                break;
        }

        writer.WriteEndArray();
    }
}
