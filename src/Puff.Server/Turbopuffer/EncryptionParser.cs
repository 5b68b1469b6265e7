using Puff.Engine;
using Puff.Server.Http;

namespace Puff.Server.Turbopuffer;

/// <summary>`encryption` (turbopuffer-api 3.8). There is no key service behind this server, so every customer-managed key is refused.</summary>
internal static class EncryptionParser
{
    public static void Check(ref JsonCursor cursor, string field)
    {
        if (cursor.IsNull)
        {
            return;
        }

        JsonShape.ExpectObject(ref cursor, field);
        string? mode = null;
        string? keyName = null;
        while (cursor.ReadName())
        {
            string key = cursor.GetText();
            cursor.Read();
            switch (key)
            {
                case "mode":
                    mode = JsonShape.ReadText(ref cursor, $"{field}.{key}");
                    break;
                case "key_name":
                    keyName = JsonShape.ReadText(ref cursor, $"{field}.{key}");
                    break;
                case "cmek":
                    keyName = ReadOldForm(ref cursor, $"{field}.{key}");
                    mode ??= "customer-managed";
                    break;
                default:
                    cursor.Skip();
                    break;
            }
        }

        if (mode is not (null or "default" or "customer-managed"))
        {
            throw JsonShape.UnknownVariant($"{field}.mode", mode, "customer-managed", "default");
        }

        if (mode == "customer-managed" || keyName is not null)
        {
            throw PuffException.Invalid($"Malformed Cloud KMS crypto key: {keyName ?? throw JsonShape.MissingField(field, "key_name")}");
        }
    }

    private static string ReadOldForm(ref JsonCursor cursor, string field)
    {
        JsonShape.ExpectObject(ref cursor, field);
        string? keyName = null;
        while (cursor.ReadName())
        {
            bool isKey = cursor.GetText() == "key_name";
            cursor.Read();
            if (isKey)
            {
                keyName = JsonShape.ReadText(ref cursor, field);
            }
            else
            {
                cursor.Skip();
            }
        }

        return keyName ?? throw JsonShape.MissingField(field, "key_name");
    }
}
