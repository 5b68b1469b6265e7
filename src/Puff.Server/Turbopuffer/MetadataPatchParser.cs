using System.Text.Json;
using Puff.Engine;
using Puff.Engine.Namespaces;
using Puff.Server.Http;

namespace Puff.Server.Turbopuffer;

/// <summary>The body of PATCH …/metadata (turbopuffer-api 5.3).</summary>
internal static class MetadataPatchParser
{
    public static MetadataPatch Parse(ReadOnlySpan<byte> body) => JsonBody.Parse(body, 0, static (ref cursor, _) => Read(ref cursor));

    private static MetadataPatch Read(ref JsonCursor cursor)
    {
        JsonShape.ExpectObject(ref cursor, "metadata");
        var patch = new MetadataPatch();
        while (cursor.ReadName())
        {
            string key = cursor.GetText();
            cursor.Read();
            switch (key)
            {
                case "pinning":
                    patch = patch with { SetsPinning = true, PinnedReplicas = ReadReplicas(ref cursor) };
                    break;
                case "read_only":
                    patch = patch with { ReadOnly = JsonShape.ReadBool(ref cursor, key) };
                    break;
                default:
                    cursor.Skip();
                    break;
            }
        }

        return patch;
    }

    private static int? ReadReplicas(ref JsonCursor cursor)
    {
        if (cursor.Token is JsonTokenType.Null or JsonTokenType.False)
        {
            return null;
        }

        if (cursor.Token == JsonTokenType.True)
        {
            return 1;
        }

        JsonShape.ExpectObject(ref cursor, "pinning", "a boolean or a map");
        long replicas = 1;
        while (cursor.ReadName())
        {
            bool isReplicas = cursor.GetText() == "replicas";
            cursor.Read();
            if (isReplicas)
            {
                replicas = JsonShape.ReadCount(ref cursor, "pinning.replicas");
            }
            else
            {
                cursor.Skip();
            }
        }

        return replicas is >= 1 and <= int.MaxValue ? (int)replicas : throw PuffException.Invalid("pinning.replicas must be at least 1");
    }
}
