using System.Runtime.InteropServices;
using Puff.Engine.Encoding;
using Puff.Engine.Schema;

namespace Puff.Engine.Formats;

/// <summary>
/// Writes the inverted index of one text attribute into the part `text`. Terms come in ascending bytewise order, their documents in ascending order:
/// <see cref="BeginTerm"/>, <see cref="Add"/> for every document, <see cref="EndTerm"/>; after each the part may be drained. <see cref="Finish"/> adds the
/// tables. Holds the postings of one term and the first terms of the dictionary's blocks, unmanaged.
/// </summary>
internal sealed unsafe class TextEncoder : IDisposable
{
    /// <summary>Shorter lists lie in the dictionary.</summary>
    public const int InlinePostings = 64;

    private const int BlockTerms = 64;
    private const int BlockTermBytes = 8 << 10;

    private readonly PartEncoder part;
    private readonly AttributeDefinition attribute;
    private readonly uint[] lengths;
    private readonly ByteWriter documents = new();
    private readonly ByteWriter frequencies = new();
    private readonly ByteWriter positions = new();
    private readonly ByteWriter dictionary = new();
    private readonly List<TextListPlace> longLists = [];
    private readonly ByteWriter scratch = new();
    private readonly ByteWriter blocks = new();
    private readonly ByteWriter firstTerms = new();
    private readonly List<uint> positionStarts = [];
    private readonly long sectionStart;
    private TextRangeEncoder? ranges;
    private byte[] term = new byte[256];
    private int termLength = -1;
    private byte[] previous = new byte[256];
    private int previousLength = -1;
    private int blockTerms;
    private int count;
    private int lastDocument;
    private long terms;
    private long postings;
    private long positionBytes;
    private uint blockCount;
    private uint firstStart;

    /// <param name="part">Takes the sections.</param>
    /// <param name="attribute">A full-text attribute.</param>
    /// <param name="lengths">Of each document: 0 when it has no text, otherwise 1 more than its tokens.</param>
    public TextEncoder(PartEncoder part, AttributeDefinition attribute, uint[] lengths)
    {
        this.part = part;
        this.attribute = attribute;
        this.lengths = lengths;
        part.BeginSection();
        sectionStart = part.Position;
    }

    private ReadOnlySpan<int> Documents => MemoryMarshal.Cast<byte, int>(documents.Written.AsSpan());

    private ReadOnlySpan<int> Frequencies => MemoryMarshal.Cast<byte, int>(frequencies.Written.AsSpan());

    public void Dispose()
    {
        documents.Dispose();
        frequencies.Dispose();
        positions.Dispose();
        dictionary.Dispose();
        scratch.Dispose();
        blocks.Dispose();
        firstTerms.Dispose();
    }

    /// <param name="value">Comes after the one before.</param>
    public void BeginTerm(ReadOnlySpan<byte> value)
    {
        if (previousLength >= 0 && previous.AsSpan(0, previousLength).SequenceCompareTo(value) >= 0)
        {
            throw new CorruptDataException($"a term of attribute {attribute.Id} does not come after the one before");
        }

        if (term.Length < value.Length)
        {
            term = new byte[value.Length * 2];
        }

        value.CopyTo(term);
        termLength = value.Length;
        documents.Clear();
        frequencies.Clear();
        positions.Clear();
        positionStarts.Clear();
        count = 0;
        lastDocument = -1;
    }

    /// <param name="document">Comes after the one before.</param>
    /// <param name="frequency">How often it has the term, at least 1.</param>
    /// <param name="encoded">The positions as <see cref="TextPositions"/> encodes them.</param>
    public void Add(int document, int frequency, ReadOnlySpan<byte> encoded)
    {
        if (document <= lastDocument || document >= lengths.Length || (uint)frequency >= lengths[document])
        {
            throw new CorruptDataException($"document {document} cannot have a term {frequency} times, or comes out of order");
        }

        if (count++ % PostingList.BlockLength == 0)
        {
            positionStarts.Add(Narrow(positions.Length));
        }

        lastDocument = document;
        documents.UInt32((uint)document);
        frequencies.UInt32((uint)frequency);
        positions.Bytes(encoded);
    }

