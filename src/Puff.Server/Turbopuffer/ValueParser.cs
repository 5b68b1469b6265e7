using System.Text.Json;
using Puff.Engine;
using Puff.Engine.Schema;
using Puff.Server.Http;

namespace Puff.Server.Turbopuffer;

/// <summary>Attribute values and ids as their JSON shows them; integers keep all 64 bits. What a column makes of them is the schema's business.</summary>
internal static class ValueParser
{
    public static Value Read(ref JsonCursor cursor, string field, ValueHint hint) => cursor.Token switch
    {
        JsonTokenType.Null => Value.Null,
        JsonTokenType.True => Value.Bool(true),
        JsonTokenType.False => Value.Bool(false),
        JsonTokenType.Number => ReadNumber(ref cursor, field),
        JsonTokenType.String when hint == ValueHint.Dense => Value.Vector(VectorParser.ReadBase64(ref cursor, field)),
        JsonTokenType.String => Value.Utf8(cursor.GetUtf8()),
        JsonTokenType.StartArray => ReadArray(ref cursor, field, hint),
        JsonTokenType.StartObject => Value.Sparse(SparseParser.Read(ref cursor, field)),
        _ => throw JsonShape.Unexpected(ref cursor, field, "a value"),
    };

    public static Value ReadNumber(ref JsonCursor cursor, string field)
    {
        if (cursor.TryGetInt64(out long signed))
        {
            return Value.Int(signed);
        }

        return cursor.TryGetUInt64(out ulong unsigned) ? Value.UInt(unsigned) : Value.Float(cursor.GetDouble(field));
    }

    public static Value ReadId(ref JsonCursor cursor, string field)
    {
        switch (cursor.Token)
        {
            case JsonTokenType.String:
                return Value.Utf8(cursor.GetUtf8());
            case JsonTokenType.Number when ReadNumber(ref cursor, field) is { Kind: not ValueKind.Float } number:
                return number;
            default:
                throw PuffException.Invalid($"{field}: an id is an unsigned 64-bit integer, a UUID or a string (byte {cursor.Offset})");
        }
    }

    private static Value ReadArray(ref JsonCursor cursor, string field, ValueHint hint)
    {
        var ahead = cursor;
        ahead.Read();
        switch (ahead.Token)
        {
            case JsonTokenType.Number when hint is ValueHint.Dense or ValueHint.NamedVector:
                return Value.Vector(VectorParser.ReadNumbers(ref cursor, field));
            case JsonTokenType.StartArray:
            case JsonTokenType.String when hint == ValueHint.Multi:
                cursor = ahead;
                return Value.MultiVector(VectorParser.ReadMany(ref cursor, field));
            default:
                return ListParser.Read(ref cursor, field, ErrorKind.Invalid);
        }
    }
}
