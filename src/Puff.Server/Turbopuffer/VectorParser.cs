using System.Buffers;
using System.Text.Json;
using Puff.Engine;
using Puff.Engine.Encoding;
using Puff.Engine.Queries;
using Puff.Engine.Schema;
using Puff.Server.Http;

namespace Puff.Server.Turbopuffer;

/// <summary>Vectors in every form the wire allows (turbopuffer-api 2.5): arrays of numbers, base64 of 32-bit floats, arrays of either.</summary>
internal static class VectorParser
{
    /// <summary>At `[`: an array of numbers, of any length.</summary>
    public static float[] ReadNumbers(ref JsonCursor cursor, string field)
    {
        using var numbers = NumberArrayParser.Parse(cursor.Rest);
        if (numbers.Status != NumberArrayStatus.Complete || numbers.IsNested || numbers.SingleOverflowOffset >= 0)
        {
            throw NotAVector(ref cursor, field);
        }

        cursor.JumpToEndOfArray(numbers.Offset - 1);
        return numbers.Singles.ToArray();
    }

    /// <summary>At a string: base64 of the little-endian floats.</summary>
    public static float[] ReadBase64(ref JsonCursor cursor, string field)
    {
        if (!cursor.IsEscaped)
        {
            return DecodeBase64(cursor.RawText, field);
        }

        // Some writers escape the slash of base64 as \/.
        byte[] rented = ArrayPool<byte>.Shared.Rent(cursor.RawText.Length);
        try
        {
            return DecodeBase64(rented.AsSpan(0, cursor.CopyText(rented)), field);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    /// <summary>At `[` of an array of vectors; the first element has been read and is `[` or a string.</summary>
    public static MultiVector ReadMany(ref JsonCursor cursor, string field)
    {
        var vectors = new List<float[]>();
        do
        {
            vectors.Add(cursor.Token switch
            {
                JsonTokenType.StartArray => ReadNumbers(ref cursor, field),
                JsonTokenType.String => ReadBase64(ref cursor, field),
                _ => throw PuffException.Invalid($"{field}: element {vectors.Count} of an array of vectors is not a vector"),
            });
        }
        while (cursor.ReadElement());

        int dimensions = vectors[0].Length;
        if (dimensions == 0)
        {
            throw PuffException.Invalid($"{field}: a vector has at least one dimension");
        }

        float[] data = new float[checked(dimensions * vectors.Count)];
        for (int i = 0; i < vectors.Count; i++)
        {
            if (vectors[i].Length != dimensions)
            {
                throw PuffException.Invalid($"{field}: vector {i} has {vectors[i].Length} dimensions, but the first has {dimensions}");
            }

            vectors[i].CopyTo(data, i * dimensions);
        }

        return new MultiVector(dimensions, data);
    }

    /// <summary>The operand of a vector ranking: one vector, or an array of them for late interaction.</summary>
    public static VectorOperand ReadOperand(ref JsonCursor cursor, string field)
    {
        if (cursor.Token == JsonTokenType.String)
        {
            return Single(ReadBase64(ref cursor, field));
        }

        if (cursor.Token != JsonTokenType.StartArray)
        {
            throw JsonShape.Unexpected(ref cursor, field, "a vector");
        }

        var ahead = cursor;
        ahead.Read();
        switch (ahead.Token)
        {
            case JsonTokenType.String when ahead.GetText() == "Embed":
                throw PuffException.Invalid($"{field}: Embed is not available because this server has no embedding model; send the query vector instead");
            case JsonTokenType.String or JsonTokenType.StartArray:
                cursor = ahead;
                var many = ReadMany(ref cursor, field);
                return new VectorOperand(many.Data, many.Dimensions, IsMulti: true);
            default:
                return Single(ReadNumbers(ref cursor, field));
        }
    }

    private static VectorOperand Single(float[] data) => new(data, data.Length, IsMulti: false);

    private static float[] DecodeBase64(ReadOnlySpan<byte> text, string field) =>
        VectorText.TryDecodeBase64(text, out float[]? vector, out string? error) ? vector : throw PuffException.Invalid($"{field} {error}");

    /// <summary>Reads the array once more, element by element, to say what is wrong where.</summary>
    private static PuffException NotAVector(ref JsonCursor cursor, string field)
    {
        for (int i = 0; cursor.ReadElement(); i++)
        {
            if (cursor.Token != JsonTokenType.Number)
            {
                return PuffException.Invalid($"{field}: element {i} of a vector is not a number (byte {cursor.Offset})");
            }

            cursor.GetSingle(field);
        }

        return PuffException.Internal($"{field}: two readers disagree about the array of numbers that ends at byte {cursor.Offset}");
    }
}