    public void EndTerm()
    {
        if (count == 0)
        {
            return;
        }

        var name = term.AsSpan(0, termLength);
        if (blockTerms == 0)
        {
            firstTerms.Bytes(name);
        }

        int shared = blockTerms == 0 ? 0 : name.CommonPrefixLength(previous.AsSpan(0, previousLength));
        dictionary.Varint((ulong)shared);
        dictionary.Block(name[shared..]);
        dictionary.Varint((ulong)count);
        if (count <= InlinePostings)
        {
            WriteInline();
        }
        else
        {
            WriteList();
        }

        (previous, term) = (term, previous);
        previousLength = termLength;
        terms++;
        postings += count;
        positionBytes += positions.Length;
        if (++blockTerms == BlockTerms || dictionary.Length >= BlockTermBytes)
        {
            EndBlock();
        }
    }

    /// <summary>Completes the attribute's sections.</summary>
    public void Finish()
    {
        EndBlock();
        part.EndSection(PartSection.TextData, attribute.Id, attribute.Type.Kind, postings);
        WriteEntry(new TextBlockEntry(0, 0, Narrow(firstTerms.Length)));
        part.Section(PartSection.TextBlocks, blocks.Written, attribute.Id, count: blockCount);
        part.Section(PartSection.TextFirstTerms, firstTerms.Written, attribute.Id);
        var (withText, total) = WriteLengths();
        scratch.Clear();
        new TextFacts(withText, total, terms, postings, positionBytes, TextAnalysis.Of(attribute.FullText!)).Write(scratch);
        part.Section(PartSection.TextFacts, scratch.Written, attribute.Id);
        WritePlaces();
    }

    /// <summary>The smallest width of 1, 2 and 4 bytes that holds every length.</summary>
    private (long Documents, long Length) WriteLengths()
    {
        uint largest = 0;
        long withText = 0, total = 0;
        foreach (uint length in lengths)
        {
            largest = Math.Max(largest, length);
            withText += length > 0 ? 1 : 0;
            total += length > 0 ? length - 1 : 0;
        }

        int width = largest <= byte.MaxValue ? 1 : largest <= ushort.MaxValue ? 2 : 4;
        part.BeginSection();
        foreach (uint length in lengths)
        {
            MemoryMarshal.AsBytes(new ReadOnlySpan<uint>(in length))[..width].CopyTo(part.Buffer.Reserve(width));
        }

        part.EndSection(PartSection.TextLengths, attribute.Id, count: width);
        return (withText, total);
    }

    /// <summary>Differences and frequencies of a short list, then its positions, each behind their length.</summary>
    private void WriteInline()
    {
        scratch.Clear();
        int before = -1;
        for (int i = 0; i < count; i++)
        {
            uint gap = (uint)(Documents[i] - before - 1);
            before = Documents[i];
            int frequency = Frequencies[i];
            scratch.Varint((ulong)gap << 1 | (frequency > 1 ? 1UL : 0));
            if (frequency > 1)
            {
                scratch.Varint((ulong)frequency);
            }
        }

        dictionary.Block(scratch.Written.AsSpan());
        dictionary.Block(positions.Written.AsSpan());
    }

    private void WriteList()
    {
        var buffer = part.Buffer;
        buffer.Reserve((int)(sectionStart - part.Position & 7)).Clear();
        long start = part.Position - sectionStart;
        dictionary.Varint((ulong)start >> 3);
        int tables = positionStarts.Count;
        var table = new TextBlock[tables];
        scratch.Clear();
        var frontier = default(TextImpactFrontier);
        long occurrences = 0;
        for (int block = 0; block < tables; block++)
        {
            table[block] = WriteBlock(block, ref frontier, ref occurrences);
        }

        bool hasRanges = TextRanges.AreFor(count, lengths.Length);
        var header = new TextListHeader(
            (uint)count,
            (uint)tables | (hasRanges ? TextListHeader.RangesBit : 0),
            (ulong)scratch.Length, (ulong)positions.Length, (ulong)occurrences, frontier.ToWord());
        MemoryMarshal.Write(buffer.Reserve(TextListHeader.Bytes), header);
        foreach (var block in table)
        {
            MemoryMarshal.Write(buffer.Reserve(TextBlock.Bytes), block);
        }

        buffer.Bytes(scratch.Written.AsSpan());
        if (hasRanges)
        {
            WriteRanges();
        }

        longLists.Add(new TextListPlace(Crc32C.Compute(term.AsSpan(0, termLength)), Narrow(part.Position - sectionStart - start), (ulong)start));
        buffer.Bytes(positions.Written.AsSpan());
    }

