using System.Buffers;
using System.Globalization;
using System.Text.Json;
using Puff.Engine.Encoding;

namespace Puff.Engine.Formats;

/// <param name="Owner">The node that holds the lease; zero for none.</param>
/// <param name="Beat">Grows while the owner lives.</param>
/// <param name="CompletedAtMs">When somebody last finished what the lease is for, by that node's clock; zero for never.</param>
internal sealed record LeaseState(UInt128 Owner, long Beat, long CompletedAtMs);

/// <summary>A lease on the store: JSON (docs/formats/queue.md).</summary>
internal static class LeaseFormat
{
    private const int Version = 1;

    public static byte[] Write(LeaseState lease)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteNumber("version", Version);
            if (lease.Owner != default)
            {
                json.WriteString("owner", lease.Owner.ToString("x32", CultureInfo.InvariantCulture));
            }

            json.WriteNumber("beat", lease.Beat);
            json.WriteNumber("completed_at_ms", lease.CompletedAtMs);
            json.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }

    /// <exception cref="CorruptDataException">The bytes are no lease of a version this code knows.</exception>
    public static LeaseState Read(ReadOnlyMemory<byte> content) => JsonObjects.Read(content, root =>
    {
        JsonObjects.CheckVersion(root, Version);
        return new LeaseState(JsonObjects.ReadOwner(root), root.GetProperty("beat").GetInt64(), root.GetProperty("completed_at_ms").GetInt64());
    });
}
