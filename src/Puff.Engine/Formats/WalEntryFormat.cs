using System.Buffers.Binary;
using Puff.Engine.Encoding;

namespace Puff.Engine.Formats;

/// <summary>What an entry does, readable from the header alone. The numbers are stored: they only grow.</summary>
[Flags]
internal enum WalEntryFlags : ushort
{
    None = 0,

    /// <summary>The namespace ends here; nothing may follow in this epoch.</summary>
    DeletesNamespace = 1,
    ChangesSchema = 2,
    ChangesDocuments = 4,
    ChangesSettings = 8,
    ChangesTokens = 16,

    /// <summary>Every flag this program knows.</summary>
    All = DeletesNamespace | ChangesSchema | ChangesDocuments | ChangesSettings | ChangesTokens,
}

internal enum WalSection : ushort
{
    Schema = 1,
    Operations = 2,
    Vectors = 3,
    Settings = 4,
    Tokens = 5,
}

/// <summary>Who wrote which slot. WriterId names the process's engine, BatchId one group commit: together they settle a lost reply.</summary>
internal sealed record WalEntryHeader
{
    public required ulong Epoch { get; init; }

    public required long Sequence { get; init; }

    public required UInt128 WriterId { get; init; }

    public required UInt128 BatchId { get; init; }

    /// <summary>Commit time by the writer's clock, ms since the Unix epoch.</summary>
    public required long TimestampMs { get; init; }

    public required WalEntryFlags Flags { get; init; }

    public required uint Operations { get; init; }
}

/// <param name="AttributeId">Whose vectors; 0 for the other kinds.</param>
/// <param name="RowBytes">Bytes of a vector; 0 for the other kinds.</param>
internal readonly record struct WalSectionEntry(WalSection Kind, int AttributeId, long Offset, long Length, uint Crc, int RowBytes);

/// <summary>
/// A WAL entry: header, table of sections, sections at multiples of 64 bytes, each with a CRC-32C, the header and table with one of their own
/// (docs/formats/wal-entry.md). Vectors lie contiguous, so that the unindexed tail is scanned in place.
/// </summary>
internal static class WalEntryFormat
{
    public const int HeaderBytes = 80;
    public const int TableEntryBytes = 32;
    public const int MaxSections = 64;
    private const uint Magic = 0x4C415750; // "PWAL"

    /// <summary>Version 2 added tokens; an entry without them is written as version 1, which older nodes read.</summary>
    private const ushort Version = 2;
    private const ushort VersionWithoutTokens = 1;

    private const int CrcOffset = 72;
    private const int Alignment = 64;

    /// <summary>Length of the object that <see cref="Write"/> will fill.</summary>
    public static long Measure(IReadOnlyList<long> sectionLengths)
    {
        long length = HeaderBytes + sectionLengths.Count * (long)TableEntryBytes;
        foreach (long section in sectionLengths)
        {
            length = Aligned(length) + section;
        }

        return length;
    }