    private void WriteRanges()
    {
        ranges ??= new TextRangeEncoder(lengths);
        scratch.Clear();
        var codes = scratch.Reserve(TextRanges.CodeBytes(lengths.Length));
        ranges.Encode(Documents, Frequencies, lengths, codes);
        part.Buffer.Bytes(ranges.Table);
        WriteStarts();
        part.Buffer.Bytes(codes);
    }

    private void WriteStarts()
    {
        uint block = 0;
        for (int start = 0; start < TextRanges.StartCount(lengths.Length); start++)
        {
            while (block < positionStarts.Count && LastDocumentOf((int)block) < start << TextRanges.StartShift)
            {
                block++;
            }

            part.Buffer.UInt32(block);
        }
    }

    private int LastDocumentOf(int block) => Documents[Math.Min((block + 1) * PostingList.BlockLength, count) - 1];

    /// <summary>Where the long lists lie, by the checksums of their terms.</summary>
    private void WritePlaces()
    {
        longLists.Sort(static (left, right) => (left.Checksum, left.Offset).CompareTo((right.Checksum, right.Offset)));
        part.BeginSection();
        foreach (var place in longLists)
        {
            MemoryMarshal.Write(part.Buffer.Reserve(TextListPlace.Bytes), place);
        }

        part.EndSection(PartSection.TextLists, attribute.Id, count: longLists.Count);
    }

    private TextBlock WriteBlock(int block, ref TextImpactFrontier all, ref long occurrences)
    {
        Span<uint> gaps = stackalloc uint[PostingList.BlockLength];
        Span<uint> repeats = stackalloc uint[PostingList.BlockLength];
        int start = block * PostingList.BlockLength;
        int length = Math.Min(count - start, PostingList.BlockLength);
        uint before = start == 0 ? uint.MaxValue : (uint)Documents[start - 1];
        uint last = before;
        var frontier = default(TextImpactFrontier);
        for (int i = 0; i < length; i++)
        {
            int document = Documents[start + i];
            int frequency = Frequencies[start + i];
            gaps[i] = (uint)document - last - 1;
            last = (uint)document;
            repeats[i] = (uint)frequency - 1;
            occurrences += frequency;
            ushort impact = TextImpact.Encode(frequency, (int)lengths[document] - 1);
            frontier.Add(impact);
            all.Add(impact);
        }

        uint offset = Narrow(scratch.Length);
        byte bits = WriteDocuments(gaps[..length], start, before, last);
        byte frequencyBits = (byte)PackedIntegers.WidthOf(repeats[..length]);
        Pack(repeats[..length], frequencyBits);
        return new TextBlock(last, offset, positionStarts[block], frontier.ToWord(), bits, frequencyBits, (byte)(length - 1), 0);
    }

    /// <summary>Packed differences, or a bit set where that is not longer.</summary>
    private byte WriteDocuments(ReadOnlySpan<uint> gaps, int start, uint before, uint last)
    {
        int bits = PackedIntegers.WidthOf(gaps);
        int words = TextBlock.WordsOf(before, last);
        if (bits == 0 || words * sizeof(ulong) > PackedIntegers.Bytes(bits, gaps.Length))
        {
            Pack(gaps, bits);
            return (byte)bits;
        }

        Span<byte> set = scratch.Reserve(words * sizeof(ulong));
        set.Clear();
        for (int i = 0; i < gaps.Length; i++)
        {
            uint bit = (uint)Documents[start + i] - before - 1;
            set[(int)(bit >> 3)] |= (byte)(1 << (int)(bit & 7));
        }

        return TextBlock.BitSet;
    }

    private void Pack(ReadOnlySpan<uint> values, int bits)
    {
        if (bits > 0)
        {
            PackedIntegers.Pack(values, bits, scratch.Reserve(PackedIntegers.Bytes(bits, values.Length)));
        }
    }

    private void EndBlock()
    {
        if (blockTerms == 0)
        {
            return;
        }

        WriteEntry(new TextBlockEntry((ulong)(part.Position - sectionStart), Narrow(dictionary.Length), firstStart));
        firstStart = Narrow(firstTerms.Length);
        part.Buffer.Bytes(dictionary.Written.AsSpan());
        dictionary.Clear();
        blockTerms = 0;
        blockCount++;
    }

    private void WriteEntry(in TextBlockEntry entry) => MemoryMarshal.Write(blocks.Reserve(TextBlockEntry.Bytes), entry);

    private uint Narrow(long value) => value <= uint.MaxValue
        ? (uint)value
        : throw PuffException.Internal($"a term of attribute \"{attribute.Name}\" needs more than 4 GiB in one segment; build smaller segments");
}
