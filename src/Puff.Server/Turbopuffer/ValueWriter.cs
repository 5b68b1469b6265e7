using System.Buffers;
using System.Globalization;
using Puff.Engine.Encoding;
using Puff.Engine.Schema;
using Puff.Server.Http;

namespace Puff.Server.Turbopuffer;

/// <summary>Writes ids and values (turbopuffer-api 2.4, 2.5).</summary>
/// <param name="base64Vectors">`vector_encoding: "base64"`: vectors as the bytes of 32-bit floats, whatever the column's width.</param>
internal readonly struct ValueWriter(JsonOutput output, bool base64Vectors = false)
{
    private const int UuidBytes = 16;

    /// <summary>Nine digits of a second, of which the engine keeps three.</summary>
    private const string DateTimeFormat = "yyyy-MM-dd'T'HH:mm:ss.fff'000000Z'";

    public void WriteId(DocumentId id)
    {
        switch (id.Kind)
        {
            case IdKind.UInt:
                output.Number(id.AsUInt);
                break;
            case IdKind.String:
                output.Text(id.AsUtf8);
                break;
            default:
                Span<byte> uuid = stackalloc byte[UuidBytes];
                id.CopyUuidTo(uuid);
                WriteUuid(uuid);
                break;
        }
    }

    public void Write(in Value value)
    {
        switch (value.Kind)
        {
            case ValueKind.Null:
                output.Null();
                break;
            case ValueKind.Bool:
                output.Bool(value.AsBool);
                break;
            case ValueKind.Int:
                output.Number(value.AsInt);
                break;
            case ValueKind.UInt:
                output.Number(value.AsUInt);
                break;
            case ValueKind.Float:
                output.Number(value.AsFloat);
                break;
            case ValueKind.DateTime:
                WriteDateTime(value.AsDateTime);
                break;
            case ValueKind.String:
                output.Text(value.AsBytes.AsSpan());
                break;
            case ValueKind.Uuid:
                WriteUuid(value.AsBytes);
                break;
            case ValueKind.Bytes:
                output.Base64Text(value.AsBytes);
                break;
            case ValueKind.Sparse:
                WriteSparse(value.AsSparse);
                break;
            case ValueKind.VectorF32:
                WriteVector(value.AsVectorF32);
                break;
            case ValueKind.VectorF16:
                WriteVector(value.AsVectorF16);
                break;
            case ValueKind.VectorI8:
                WriteVector(value.AsVectorI8);
                break;
            case ValueKind.MultiVector:
                WriteMany(value.AsMultiVector);
                break;
            default:
                WriteArray(value);
                break;
        }
    }

    public void WriteVector(ReadOnlySpan<float> vector)
    {
        var raw = output.BeginRaw();
        if (!base64Vectors)
        {
            VectorText.WriteJson(vector, raw);
            return;
        }

        raw.Write("\""u8);
        VectorText.WriteBase64(vector, raw);
        raw.Write("\""u8);
    }

    private void WriteVector(ReadOnlySpan<Half> vector)
    {
        var raw = output.BeginRaw();
        if (!base64Vectors)
        {
            VectorText.WriteJson(vector, raw);
            return;
        }

        raw.Write("\""u8);
        VectorText.WriteBase64(vector, raw);
        raw.Write("\""u8);
    }

    private void WriteVector(ReadOnlySpan<sbyte> vector)
    {
        var raw = output.BeginRaw();
        if (!base64Vectors)
        {
            VectorText.WriteJson(vector, raw);
            return;
        }

        raw.Write("\""u8);
        VectorText.WriteBase64(vector, raw);
        raw.Write("\""u8);
    }

    private void WriteMany(MultiVector many)
    {
        output.BeginArray();
        for (int i = 0; i < many.Count; i++)
        {
            WriteVector(many.Data.AsSpan(i * many.Dimensions, many.Dimensions));
        }

        output.EndArray();
    }

    private void WriteSparse(SparseVector sparse)
    {
        output.BeginObject();
        for (int i = 0; i < sparse.Keys.Length; i++)
        {
            output.Name(System.Text.Encoding.UTF8.GetString(sparse.Keys[i]));
            output.Number(sparse.Weights[i]);
        }

        output.EndObject();
    }

    private void WriteArray(in Value value)
    {
        output.BeginArray();
        switch (value.Kind)
        {
            case ValueKind.BoolArray:
                foreach (bool element in value.AsBools)
                {
                    output.Bool(element);
                }

                break;
            case ValueKind.IntArray:
                foreach (long element in value.AsInts)
                {
                    output.Number(element);
                }

                break;
            case ValueKind.UIntArray:
                foreach (ulong element in value.AsUInts)
                {
                    output.Number(element);
                }

                break;
            case ValueKind.FloatArray:
                foreach (double element in value.AsFloats)
                {
                    output.Number(element);
                }

                break;
            case ValueKind.EmptyArray:
                break;
            default:
                WriteTexts(value);
                break;
        }

        output.EndArray();
    }

    private void WriteTexts(in Value value)
    {
        if (value.Kind == ValueKind.DateTimeArray)
        {
            foreach (long element in value.AsInts)
            {
                WriteDateTime(element);
            }

            return;
        }

        bool isUuid = value.Kind == ValueKind.UuidArray;
        foreach (byte[] element in value.AsBytesArray)
        {
            if (isUuid)
            {
                WriteUuid(element);
            }
            else
            {
                output.Text(element.AsSpan());
            }
        }
    }

    private void WriteDateTime(long milliseconds)
    {
        Span<byte> text = stackalloc byte[32];
        DateTimeOffset.FromUnixTimeMilliseconds(milliseconds).TryFormat(text, out int length, DateTimeFormat, CultureInfo.InvariantCulture);
        output.Text(text[..length]);
    }

    private void WriteUuid(ReadOnlySpan<byte> uuid)
    {
        Span<byte> text = stackalloc byte[36];
        new Guid(uuid, bigEndian: true).TryFormat(text, out int length, "D");
        output.Text(text[..length]);
    }
}
