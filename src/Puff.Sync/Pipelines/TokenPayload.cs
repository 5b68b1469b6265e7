using System.Text.Json;

namespace Puff.Sync.Pipelines;

/// <summary>
/// What a write's token carries beside the position: who wrote it and the how-manieth write it was, so that no two tokens are the same, and a snapshot's
/// cursor.
/// </summary>
internal sealed record TokenPayload(string Writer, long Number, SnapshotMark? Mark)
{
    public string Write()
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            json.WriteString("writer", Writer);
            json.WriteNumber("number", Number);
            if (Mark is not null)
            {
                json.WriteNumber("snapshot", Mark.Snapshot);
                json.WriteStartArray("cursor");
                foreach (string value in Mark.Cursor)
                {
                    json.WriteStringValue(value);
                }

                json.WriteEndArray();
            }

            json.WriteEndObject();
        }

        return System.Text.Encoding.UTF8.GetString(stream.GetBuffer().AsSpan(0, (int)stream.Length));
    }

    /// <summary>The mark in a payload that a writer stored; null when there is none.</summary>
    public static SnapshotMark? ReadMark(string? payload)
    {
        if (payload is null)
        {
            return null;
        }

        using var json = JsonDocument.Parse(payload);
        return json.RootElement.TryGetProperty("snapshot", out JsonElement snapshot)
            ? new SnapshotMark(snapshot.GetInt64(), [.. json.RootElement.GetProperty("cursor").EnumerateArray().Select(v => v.GetString()!)])
            : null;
    }
}
