using Puff.Engine.Encoding;

namespace Puff.Engine.Formats;

/// <summary>Manifest bytes: an envelope around fixed fields and length-prefixed lists (docs/formats/manifest.md).</summary>
internal static class ManifestFormat
{
    private static ReadOnlySpan<byte> Magic => "PMAN"u8;

    /// <summary>
    /// Version 2 added trees; version 3 the history, and short forms of what was given up; version 4 tokens; version 5 how often trees were rebuilt. A manifest
    /// without the last of these is written as the version before.
    /// </summary>
    private const ushort Version = 5;

    private const ushort VersionWithTokens = 4;
    private const ushort VersionWithHistory = 3;

    public static void Write(ByteWriter writer, Manifest manifest)
    {
        ushort version = VersionOf(manifest);
        Envelope.Begin(writer, Magic, version);
        writer.UInt64(manifest.Epoch);
        writer.Int64(manifest.Version);
        writer.UInt64((ulong)(manifest.PublishId >> 64));
        writer.UInt64((ulong)manifest.PublishId);
        writer.Byte((byte)((manifest.Deleted ? 1 : 0) | (manifest.BornLive ? 2 : 0)));
        writer.Int64(manifest.CreatedAtMs);
        writer.Int64(manifest.LastWriteAtMs);
        writer.Int64(manifest.UpdatedAtMs);
        writer.Int64(manifest.IndexedThrough);
        SchemaFormat.Write(writer, manifest.Schema);
        SettingsFormat.Write(writer, manifest.Options);
        WriteOptionalText(writer, manifest.Parent);
        writer.Varint((ulong)manifest.InheritedTails.Count);
        foreach (var tail in manifest.InheritedTails)
        {
            InheritedTail.Write(writer, tail);
        }

        writer.Varint((ulong)manifest.Segments.Count);
        foreach (var segment in manifest.Segments)
        {
            WriteSegment(writer, segment);
        }

        RetiredObjects.WriteList(writer, manifest.Retired);
        TrimMark.WriteList(writer, manifest.Trims);
        writer.Varint((ulong)manifest.PinsHeld.Count);
        foreach (string pin in manifest.PinsHeld)
        {
            writer.Text(pin);
        }

        TreeDescriptorFormat.WriteList(writer, manifest.Trees);
        writer.Int64(manifest.IndexedAtMs);
        writer.Varint((ulong)manifest.IndexedBytes);
        HistoryLink.Write(writer, manifest.History);
        writer.Byte(manifest.CopiedThrough is null ? (byte)0 : (byte)1);
        if (manifest.CopiedThrough is { } copied)
        {
            writer.Int64(copied);
        }

        if (version >= VersionWithTokens)
        {
            WriteTokens(writer, manifest);
        }

        for (int i = 0; i < manifest.Trees.Count && version >= Version; i++)
        {
            writer.Varint((ulong)manifest.Trees[i].Rebuilds);
        }


        Envelope.End(writer);
    }

    /// <summary>The whole object.</summary>
    public static byte[] Write(Manifest manifest)
    {
        using var writer = new ByteWriter(1 << 12);
        Write(writer, manifest);
        return writer.Written.AsSpan().ToArray();
    }

    /// <exception cref="CorruptDataException">The bytes are no manifest.</exception>
    public static Manifest Read(ReadOnlySpan<byte> data)
    {
        var reader = new ByteReader(Envelope.Open(data, Magic, Version, out ushort format));
        ulong epoch = reader.UInt64();
        long version = reader.Int64();
        var publishId = new UInt128(reader.UInt64(), reader.UInt64());
        byte flags = reader.Byte();
        if (flags > 3 || version < 0)
        {
            throw new CorruptDataException($"manifest with flags {flags:x} and version {version}");
        }

        var manifest = new Manifest
        {
            Epoch = epoch,
            Version = version,
            PublishId = publishId,
            Deleted = (flags & 1) != 0,
            BornLive = (flags & 2) != 0,
            CreatedAtMs = TimeFormat.Read(ref reader),
            LastWriteAtMs = TimeFormat.Read(ref reader),
            UpdatedAtMs = TimeFormat.Read(ref reader),
            IndexedThrough = ReadSequence(ref reader),
            Schema = SchemaFormat.Read(ref reader),
            Options = SettingsFormat.Read(ref reader),
            Parent = ReadOptionalText(ref reader),
            InheritedTails = InheritedTail.ReadList(ref reader),
            Segments = ReadSegments(ref reader, format),
            Retired = format < 3 ? RetiredObjects.ReadKeys(ref reader) : RetiredObjects.ReadList(ref reader),
            Trims = TrimMark.ReadList(ref reader),
            PinsHeld = ReadTexts(ref reader),
            Trees = format == 1 ? [] : TreeDescriptorFormat.ReadList(ref reader),
            IndexedAtMs = format < 3 ? 0 : TimeFormat.Read(ref reader),
            IndexedBytes = format < 3 ? 0 : reader.Int64Varint(),
            History = format < 3 ? null : HistoryLink.Read(ref reader),
            CopiedThrough = format >= 3 && reader.Boolean() ? ReadSequence(ref reader) : null,
            Tokens = format < 4 ? [] : TokenFormat.Read(ref reader),
            TokenEpochs = format < 4 ? [] : ReadEpochs(ref reader),
        };
        manifest = format < Version ? manifest : manifest with { Trees = ReadRebuilds(ref reader, manifest.Trees) };
        reader.ExpectEnd();
        TreeDescriptorFormat.CheckReferences(manifest.Segments, manifest.Trees);
        if (manifest.Trims.Any(t => t.Through < 0 || t.Through > manifest.IndexedThrough))
        {
            throw new CorruptDataException($"WAL entries beyond the {manifest.IndexedThrough} that are indexed are given up");
        }

        return manifest;
    }

