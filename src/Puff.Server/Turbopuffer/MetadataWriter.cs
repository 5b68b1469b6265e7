using System.Globalization;
using Puff.Engine.Namespaces;
using Puff.Server.Http;

namespace Puff.Server.Turbopuffer;

/// <summary>Metadata of a namespace (turbopuffer-api 5.2): exactly these keys, because clients compare whole objects.</summary>
internal static class MetadataWriter
{
    /// <param name="oldEncryption">The shape of /v1: {"sse": true} instead of {"mode": "default"}.</param>
    public static void Write(JsonOutput output, NamespaceInfo info, bool oldEncryption)
    {
        output.BeginObject();
        output.Name("schema"u8);
        SchemaWriter.WriteForMetadata(output, info.Schema);
        output.Name("approx_logical_bytes"u8);
        output.Number(info.ApproxLogicalBytes);
        output.Name("approx_row_count"u8);
        output.Number(info.ApproxRowCount);
        WriteTime(output, "created_at"u8, info.CreatedAt);
        WriteTime(output, "last_write_at"u8, info.LastWriteAt);
        WriteTime(output, "updated_at"u8, info.UpdatedAt);
        WriteEncryption(output, oldEncryption);
        WriteIndex(output, info.UnindexedBytes);
        WriteCountObject(output, "pinning"u8, "replicas"u8, info.PinnedReplicas);
        if (info.ParentNamespace is { } parent)
        {
            output.Name("branching"u8);
            output.BeginObject();
            output.Name("parent"u8);
            output.Text(parent);
            output.EndObject();
        }

        WriteCountObject(output, "sharding"u8, "num_shards"u8, info.Shards);
        if (info.ReadOnly)
        {
            output.Name("read_only"u8);
            output.Bool(true);
        }

        output.EndObject();
    }

    private static void WriteEncryption(JsonOutput output, bool oldForm)
    {
        output.Name("encryption"u8);
        output.BeginObject();
        if (oldForm)
        {
            output.Name("sse"u8);
            output.Bool(true);
        }
        else
        {
            output.Name("mode"u8);
            output.Text("default"u8);
        }

        output.EndObject();
    }

    private static void WriteIndex(JsonOutput output, long? unindexedBytes)
    {
        output.Name("index"u8);
        output.BeginObject();
        output.Name("status"u8);
        output.Text(unindexedBytes is null ? "up-to-date"u8 : "updating"u8);
        if (unindexedBytes is { } bytes)
        {
            output.Name("unindexed_bytes"u8);
            output.Number(bytes);
        }

        output.EndObject();
    }

    private static void WriteCountObject(JsonOutput output, ReadOnlySpan<byte> name, ReadOnlySpan<byte> key, int? count)
    {
        if (count is { } value)
        {
            output.Name(name);
            output.BeginObject();
            output.Name(key);
            output.Number((long)value);
            output.EndObject();
        }
    }

    private static void WriteTime(JsonOutput output, ReadOnlySpan<byte> name, DateTimeOffset time)
    {
        output.Name(name);
        output.Text(time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fffffff'Z'", CultureInfo.InvariantCulture));
    }
}
