using System.Buffers;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Encodings.Web;
using System.Text.Json;
using Puff.Sync.Changes;

namespace Puff.Sync.Documents;

/// <summary>
/// Values of any type as JSON: of composite types, hstore and arrays that become string attributes, and of every column as a transform sees it. For
/// transforms integers of 64 bits and numerics are strings, dense vectors base64 of 32-bit floats.
/// </summary>
internal static class JsonForm
{
    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    /// <summary>The JSON as text.</summary>
    public static byte[] Write(string column, in SourceType type, ReadOnlySpan<byte> text)
    {
        var buffer = new ArrayBufferWriter<byte>(text.Length + 16);
        using (var writer = new Utf8JsonWriter(buffer, Options))
        {
            Write(writer, column, type, text, forTransform: false);
        }

        return buffer.WrittenSpan.ToArray();
    }

    public static void Write(Utf8JsonWriter writer, string column, in SourceType type, ReadOnlySpan<byte> text, bool forTransform)
    {
        switch (type.Kind)
        {
            case SourceKind.Bool:
                writer.WriteBooleanValue(text is [(byte)'t', ..]);
                break;
            case SourceKind.Int:
                writer.WriteRawValue(text, skipInputValidation: true);
                break;
            case SourceKind.BigInt when !forTransform:
                writer.WriteRawValue(text, skipInputValidation: true);
                break;
            case SourceKind.Float:
            case SourceKind.Numeric when !forTransform:
                WriteNumber(writer, text, forTransform);
                break;
            case SourceKind.Json:
                writer.WriteRawValue(text, skipInputValidation: true);
                break;
            case SourceKind.Bytes:
                writer.WriteBase64StringValue(BytesConverter.Decode(column, text));
                break;
            case SourceKind.Array:
                WriteArray(writer, column, type, text, forTransform);
                break;
            case SourceKind.IntVector:
                WriteIntegers(writer, text);
                break;
            case SourceKind.Composite:
                WriteComposite(writer, column, type, text, forTransform);
                break;
            case SourceKind.Hstore:
                WriteHstore(writer, column, text);
                break;
            case SourceKind.Vector or SourceKind.HalfVector when forTransform:
                WriteVector(writer, column, text);
                break;
            case SourceKind.SparseVector:
                WriteSparse(writer, column, text);
                break;
            default:
                writer.WriteStringValue(TextOf(type, text));
                break;
        }
    }

    /// <summary>White space outside of strings taken away; `json` keeps it, `jsonb` writes blanks after colons and commas.</summary>
    public static byte[] Compact(ReadOnlySpan<byte> json)
    {
        byte[] compact = new byte[json.Length];
        int length = 0;
        bool inString = false;
        for (int i = 0; i < json.Length; i++)
        {
            byte character = json[i];
            if (inString && character == '\\' && i + 1 < json.Length)
            {
                compact[length++] = character;
                compact[length++] = json[++i];
                continue;
            }

            inString ^= character == '"';
            if (inString || character is not ((byte)' ' or (byte)'\n' or (byte)'\r' or (byte)'\t'))
            {
                compact[length++] = character;
            }
        }

        return length == compact.Length ? compact : compact[..length];
    }

    /// <summary>The text that strings carry of a type that has no form of its own in JSON.</summary>
    public static ReadOnlySpan<byte> TextOf(in SourceType type, ReadOnlySpan<byte> text) => type.Kind switch
    {
        SourceKind.PaddedText => text.TrimEnd((byte)' '),
        SourceKind.Timestamp or SourceKind.TimestampTz => IsoText.OfTimestamp(text),
        SourceKind.TimeTz => IsoText.OfTimeTz(text),
        _ => text,
    };

    /// <summary>What separates the elements of an array of this type.</summary>
    public static byte DelimiterOf(TypeShape element) => element.Name == "box" ? (byte)';' : (byte)',';

    private static void WriteNumber(Utf8JsonWriter writer, ReadOnlySpan<byte> text, bool forTransform)
    {
        if (text is [.., (byte)'y'] or [.., (byte)'N'])
        {
            if (forTransform)
            {
                writer.WriteNullValue();
            }
            else
            {
                writer.WriteStringValue(text);
            }

            return;
        }

        writer.WriteRawValue(text, skipInputValidation: true);
    }

    private static void WriteArray(Utf8JsonWriter writer, string column, in SourceType type, ReadOnlySpan<byte> text, bool forTransform)
    {
        var element = type.Element;
        var reader = new ArrayReader(text, column, DelimiterOf(element.Type));
        while (reader.Read() is var token && token != ArrayToken.Done)
        {
            switch (token)
            {
                case ArrayToken.Begin:
                    writer.WriteStartArray();
                    break;
                case ArrayToken.End:
                    writer.WriteEndArray();
                    break;
                case ArrayToken.Null:
                    writer.WriteNullValue();
                    break;
                default:
                    Write(writer, column, element, reader.Element, forTransform);
                    break;
            }
        }
    }

    private static void WriteIntegers(Utf8JsonWriter writer, ReadOnlySpan<byte> text)
    {
        writer.WriteStartArray();
        foreach (var range in text.Split((byte)' '))
        {
            if (text[range].Length > 0)
            {
                writer.WriteRawValue(text[range], skipInputValidation: true);
            }
        }

        writer.WriteEndArray();
    }

    private static void WriteComposite(Utf8JsonWriter writer, string column, in SourceType type, ReadOnlySpan<byte> text, bool forTransform)
    {
        var reader = new CompositeReader(text, column);
        writer.WriteStartObject();
        for (int field = 0; reader.Read(); field++)
        {
            var shape = field < type.Type.Fields.Count ? type.Type.Fields[field] : new FieldShape($"f{field + 1}", new TypeShape(0, "text"));
            writer.WritePropertyName(shape.Name);
            if (reader.IsNull)
            {
                writer.WriteNullValue();
            }
            else
            {
                Write(writer, column, SourceType.Of(shape.Type, shape.TypeModifier), reader.Field, forTransform);
            }
        }

        writer.WriteEndObject();
    }

    private static void WriteHstore(Utf8JsonWriter writer, string column, ReadOnlySpan<byte> text)
    {
        var reader = new HstoreReader(text, column);
        writer.WriteStartObject();
        while (reader.Read())
        {
            writer.WritePropertyName(reader.Key);
            if (reader.Content is { } content)
            {
                writer.WriteStringValue(content);
            }
            else
            {
                writer.WriteNullValue();
            }
        }

        writer.WriteEndObject();
    }

    private static void WriteVector(Utf8JsonWriter writer, string column, ReadOnlySpan<byte> text)
    {
        int dimensions = text.Length <= 2 ? 0 : text.Count((byte)',') + 1;
        var vector = new VectorConverter(column, column, dimensions).Convert(text).AsVectorF32;
        writer.WriteBase64StringValue(MemoryMarshal.AsBytes<float>(vector));
    }

    private static void WriteSparse(Utf8JsonWriter writer, string column, ReadOnlySpan<byte> text)
    {
        var sparse = new SparseConverter(column).Convert(text).AsSparse;
        Span<byte> number = stackalloc byte[32];
        writer.WriteStartObject();
        for (int i = 0; i < sparse.Keys.Length; i++)
        {
            writer.WritePropertyName(sparse.Keys[i]);
            sparse.Weights[i].TryFormat(number, out int length, "R", CultureInfo.InvariantCulture);
            writer.WriteRawValue(number[..length], skipInputValidation: true);
        }

        writer.WriteEndObject();
    }
}
