using System.Buffers.Binary;
using Puff.Engine.Encoding;
using Puff.Engine.Schema;

namespace Puff.Engine.Formats;

/// <summary>The kinds of segment parts. The numbers are stored: they only grow.</summary>
internal enum PartKind : ushort
{
    Rows = 1,
    Ids = 2,
    Columns = 3,
    Vectors = 4,
    Codes = 5,
    Sparse = 6,
    Text = 7,
    Attributes = 8,
}

/// <summary>The kinds of sections in segment parts. The numbers are stored: they only grow.</summary>
internal enum PartSection : ushort
{
    Rows = 1,
    RowOffsets = 2,
    Ids = 3,
    IdOffsets = 4,
    SortedIds = 5,
    SortedDocuments = 6,
    IdFilter = 7,
    Present = 8,
    Values = 9,
    Starts = 10,
    Offsets = 11,
    Bytes = 12,
    Vectors = 13,
    VectorBlocks = 14,
    CodeGroups = 15,
    Codes = 16,
    CodeDocuments = 17,
    CodeCentroid = 18,
    SparsePostings = 19,
    SparseBlocks = 20,
    SparseLists = 21,
    SparseKeyOffsets = 22,
    SparseKeys = 23,
    TextData = 24,
    TextBlocks = 25,
    TextFirstTerms = 26,
    TextLengths = 27,
    TextFacts = 28,
    AttributeStarts = 29,
    AttributeDocuments = 30,
    AttributeBitmaps = 31,
    AttributeRows = 32,
    AttributeOrdinals = 33,
    Grams = 34,
    GramStarts = 35,
    TokenTree = 36,
    TokenListStarts = 37,
    TokenListDocuments = 38,
    RowSamples = 39,
    TextLists = 40,
}

/// <summary>One entry of a part's directory.</summary>
/// <param name="Section">What the bytes are.</param>
/// <param name="Attribute">The attribute's number, or 0.</param>
/// <param name="Type">The kind of values, or 0.</param>
/// <param name="Offset">From the beginning of the part, a multiple of 64.</param>
/// <param name="Length">In bytes.</param>
/// <param name="Count">A number whose meaning the section gives: documents with a value, rows.</param>
internal readonly record struct PartEntry(PartSection Section, int Attribute, TypeKind Type, long Offset, long Length, long Count);

/// <summary>
/// The frame all segment parts share: a 64-byte header, sections that begin at multiples of 64, and a footer found from the end. The footer has the
/// directory of sections and a CRC-32C for every 64 KiB block of what precedes it, so that a reader can fetch and check just what it touches.
/// </summary>
internal static class PartFormat
{
    public const int BlockShift = 16;
    public const int BlockBytes = 1 << BlockShift;
    public const int Alignment = 64;
    public const int HeaderBytes = 64;
    public const ushort Version = 2;

    private const int TrailerBytes = 16;
    private const int FixedFooterBytes = 16;
    private const int EntryBytes = 32;

    /// <summary>A directory of so many sections is expected; of a longer one the rest is fetched when it is known.</summary>
    private const int LikelyEntries = 64;

    private static ReadOnlySpan<byte> Magic => "PUFP"u8;