    private static long ReadSequence(ref ByteReader reader)
    {
        long value = reader.Int64();
        return value >= 0 ? value : throw new CorruptDataException($"sequence {value} is out of range");
    }

    private static ushort VersionOf(Manifest manifest) =>
        manifest.Trees.Any(t => t.Rebuilds > 0) ? Version
        : manifest.Tokens.Count > 0 || manifest.TokenEpochs.Count > 0 ? VersionWithTokens : VersionWithHistory;

    private static TreeDescriptor[] ReadRebuilds(ref ByteReader reader, IReadOnlyList<TreeDescriptor> trees)
    {
        var read = new TreeDescriptor[trees.Count];
        for (int i = 0; i < read.Length; i++)
        {
            read[i] = trees[i] with { Rebuilds = reader.Int32Varint() };
        }

        return read;
    }

    private static void WriteTokens(ByteWriter writer, Manifest manifest)
    {
        TokenFormat.Write(writer, manifest.Tokens);
        writer.Varint((ulong)manifest.TokenEpochs.Count);
        foreach (ulong epoch in manifest.TokenEpochs)
        {
            writer.UInt64(epoch);
        }
    }

    private static ulong[] ReadEpochs(ref ByteReader reader)
    {
        ulong[] epochs = new ulong[reader.Count(sizeof(ulong))];
        for (int i = 0; i < epochs.Length; i++)
        {
            epochs[i] = reader.UInt64();
        }

        return epochs;
    }

    private static void WriteSegment(ByteWriter writer, SegmentDescriptor segment)
    {
        writer.Text(segment.KeyBase);
        writer.Varint((ulong)segment.Documents);
        writer.Varint((ulong)segment.LogicalBytes);
        writer.Varint((ulong)segment.Parts.Count);
        foreach (var part in segment.Parts)
        {
            writer.Text(part.Name);
            writer.Varint((ulong)part.Bytes);
        }

        writer.Varint((ulong)segment.DeletesVersion);
        WriteOptionalText(writer, segment.DeletesKey);
        writer.Varint((ulong)segment.Deleted);
        TreeDescriptorFormat.WriteReferences(writer, segment.Trees);
    }

    private static List<SegmentDescriptor> ReadSegments(ref ByteReader reader, int format)
    {
        int count = reader.Count(8);
        var segments = new List<SegmentDescriptor>(count);
        for (int i = 0; i < count; i++)
        {
            var segment = new SegmentDescriptor
            {
                KeyBase = reader.Text(),
                Documents = reader.Int32Varint(),
                LogicalBytes = reader.Int64Varint(),
                Parts = ReadParts(ref reader),
                DeletesVersion = reader.Int32Varint(),
                DeletesKey = ReadOptionalText(ref reader),
                Deleted = reader.Int32Varint(),
                Trees = format == 1 ? [] : TreeDescriptorFormat.ReadReferences(ref reader),
            };
            bool hasBitmap = segment.DeletesKey is not null;
            if (segment.Deleted > segment.Documents || hasBitmap != (segment.DeletesVersion > 0) || (!hasBitmap && segment.Deleted > 0))
            {
                throw new CorruptDataException(
                    $"segment {segment.KeyBase}: {segment.Deleted} of {segment.Documents} documents are deleted by bitmap version {segment.DeletesVersion}");
            }

            segments.Add(segment);
        }

        return segments;
    }

    private static List<SegmentPart> ReadParts(ref ByteReader reader)
    {
        int count = reader.Count(2);
        var parts = new List<SegmentPart>(count);
        for (int i = 0; i < count; i++)
        {
            parts.Add(new SegmentPart(reader.Text(), reader.Int64Varint()));
        }

        return parts;
    }

    private static List<string> ReadTexts(ref ByteReader reader)
    {
        int count = reader.Count();
        var list = new List<string>(count);
        for (int i = 0; i < count; i++)
        {
            list.Add(reader.Text());
        }

        return list;
    }

    private static void WriteOptionalText(ByteWriter writer, string? text)
    {
        writer.Byte(text is null ? (byte)0 : (byte)1);
        if (text is not null)
        {
            writer.Text(text);
        }
    }

    private static string? ReadOptionalText(ref ByteReader reader) => reader.Boolean() ? reader.Text() : null;
}
