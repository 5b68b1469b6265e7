using System.Globalization;
using System.Text.Json;
using Puff.Engine.Encoding;

namespace Puff.Engine.Formats;

/// <summary>What stored objects in JSON have in common.</summary>
internal static class JsonObjects
{
    /// <exception cref="CorruptDataException">Not the JSON that <paramref name="read"/> expects.</exception>
    public static T Read<T>(ReadOnlyMemory<byte> content, Func<JsonElement, T> read)
    {
        try
        {
            using var document = JsonDocument.Parse(content);
            return read(document.RootElement);
        }
        catch (Exception fault) when (fault is JsonException or InvalidOperationException or KeyNotFoundException or FormatException or OverflowException
            or ArgumentException)
        {
            throw new CorruptDataException(fault.Message);
        }
    }

    public static void CheckVersion(JsonElement root, int known)
    {
        int version = root.GetProperty("version").GetInt32();
        if (version != known)
        {
            throw new CorruptDataException($"version {version} is not known here");
        }
    }

    /// <summary>A node's id; zero when nobody is named.</summary>
    public static UInt128 ReadOwner(JsonElement item) => item.TryGetProperty("owner", out var owner)
        ? UInt128.Parse(owner.GetString()!, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture)
        : default;
}