    /// <summary>Name of a part of that kind in object keys.</summary>
    public static string NameOf(PartKind kind) => kind switch
    {
        PartKind.Rows => "rows",
        PartKind.Ids => "ids",
        PartKind.Columns => "columns",
        PartKind.Vectors => "vectors",
        PartKind.Codes => "codes",
        PartKind.Sparse => "sparse",
        PartKind.Text => "text",
        PartKind.Attributes => "attributes",
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, null),
    };

    public static int BlockCount(long dataBytes) => checked((int)((dataBytes + BlockBytes - 1) >> BlockShift));

    /// <summary>How much of the end of a part is likely to hold all of its footer.</summary>
    public static long LikelyFooterBytes(long partBytes) =>
        Math.Min(partBytes, TrailerBytes + FixedFooterBytes + (LikelyEntries * EntryBytes) + (((partBytes >> BlockShift) + 1) * 4));

    /// <summary>Magic, u16 version, u16 kind, zeros.</summary>
    public static void WriteHeader(ByteWriter writer, PartKind kind)
    {
        writer.Bytes(Magic);
        writer.UInt16(Version);
        writer.UInt16((ushort)kind);
        writer.Reserve(HeaderBytes - 8).Clear();
    }

    /// <summary>Appends the footer to the data that precedes it.</summary>
    public static void WriteFooter(
        ByteWriter writer, PartKind kind, int documents, long dataBytes, IReadOnlyList<PartEntry> entries, IReadOnlyList<uint> checksums)
    {
        long start = writer.Length;
        writer.UInt64((ulong)dataBytes);
        writer.UInt32((uint)documents);
        writer.UInt32((uint)entries.Count);
        foreach (var entry in entries)
        {
            writer.UInt16((ushort)entry.Section);
            writer.Byte((byte)entry.Type);
            writer.Byte(0);
            writer.UInt32((uint)entry.Attribute);
            writer.UInt64((ulong)entry.Offset);
            writer.UInt64((ulong)entry.Length);
            writer.UInt64((ulong)entry.Count);
        }

        foreach (uint checksum in checksums)
        {
            writer.UInt32(checksum);
        }

        writer.UInt32(checked((uint)(writer.Length - start)));
        writer.UInt16(Version);
        writer.UInt16((ushort)kind);
        writer.Bytes(Magic);
        writer.UInt32(Crc32C.Compute(writer.Written.Slice(start, writer.Length - start).AsSpan()));
    }

    /// <summary>Finds and checks the footer of a whole part; the data before it is not looked at, except for the header.</summary>
    /// <param name="part">The whole object.</param>
    /// <param name="kind">The kind expected; null accepts any, also kinds this build does not know.</param>
    /// <param name="source">Brings what is not in memory yet; null when everything is. Then the beginning is left for <see cref="CheckBeginning"/>.</param>
    public static PartFooter ReadFooter(MemoryRegion part, PartKind? kind, IBlockSource? source = null)
    {
        if (part.Length < HeaderBytes + FixedFooterBytes + TrailerBytes)
        {
            throw new CorruptDataException($"{part.Length} bytes are too few for a segment part");
        }

        source?.Require(part.Length - LikelyFooterBytes(part.Length), LikelyFooterBytes(part.Length));
        var trailer = part.Span(part.Length - TrailerBytes, TrailerBytes);
        CheckMagic(trailer[8..12], "end");
        long bodyBytes = BinaryPrimitives.ReadUInt32LittleEndian(trailer);
        long dataBytes = part.Length - TrailerBytes - bodyBytes;
        if (bodyBytes < FixedFooterBytes || bodyBytes > int.MaxValue - TrailerBytes || dataBytes < HeaderBytes)
        {
            throw new CorruptDataException($"a footer of {bodyBytes} bytes does not fit a part of {part.Length}");
        }

        source?.Require(dataBytes, bodyBytes + TrailerBytes);
        var footer = part.Span(dataBytes, (int)bodyBytes + TrailerBytes);
        if (Crc32C.Compute(footer[..^4]) != BinaryPrimitives.ReadUInt32LittleEndian(footer[^4..]))
        {
            throw new CorruptDataException("the checksum of the footer does not match");
        }

        CheckVersion(trailer[4..8], kind);
        if (source is null)
        {
            CheckBeginning(part);
        }

        return ParseBody(footer[..(int)bodyBytes], part, dataBytes);
    }

    /// <summary>Whether a part begins as it ends; its footer was found good.</summary>
    public static void CheckBeginning(MemoryRegion part)
    {
        CheckMagic(part.Span(0, 4), "beginning");
        if (!part.Span(4, 4).SequenceEqual(part.Span(part.Length - TrailerBytes + 4, 4)))
        {
            throw new CorruptDataException("version or kind differ between the beginning and the end");
        }
    }

    private static void CheckMagic(ReadOnlySpan<byte> found, string where)
    {
        if (!found.SequenceEqual(Magic))
        {
            throw new CorruptDataException($"the {where} does not have the mark of a segment part");
        }
    }

    private static void CheckVersion(ReadOnlySpan<byte> atEnd, PartKind? kind)
    {
        int version = BinaryPrimitives.ReadUInt16LittleEndian(atEnd);
        int found = BinaryPrimitives.ReadUInt16LittleEndian(atEnd[2..]);
        if (version != Version)
        {
            throw new CorruptDataException($"format version {version} is unknown; this build reads version {Version}");
        }

        if (kind != null && found != (int)kind)
        {
            throw new CorruptDataException($"a part of kind {found} lies where one of kind {(int)kind} belongs");
        }
    }

    private static PartFooter ParseBody(ReadOnlySpan<byte> body, MemoryRegion part, long dataBytes)
    {
        var reader = new ByteReader(body);
        ulong announced = reader.UInt64();
        uint documents = reader.UInt32();
        uint count = reader.UInt32();
        long expected = FixedFooterBytes + count * (long)EntryBytes + BlockCount(dataBytes) * 4L;
        if (announced != (ulong)dataBytes || documents > int.MaxValue || body.Length != expected)
        {
            throw new CorruptDataException("the footer's lengths contradict each other");
        }

        var entries = new PartEntry[count];
        for (int i = 0; i < entries.Length; i++)
        {
            entries[i] = ReadEntry(ref reader, dataBytes);
        }

        return new PartFooter((int)documents, dataBytes, entries, part.Slice(dataBytes + reader.Position, body.Length - reader.Position));
    }

    private static PartEntry ReadEntry(ref ByteReader reader, long dataBytes)
    {
        var section = (PartSection)reader.UInt16();
        var type = (TypeKind)reader.Byte();
        byte reserved = reader.Byte();
        uint attribute = reader.UInt32();
        ulong offset = reader.UInt64();
        ulong length = reader.UInt64();
        ulong count = reader.UInt64();
        if (reserved != 0 || attribute > int.MaxValue || count > long.MaxValue || offset % Alignment != 0
            || offset > (ulong)dataBytes || length > (ulong)dataBytes - offset)
        {
            throw new CorruptDataException($"section {section} of attribute {attribute} lies outside the part");
        }

        return new PartEntry(section, (int)attribute, type, (long)offset, (long)length, (long)count);
    }
}

/// <summary>A part's footer, checked.</summary>
/// <param name="documents">Documents of the segment.</param>
/// <param name="dataBytes">Bytes before the footer.</param>
/// <param name="entries">The directory.</param>
/// <param name="checksums">One u32 a block.</param>
internal sealed class PartFooter(int documents, long dataBytes, IReadOnlyList<PartEntry> entries, MemoryRegion checksums)
{
    public int Documents { get; } = documents;

    public long DataBytes { get; } = dataBytes;

    public IReadOnlyList<PartEntry> Entries { get; } = entries;

    public uint ChecksumOf(int block) => BinaryPrimitives.ReadUInt32LittleEndian(checksums.Span(block * 4L, 4));
}
