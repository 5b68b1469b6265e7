using Puff.Engine.Encoding;
using Puff.Engine.Schema;

namespace Puff.Engine.Formats;

/// <summary>
/// The state of a namespace up to <see cref="IndexedThrough"/> and where everything lies: the content of `current`, the only mutable object. Immutable in
/// memory;
/// every publication writes a new one by compare-and-set.
/// </summary>
internal sealed record Manifest
{
    /// <summary>Names one life of the namespace; a re-creation takes a new one. Random, so that it never comes twice.</summary>
    public required ulong Epoch { get; init; }

    /// <summary>Counts publications of this epoch.</summary>
    public long Version { get; init; }

    /// <summary>Drawn anew for each publication: settles a compare-and-set whose reply was lost.</summary>
    public UInt128 PublishId { get; init; }

    /// <summary>A deletion was indexed: the namespace does not exist, whatever else stands here.</summary>
    public bool Deleted { get; init; }

    /// <summary>A branch or copy exists with its manifest; an ordinary namespace begins with its first WAL entry.</summary>
    public bool BornLive { get; init; }

    public long CreatedAtMs { get; init; }

    public long LastWriteAtMs { get; init; }

    public long UpdatedAtMs { get; init; }

    public NamespaceSchema Schema { get; init; } = NamespaceSchema.Empty;

    public NamespaceOptions Options { get; init; } = new();

    /// <summary>Parent of a branch.</summary>
    public string? Parent { get; init; }

    /// <summary>WAL entries 1 .. this are in the segments.</summary>
    public long IndexedThrough { get; init; }

    /// <summary>WAL entries of parents that a branch has not indexed yet, oldest first.</summary>
    public IReadOnlyList<InheritedTail> InheritedTails { get; init; } = [];

    public IReadOnlyList<SegmentDescriptor> Segments { get; init; } = [];

    /// <summary>The cluster trees that segments name.</summary>
    public IReadOnlyList<TreeDescriptor> Trees { get; init; } = [];

    /// <summary>Objects no longer referenced, kept until grace has passed for the sake of slower nodes.</summary>
    public IReadOnlyList<RetiredObject> Retired { get; init; } = [];

    /// <summary>When which part of the WAL was given up; an entry may be deleted grace after.</summary>
    public IReadOnlyList<TrimMark> Trims { get; init; } = [];

    /// <summary>Pins this namespace holds at others.</summary>
    public IReadOnlyList<string> PinsHeld { get; init; } = [];

    /// <summary>
    /// The same manifest with a time for everything it was the first to give up. A publication may land long after it was sent, so whoever makes a manifest
    /// cannot say when it will be published; whoever has read it knows a time by which it was.
    /// </summary>
    public Manifest Dated(long publishedByMs) => this with
    {
        Retired = Retired.Select(r => r.RetiredAtMs == 0 ? r with { RetiredAtMs = publishedByMs } : r).ToArray(),
        Trims = Trims.Select(t => t.PublishedAtMs == 0 ? t with { PublishedAtMs = publishedByMs } : t).ToArray(),
    };

    /// <summary>The same without the trees that no segment names; their objects are given up.</summary>
    public Manifest WithoutUnusedTrees()
    {
        var named = Segments.SelectMany(s => s.Trees).Select(t => t.TreeId).ToHashSet();
        var unused = Trees.Where(t => !named.Contains(t.Id)).ToArray();
        return unused.Length == 0 ? this : this with
        {
            Trees = Trees.Except(unused).ToArray(),
            Retired = [.. Retired, .. unused.SelectMany(t => t.Parts).Select(p => new RetiredObject(p.Key, 0))],
        };
    }

    /// <summary>Every object that segments and trees consist of.</summary>
    public IEnumerable<string> ObjectKeys() => Segments.SelectMany(s => s.AllKeys()).Concat(Trees.SelectMany(t => t.Parts).Select(p => p.Key));

    /// <summary>Highest slot a writer must not claim any more.</summary>
    public long TrimmedThrough => IndexedThrough;

