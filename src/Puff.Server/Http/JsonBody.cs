using System.Text.Json;
using System.Text.Unicode;
using Puff.Engine;

namespace Puff.Server.Http;

/// <summary>Reads the value the cursor stands on and leaves it on that value's last token.</summary>
internal delegate T JsonParser<out T, in TContext>(ref JsonCursor cursor, TContext context);

/// <summary>Parses a whole body. Whatever the bytes are, nothing but <see cref="PuffException"/> comes out.</summary>
internal static class JsonBody
{
    public static T Parse<T, TContext>(ReadOnlySpan<byte> body, TContext context, JsonParser<T, TContext> parser)
    {
        if (!Utf8.IsValid(body))
        {
            throw PuffException.Invalid("malformed JSON: the body is not valid UTF-8");
        }

        var cursor = new JsonCursor(body);
        try
        {
            cursor.Read();
            T result = parser(ref cursor, context);
            cursor.ReadEnd();
            return result;
        }
        catch (JsonException error)
        {
            throw NotJson(error);
        }
        catch (PuffException error) when (error.Kind == ErrorKind.Malformed)
        {
            // A wrong shape (422) is only said about something that is JSON at all (400).
            CheckIsJson(body);
            throw;
        }
    }

    private static void CheckIsJson(ReadOnlySpan<byte> body)
    {
        var cursor = new JsonCursor(body);
        try
        {
            cursor.Read();
            cursor.Skip();
            cursor.ReadEnd();
        }
        catch (JsonException error)
        {
            throw NotJson(error);
        }
    }

    private static PuffException NotJson(JsonException error)
    {
        // The framework's text ends in a position of its own, counted from 0 and in lines that a body rarely has.
        int position = error.Message.IndexOf(" LineNumber:", StringComparison.Ordinal);
        string reason = position < 0 ? error.Message : error.Message[..position];
        return PuffException.Invalid($"malformed JSON at line {error.LineNumber + 1}, byte {error.BytePositionInLine}: {reason}");
    }
}
