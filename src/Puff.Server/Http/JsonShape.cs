using System.Text;
using System.Text.Json;
using Puff.Engine;

namespace Puff.Server.Http;

/// <summary>
/// Typed reading of single values, and the texts clients match when a value has the wrong shape (turbopuffer-api 1.7): "invalid type: map, expected a
/// sequence", "unknown variant `x`, expected `a` or `b`".
/// </summary>
internal static class JsonShape
{
    /// <summary>Strings longer than this are cut in messages.</summary>
    private const int MaxQuotedChars = 64;

    /// <summary>A Malformed error that describes what the cursor stands on.</summary>
    public static PuffException Unexpected(ref JsonCursor cursor, string field, string expected) =>
        PuffException.Malformed($"{field}: invalid type: {Describe(ref cursor)}, expected {expected} at byte {cursor.Offset}");

    public static PuffException UnknownVariant(string field, string variant, params ReadOnlySpan<string> known)
    {
        var text = new StringBuilder($"{field}: unknown variant `{Cut(variant)}`, expected ");
        text.Append(known.Length switch { 1 => "", 2 => "", _ => "one of " });
        for (int i = 0; i < known.Length; i++)
        {
            text.Append(i == 0 ? "" : known.Length == 2 ? " or " : ", ").Append('`').Append(known[i]).Append('`');
        }

        return PuffException.Malformed(text.ToString());
    }

    public static PuffException MissingField(string field, string name) => PuffException.Malformed($"{field}: missing field `{name}`");

    public static void ExpectObject(ref JsonCursor cursor, string field, string expected = "a map")
    {
        if (cursor.Token != JsonTokenType.StartObject)
        {
            throw Unexpected(ref cursor, field, expected);
        }
    }

    public static void ExpectArray(ref JsonCursor cursor, string field)
    {
        if (cursor.Token != JsonTokenType.StartArray)
        {
            throw Unexpected(ref cursor, field, "a sequence");
        }
    }

    public static bool IsBool(JsonTokenType token) => token is JsonTokenType.True or JsonTokenType.False;

    public static bool ReadBool(ref JsonCursor cursor, string field) => cursor.Token switch
    {
        JsonTokenType.True => true,
        JsonTokenType.False => false,
        _ => throw Unexpected(ref cursor, field, "a boolean"),
    };

    public static bool? ReadOptionalBool(ref JsonCursor cursor, string field) => cursor.IsNull ? null : ReadBool(ref cursor, field);

    public static string ReadText(ref JsonCursor cursor, string field) =>
        cursor.Token == JsonTokenType.String ? cursor.GetText() : throw Unexpected(ref cursor, field, "a string");

    public static double ReadNumber(ref JsonCursor cursor, string field) =>
        cursor.Token == JsonTokenType.Number ? cursor.GetDouble(field) : throw Unexpected(ref cursor, field, "a number");

    /// <summary>A non-negative integer; beyond 2^63 - 1 it reads as that, which is above every limit there is.</summary>
    public static long ReadCount(ref JsonCursor cursor, string field)
    {
        if (cursor.Token == JsonTokenType.Number)
        {
            if (cursor.TryGetInt64(out long value) && value >= 0)
            {
                return value;
            }

            if (cursor.TryGetUInt64(out _))
            {
                return long.MaxValue;
            }
        }

        throw Unexpected(ref cursor, field, "an unsigned integer");
    }

    public static List<string> ReadTexts(ref JsonCursor cursor, string field)
    {
        ExpectArray(ref cursor, field);
        var texts = new List<string>();
        while (cursor.ReadElement())
        {
            texts.Add(ReadText(ref cursor, field));
        }

        return texts;
    }

    private static string Describe(ref JsonCursor cursor) => cursor.Token switch
    {
        JsonTokenType.StartObject => "map",
        JsonTokenType.StartArray => "sequence",
        JsonTokenType.EndArray => "end of sequence",
        JsonTokenType.String => $"string \"{Cut(cursor.GetText())}\"",
        JsonTokenType.True => "boolean `true`",
        JsonTokenType.False => "boolean `false`",
        JsonTokenType.Null => "null",
        JsonTokenType.Number => $"{NumberKind(cursor.RawNumber)} `{Cut(Encoding.ASCII.GetString(cursor.RawNumber))}`",
        _ => cursor.Token.ToString(),
    };

    private static string NumberKind(ReadOnlySpan<byte> digits) => digits.IndexOfAny((byte)'.', (byte)'e', (byte)'E') < 0 ? "integer" : "floating point";

    private static string Cut(string text) => text.Length <= MaxQuotedChars ? text : text[..MaxQuotedChars] + "…";
}