    public long LiveDocuments => Segments.Sum(s => (long)s.Documents - s.Deleted);

    public long LogicalBytes => (long)Segments.Aggregate(UInt128.Zero, (sum, s) => sum + s.Live(s.LogicalBytes));
}

/// <param name="Name">The namespace whose entries they are.</param>
internal sealed record InheritedTail(string Name, ulong Epoch, long From, long Through)
{
    /// <summary>Far more entries than a namespace ever leaves unindexed, so that a damaged number cannot keep a reader busy for ever.</summary>
    private const long MaxEntries = 1 << 24;

    public static void Write(ByteWriter writer, InheritedTail tail)
    {
        writer.Text(tail.Name);
        writer.UInt64(tail.Epoch);
        writer.Int64(tail.From);
        writer.Int64(tail.Through);
    }

    public static InheritedTail Read(ref ByteReader reader)
    {
        var tail = new InheritedTail(reader.Text(), reader.UInt64(), reader.Int64(), reader.Int64());
        return tail.From >= 1 && tail.Through >= tail.From && tail.Through - tail.From < MaxEntries
            ? tail
            : throw new CorruptDataException($"inherited WAL entries {tail.From} to {tail.Through}");
    }

    public static List<InheritedTail> ReadList(ref ByteReader reader)
    {
        int count = reader.Count(25);
        var tails = new List<InheritedTail>(count);
        for (int i = 0; i < count; i++)
        {
            tails.Add(Read(ref reader));
        }

        return tails;
    }
}

/// <param name="RetiredAtMs">A time at which a manifest without the object was known to be published; 0: this manifest is the first without it.</param>
internal readonly record struct RetiredObject(string Key, long RetiredAtMs);

/// <summary>Which entries nobody needs any more. A mark through 0 says when the epoch began, for the sake of the entries of those before.</summary>
/// <param name="PublishedAtMs">A time at which the mark was known to be published; 0: this manifest is the first with it.</param>
internal readonly record struct TrimMark(long Through, long PublishedAtMs);

/// <summary>Manifest bytes: an envelope around fixed fields and length-prefixed lists (docs/formats/manifest.md).</summary>
internal static class ManifestFormat
{
    private static ReadOnlySpan<byte> Magic => "PMAN"u8;

    /// <summary>Version 2 added trees.</summary>
    private const ushort Version = 2;

    public static void Write(ByteWriter writer, Manifest manifest)
    {
        Envelope.Begin(writer, Magic, Version);
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

        writer.Varint((ulong)manifest.Retired.Count);
        foreach (var retired in manifest.Retired)
        {
            writer.Text(retired.Key);
            writer.Int64(retired.RetiredAtMs);
        }

        writer.Varint((ulong)manifest.Trims.Count);
        foreach (var trim in manifest.Trims)
        {
            writer.Int64(trim.Through);
            writer.Int64(trim.PublishedAtMs);
        }

        writer.Varint((ulong)manifest.PinsHeld.Count);
        foreach (string pin in manifest.PinsHeld)
        {
            writer.Text(pin);
        }

        TreeDescriptorFormat.WriteList(writer, manifest.Trees);
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
            Retired = ReadRetired(ref reader),
            Trims = ReadTrims(ref reader),
            PinsHeld = ReadTexts(ref reader),
            Trees = format == 1 ? [] : TreeDescriptorFormat.ReadList(ref reader),
        };
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

    private static List<RetiredObject> ReadRetired(ref ByteReader reader)
    {
        int count = reader.Count(9);
        var list = new List<RetiredObject>(count);
        for (int i = 0; i < count; i++)
        {
            list.Add(new RetiredObject(reader.Text(), TimeFormat.Read(ref reader)));
        }

        return list;
    }

    private static List<TrimMark> ReadTrims(ref ByteReader reader)
    {
        int count = reader.Count(16);
        var list = new List<TrimMark>(count);
        for (int i = 0; i < count; i++)
        {
            list.Add(new TrimMark(reader.Int64(), TimeFormat.Read(ref reader)));
        }

        return list;
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
