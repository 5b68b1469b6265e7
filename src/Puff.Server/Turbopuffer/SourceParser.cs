using System.Text.Json;
using Puff.Server.Http;

namespace Puff.Server.Turbopuffer;

/// <summary>The source of a copy or branch: its name, or {"source_namespace": name, ...}.</summary>
internal static class SourceParser
{
    public static string? Read(ref JsonCursor cursor, string field)
    {
        if (cursor.Token is JsonTokenType.Null or JsonTokenType.String)
        {
            return cursor.IsNull ? null : cursor.GetText();
        }

        JsonShape.ExpectObject(ref cursor, field, "a string or a map");
        string? source = null;
        while (cursor.ReadName())
        {
            string key = cursor.GetText();
            cursor.Read();
            switch (key)
            {
                case "source_namespace":
                    source = JsonShape.ReadText(ref cursor, $"{field}.{key}");
                    break;
                case "dest_encryption":
                    EncryptionParser.Check(ref cursor, $"{field}.{key}");
                    break;
                default:
                    // source_region and source_api_key name other places; here there is one.
                    cursor.Skip();
                    break;
            }
        }

        return source ?? throw JsonShape.MissingField(field, "source_namespace");
    }
}