    /// <summary>Writes a whole entry into <paramref name="destination"/>, which has the measured length.</summary>
    public static void Write(Span<byte> destination, WalEntryHeader header,
        IReadOnlyList<(WalSection Kind, int AttributeId, int RowBytes, MemoryRegion Content)> sections)
    {
        long offset = HeaderBytes + sections.Count * (long)TableEntryBytes;
        destination[..(int)offset].Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(destination, Magic);
        BinaryPrimitives.WriteUInt16LittleEndian(destination[4..], sections.Any(s => s.Kind == WalSection.Tokens) ? Version : VersionWithoutTokens);
        BinaryPrimitives.WriteUInt16LittleEndian(destination[6..], (ushort)header.Flags);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[8..], header.Epoch);
        BinaryPrimitives.WriteInt64LittleEndian(destination[16..], header.Sequence);
        BinaryPrimitives.WriteUInt128LittleEndian(destination[24..], header.WriterId);
        BinaryPrimitives.WriteUInt128LittleEndian(destination[40..], header.BatchId);
        BinaryPrimitives.WriteInt64LittleEndian(destination[56..], header.TimestampMs);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[64..], (uint)sections.Count);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[68..], header.Operations);
        for (int i = 0; i < sections.Count; i++)
        {
            var (kind, attributeId, rowBytes, content) = sections[i];
            destination[(int)offset..(int)Aligned(offset)].Clear();
            offset = Aligned(offset);
            var body = content.AsSpan();
            body.CopyTo(destination.Slice((int)offset, body.Length));
            var entry = destination.Slice(HeaderBytes + i * TableEntryBytes, TableEntryBytes);
            BinaryPrimitives.WriteUInt16LittleEndian(entry, (ushort)kind);
            BinaryPrimitives.WriteInt32LittleEndian(entry[4..], attributeId);
            BinaryPrimitives.WriteInt64LittleEndian(entry[8..], offset);
            BinaryPrimitives.WriteInt64LittleEndian(entry[16..], body.Length);
            BinaryPrimitives.WriteUInt32LittleEndian(entry[24..], Crc32C.Compute(body));
            BinaryPrimitives.WriteInt32LittleEndian(entry[28..], rowBytes);
            offset += body.Length;
        }

        BinaryPrimitives.WriteUInt32LittleEndian(destination[CrcOffset..], HeaderCrc(destination, sections.Count));
    }

    /// <summary>Reads and checks header and table. <paramref name="data"/> may be a prefix of the object if it covers both.</summary>
    /// <exception cref="CorruptDataException">Anything does not fit.</exception>
    public static (WalEntryHeader Header, WalSectionEntry[] Sections) ReadHeader(MemoryRegion data)
    {
        if (data.Length < HeaderBytes)
        {
            throw new CorruptDataException($"a WAL entry of {data.Length} bytes is shorter than its header");
        }

        var head = data.Span(0, HeaderBytes);
        if (BinaryPrimitives.ReadUInt32LittleEndian(head) != Magic)
        {
            throw new CorruptDataException("not a WAL entry: wrong magic number");
        }

        ushort version = BinaryPrimitives.ReadUInt16LittleEndian(head[4..]);
        uint count = BinaryPrimitives.ReadUInt32LittleEndian(head[64..]);
        if (version is 0 or > Version || count > MaxSections)
        {
            throw new CorruptDataException(
                $"WAL entry of format version {version} with {count} sections; this program reads versions 1 to {Version} with at most {MaxSections}");
        }

        var whole = data.Span(0, HeaderBytes + (int)count * TableEntryBytes);
        if (HeaderCrc(whole, (int)count) != BinaryPrimitives.ReadUInt32LittleEndian(head[CrcOffset..]))
        {
            throw new CorruptDataException("the checksum of the WAL entry's header does not match");
        }

        var flags = (WalEntryFlags)BinaryPrimitives.ReadUInt16LittleEndian(head[6..]);
        long timestamp = BinaryPrimitives.ReadInt64LittleEndian(head[56..]);
        if ((flags & ~WalEntryFlags.All) != 0 || timestamp is < 0 or > TimeFormat.LatestMs || BinaryPrimitives.ReadUInt32LittleEndian(head[76..]) != 0)
        {
            throw new CorruptDataException($"WAL entry with flags {(ushort)flags:x}, time {timestamp} or a reserved field that this program does not know");
        }

        var header = new WalEntryHeader
        {
            Flags = flags,
            Epoch = BinaryPrimitives.ReadUInt64LittleEndian(head[8..]),
            Sequence = BinaryPrimitives.ReadInt64LittleEndian(head[16..]),
            WriterId = BinaryPrimitives.ReadUInt128LittleEndian(head[24..]),
            BatchId = BinaryPrimitives.ReadUInt128LittleEndian(head[40..]),
            TimestampMs = timestamp,
            Operations = BinaryPrimitives.ReadUInt32LittleEndian(head[68..]),
        };
        return (header, ReadTable(whole[HeaderBytes..], (int)count));
    }

    /// <summary>Checks every section's place and checksum and that the object ends with the last one.</summary>
    public static void Verify(MemoryRegion data, ReadOnlySpan<WalSectionEntry> sections)
    {
        long end = HeaderBytes + sections.Length * (long)TableEntryBytes;
        foreach (var section in sections)
        {
            if (section.Offset != Aligned(end) || section.Length < 0)
            {
                throw new CorruptDataException($"section {section.Kind} of the WAL entry lies at {section.Offset}, not at {Aligned(end)}");
            }

            if (data.Slice(end, section.Offset - end).AsSpan().ContainsAnyExcept((byte)0))
            {
                throw new CorruptDataException($"the padding before section {section.Kind} of the WAL entry is not zero");
            }

            if (Crc32C.Compute(data.Slice(section.Offset, section.Length).AsSpan()) != section.Crc)
            {
                throw new CorruptDataException($"the checksum of section {section.Kind} of the WAL entry does not match");
            }

            end = section.Offset + section.Length;
        }

        if (end != data.Length)
        {
            throw new CorruptDataException($"the WAL entry has {data.Length} bytes, its sections end at {end}");
        }
    }

    private static WalSectionEntry[] ReadTable(ReadOnlySpan<byte> table, int count)
    {
        var sections = new WalSectionEntry[count];
        for (int i = 0; i < count; i++)
        {
            var entry = table.Slice(i * TableEntryBytes, TableEntryBytes);
            ushort kind = BinaryPrimitives.ReadUInt16LittleEndian(entry);
            if (kind is 0 or > (ushort)WalSection.Tokens || BinaryPrimitives.ReadUInt16LittleEndian(entry[2..]) != 0)
            {
                throw new CorruptDataException($"section kind {kind} of the WAL entry is unknown, or its reserved field is in use");
            }

            sections[i] = new WalSectionEntry(
                (WalSection)kind,
                BinaryPrimitives.ReadInt32LittleEndian(entry[4..]),
                BinaryPrimitives.ReadInt64LittleEndian(entry[8..]),
                BinaryPrimitives.ReadInt64LittleEndian(entry[16..]),
                BinaryPrimitives.ReadUInt32LittleEndian(entry[24..]),
                BinaryPrimitives.ReadInt32LittleEndian(entry[28..]));
        }

        return sections;
    }

    /// <summary>Over header and table, the checksum's own four bytes left out.</summary>
    private static uint HeaderCrc(ReadOnlySpan<byte> data, int sections)
    {
        uint state = Crc32C.Append(~0u, data[..CrcOffset]);
        return ~Crc32C.Append(state, data[(CrcOffset + 4)..(HeaderBytes + sections * TableEntryBytes)]);
    }

    private static long Aligned(long offset) => (offset + Alignment - 1) & ~(Alignment - 1L);
}
