using System.Buffers;
using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using Puff.Engine.Encoding;

namespace Puff.Engine.Formats;

/// <summary>One shard of the index queue: JSON, because people look at it, and because it holds hints only (docs/formats/queue.md).</summary>
internal static class IndexQueueFormat
{
    private const int Version = 1;

    public static ImmutableSortedDictionary<string, IndexJob> Empty { get; } = ImmutableSortedDictionary.Create<string, IndexJob>(StringComparer.Ordinal);

    public static byte[] Write(ImmutableSortedDictionary<string, IndexJob> jobs)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteNumber("version", Version);
            json.WriteStartArray("jobs");
            foreach (var job in jobs.Values)
            {
                json.WriteStartObject();
                json.WriteString("namespace", job.Namespace);
                json.WriteString("epoch", job.Epoch.ToString("x16", CultureInfo.InvariantCulture));
                json.WriteNumber("sequence", job.Sequence);
                json.WriteNumber("bytes", job.Bytes);
                json.WriteNumber("enqueued_at_ms", job.EnqueuedAtMs);
                if (job.Owner != default)
                {
                    json.WriteString("owner", job.Owner.ToString("x32", CultureInfo.InvariantCulture));
                }

                json.WriteNumber("beat", job.Beat);
                if (job.PoorTree != 0)
                {
                    json.WriteString("poor_tree", job.PoorTree.ToString("x16", CultureInfo.InvariantCulture));
                }

                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }

    /// <exception cref="CorruptDataException">The bytes are no shard of a version this code knows.</exception>
    public static ImmutableSortedDictionary<string, IndexJob> Read(ReadOnlyMemory<byte> content) => JsonObjects.Read(content, root =>
    {
        JsonObjects.CheckVersion(root, Version);
        var jobs = Empty.ToBuilder();
        foreach (var item in root.GetProperty("jobs").EnumerateArray())
        {
            var job = ReadJob(item);
            jobs[job.Namespace] = job;
        }

        return jobs.ToImmutable();
    });

    private static IndexJob ReadJob(JsonElement item)
    {
        string name = item.GetProperty("namespace").GetString() ?? "";
        var job = new IndexJob(
            name,
            ulong.Parse(item.GetProperty("epoch").GetString()!, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture),
            item.GetProperty("sequence").GetInt64(),
            item.GetProperty("bytes").GetInt64(),
            item.GetProperty("enqueued_at_ms").GetInt64(),
            JsonObjects.ReadOwner(item),
            item.GetProperty("beat").GetInt64(),
            item.TryGetProperty("poor_tree", out var tree) ? ulong.Parse(tree.GetString()!, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture) : 0);
        return NamespaceKeys.IsName(name) && job is { Sequence: >= 0, Bytes: >= 0, Beat: >= 0 }
            ? job
            : throw new CorruptDataException("it has a job that cannot be one");
    }
}
