using Puff.Engine.Encoding;

namespace Puff.Engine.Formats;

/// <summary>What PATCH metadata and the creating write set; whole after each change.</summary>
internal sealed record NamespaceOptions
{
    /// <summary>0 = not pinned.</summary>
    public int PinnedReplicas { get; init; }

    public bool ReadOnly { get; init; }

    /// <summary>0 = not sharded.</summary>
    public int Shards { get; init; }
}

internal static class SettingsFormat
{
    public static void Write(ByteWriter writer, NamespaceOptions options)
    {
        writer.Varint((ulong)options.PinnedReplicas);
        writer.Byte(options.ReadOnly ? (byte)1 : (byte)0);
        writer.Varint((ulong)options.Shards);
    }

    /// <summary>Reads settings that fill the region.</summary>
    public static NamespaceOptions Read(MemoryRegion content)
    {
        var reader = new ByteReader(content.AsSpan());
        var options = Read(ref reader);
        reader.ExpectEnd();
        return options;
    }

    public static NamespaceOptions Read(ref ByteReader reader) => new()
    {
        PinnedReplicas = reader.Int32Varint(),
        ReadOnly = reader.Boolean(),
        Shards = reader.Int32Varint(),
    };
}
