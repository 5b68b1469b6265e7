using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Puff.Engine.Encoding;

namespace Puff.Engine.Formats;

/// <summary>
/// One attribute of the part `text`: from terms to posting lists. Opening reads the first terms and the lengths' place only; everything else is verified when
/// it is first read. Any number of threads may read. Damage is a <see cref="CorruptDataException"/>.
/// </summary>
internal sealed unsafe class TextIndex : ITextIndex
{
    private readonly PartReader part;
    private readonly int attribute;
    private readonly PartEntry data;
    private readonly PartEntry lengths;
    private readonly int lengthWidth;
    private readonly MemoryRegion blocks;
    private readonly MemoryRegion firstTerms;
    private byte* lengthsPointer;

    private TextIndex(PartReader part, int attribute, PartEntry table)
    {
        this.part = part;
        this.attribute = attribute;
        data = part.Find(PartSection.TextData, attribute);
        if (table.Count >= int.MaxValue || table.Length != (table.Count + 1) * TextBlockEntry.Bytes)
        {
            throw new CorruptDataException($"the dictionary of attribute {attribute} does not have {table.Count} blocks");
        }

        BlockCount = (int)table.Count;
        blocks = part.Read(table);
        firstTerms = part.Read(part.Find(PartSection.TextFirstTerms, attribute));
        lengths = part.Find(PartSection.TextLengths, attribute);
        lengthWidth = lengths.Count is 1 or 2 or 4 && lengths.Length == lengths.Count * part.Documents
            ? (int)lengths.Count
            : throw new CorruptDataException($"{lengths.Length} bytes are not the lengths of {part.Documents} documents");
        Facts = TextFacts.Read(part.Read(part.Find(PartSection.TextFacts, attribute)));
        if (Facts.Documents > part.Documents)
        {
            throw new CorruptDataException($"{Facts.Documents} of {part.Documents} documents have a text");
        }
    }

    public int Documents => part.Documents;

    public TextFacts Facts { get; }

    public (long Documents, long Length) Totals => (Facts.Documents, Facts.Length);

    /// <summary>Blocks of the dictionary.</summary>
    public int BlockCount { get; }

    /// <summary>Bytes of all sections of the attribute.</summary>
    public long PartBytes => data.Length + blocks.Length + firstTerms.Length + lengths.Length;

    /// <summary>The index of an attribute; null when the part was written without it.</summary>
    public static TextIndex? Open(PartReader part, int attribute) =>
        part.TryFind(PartSection.TextBlocks, attribute, out var table) ? new TextIndex(part, attribute, table) : null;

    /// <summary>Adds to a batch what <see cref="Find"/> of a term and a search of its list read. Reads the places of long lists.</summary>
    public void Plan(ReadOnlySpan<byte> term, IReadBatch batch)
    {
        int block = BlockOf(term);
        if (block >= 0)
        {
            PlanBlock(block, batch);
            PlanList(term, batch);
        }
    }

    /// <summary>Adds the part of the dictionary that terms with a prefix lie in. An empty prefix: all of it.</summary>
    public void PlanPrefix(ReadOnlySpan<byte> prefix, IReadBatch batch)
    {
        int block = Math.Max(BlockOf(prefix), 0);
        do
        {
            PlanBlock(block, batch);
        }
        while (++block < BlockCount && FirstTermOf(block).StartsWith(prefix));
    }

    /// <summary>Adds the long lists of the terms with a prefix. Reads the dictionary.</summary>
    public void PlanPrefixLists(ReadOnlySpan<byte> prefix, IReadBatch batch)
    {
        var reader = new TermReader(this, Math.Max(BlockOf(prefix), 0), toEnd: true);
        while (reader.Next())
        {
            if (reader.Term.StartsWith(prefix) && reader.Documents > TextEncoder.InlinePostings)
            {
                PlanList(reader.Term, batch);
            }
            else if (!reader.Term.StartsWith(prefix) && reader.Term.SequenceCompareTo(prefix) > 0)
            {
                return;
            }
        }
    }

    /// <summary>Adds the lengths of all documents to a batch: scores read some of everywhere.</summary>
    public void PlanLengths(IReadBatch batch) => part.Plan(lengths, batch);

    public PostingList? Find(ReadOnlySpan<byte> term)
    {
        int block = BlockOf(term);
        if (block < 0)
        {
            return null;
        }

        var reader = new TermReader(this, block);
        while (reader.Next())
        {
            int order = reader.Term.SequenceCompareTo(term);
            if (order >= 0)
            {
                return order == 0 ? reader.Postings() : null;
            }
        }

        return null;
    }

    public void FindPrefix(ReadOnlySpan<byte> prefix, List<PostingList> lists)
    {
        var reader = new TermReader(this, Math.Max(BlockOf(prefix), 0), toEnd: true);
        while (reader.Next())
        {
            if (reader.Term.StartsWith(prefix))
            {
                lists.Add(reader.Postings());
            }
            else if (reader.Term.SequenceCompareTo(prefix) > 0)
            {
                return;
            }
        }
    }

    public void ForEachTerm(TermVisitor visit)
    {
        for (var reader = Terms(); reader.Next();)
        {
            visit(reader.Term, reader.Documents);
        }
    }

    /// <summary>All terms in order.</summary>
    public TermReader Terms() => new(this, 0, toEnd: true);

    public int LengthOf(int document)
    {
        if ((uint)document >= (uint)Documents)
        {
            throw new ArgumentOutOfRangeException(nameof(document), document, $"the segment has {Documents} documents");
        }

        uint length = 0;
        part.Read(lengths, (long)document * lengthWidth, lengthWidth).CopyTo(MemoryMarshal.AsBytes(new Span<uint>(ref length)));
        return Bounded(length) - 1;
    }

    public void ReadLengths(int* documents, int count, int* values)
    {
        if (count == 0)
        {
            return;
        }

        byte* all = AllLengths();
        if ((uint)documents[count - 1] >= (uint)Documents)
        {
            throw new CorruptDataException($"document {documents[count - 1]} is none of {Documents}");
        }

        switch (lengthWidth)
        {
            case 1:
                for (int i = GatherLengths(all, documents, count, values); i < count; i++)
                {
                    values[i] = all[documents[i]] - 1;
                }

                break;
            case 2:
                for (int i = 0; i < count; i++)
                {
                    values[i] = ((ushort*)all)[documents[i]] - 1;
                }

                break;
            default:
                for (int i = 0; i < count; i++)
                {
                    values[i] = Bounded(((uint*)all)[documents[i]]) - 1;
                }

                break;
        }
    }

    public void ReadLengths(int first, int* values)
    {
        byte* all = AllLengths();
        int count = Math.Min(TextRanges.Documents, Documents - first);
        if (first < 0 || count <= 0)
        {
            throw new CorruptDataException($"document {first} is none of {Documents}");
        }

        if (lengthWidth == 1 && count == Vector128<int>.Count && Sse41.IsSupported)
        {
            (Sse41.ConvertToVector128Int32(all + first) - Vector128<int>.One).Store(values);
            return;
        }

        for (int i = 0; i < count; i++)
        {
            int document = first + i;
            ReadLengths(&document, 1, values + i);
        }
    }

    /// <summary>A dictionary block, verified.</summary>
    public MemoryRegion BlockAt(int block)
    {
        var entry = EntryAt(block);
        return part.Slice(data, Signed(entry.Offset), entry.Length);
    }

    /// <summary>A long list.</summary>
    /// <param name="offset">In the data, in units of 8 bytes.</param>
    /// <param name="documents">What the dictionary says.</param>
    public StoredPostings ListAt(ulong offset, int documents)
    {
        if (offset > long.MaxValue / 8)
        {
            throw new CorruptDataException($"a posting list at {offset} lies outside the part");
        }

        long start = (long)offset * 8;
        var header = MemoryMarshal.Read<TextListHeader>(part.Read(data, start, TextListHeader.Bytes));
        long tableBytes = (long)header.Blocks * TextBlock.Bytes;
        if (header.Postings != documents || documents > Documents || header.Blocks != (documents + PostingList.BlockLength - 1) / PostingList.BlockLength
            || header.BlockBytes > (ulong)data.Length || header.PositionBytes > (ulong)data.Length)
        {
            throw new CorruptDataException($"a posting list of {documents} documents announces {header.Postings} in {header.Blocks} blocks");
        }

        long rangeBytes = header.HasRanges ? TextRanges.Bytes(Documents) : 0;
        var list = part.Slice(data, start + TextListHeader.Bytes, tableBytes + (long)header.BlockBytes + rangeBytes);
        return new StoredPostings(this, header, list, start + TextListHeader.Bytes + list.Length);
    }

    /// <summary>Bytes of the data, verified.</summary>
    public MemoryRegion DataAt(long offset, long length) => part.Slice(data, offset, length);

    /// <summary>Reads lengths of one byte, eight at a time: four bytes each, of which the last document's are the last four.</summary>
    /// <returns>How many were read.</returns>
    private int GatherLengths(byte* all, int* documents, int count, int* values)
    {
        if (!Avx2.IsSupported || Documents < sizeof(int))
        {
            return 0;
        }

        int i = 0;
        var last = Vector256.Create(Documents - sizeof(int));
        for (; i <= count - Vector256<int>.Count; i += Vector256<int>.Count)
        {
            var wanted = Vector256.Load(documents + i);
            var at = Vector256.Max(Vector256.Min(wanted, last), Vector256<int>.Zero);
            var four = Avx2.GatherVector256((int*)all, at, 1);
            var one = Avx2.ShiftRightLogicalVariable(four, ((wanted - at) << 3).AsUInt32()) & Vector256.Create(0xFF);
            (one - Vector256<int>.One).Store(values + i);
        }

        return i;
    }

    private void PlanBlock(int block, IReadBatch batch)
    {
        if (block < BlockCount)
        {
            var entry = EntryAt(block);
            part.Plan(data, Signed(entry.Offset), entry.Length, batch);
        }
    }

    /// <summary>The list of a term, if it is a long one: others lie in the dictionary.</summary>
    private void PlanList(ReadOnlySpan<byte> term, IReadBatch batch)
    {
        if (!part.TryFind(PartSection.TextLists, attribute, out var section))
        {
            return;
        }

        var places = MemoryMarshal.Cast<byte, TextListPlace>(part.Read(section).AsSpan());
        uint checksum = Crc32C.Compute(term);
        int low = 0;
        int high = places.Length;
        while (low < high)
        {
            int middle = (low + high) >> 1;
            (low, high) = places[middle].Checksum < checksum ? (middle + 1, high) : (low, middle);
        }

        for (; low < places.Length && places[low].Checksum == checksum; low++)
        {
            part.Plan(data, Signed(places[low].Offset), places[low].Length, batch);
        }
    }

    private byte* AllLengths() => lengthsPointer != null ? lengthsPointer : lengthsPointer = part.Read(lengths).Pointer;

    private static int Bounded(uint length) => length <= int.MaxValue
        ? (int)length
        : throw new CorruptDataException($"a document of {length} tokens is out of range");

    private static long Signed(ulong offset) =>
        offset <= long.MaxValue ? (long)offset : throw new CorruptDataException($"offset {offset} lies outside the part");

    private TextBlockEntry EntryAt(int block) => MemoryMarshal.Read<TextBlockEntry>(blocks.Span((long)block * TextBlockEntry.Bytes, TextBlockEntry.Bytes));

    private ReadOnlySpan<byte> FirstTermOf(int block)
    {
        uint start = EntryAt(block).FirstTerm;
        uint end = EntryAt(block + 1).FirstTerm;
        return end >= start ? firstTerms.Span(start, (int)Math.Min(end - start, int.MaxValue)) : throw new CorruptDataException("first terms do not ascend");
    }

    /// <summary>The block that may have a term: the last one whose first term is not behind it; -1 when the term comes before all.</summary>
    private int BlockOf(ReadOnlySpan<byte> term)
    {
        int low = 0;
        int high = BlockCount;
        while (low < high)
        {
            int middle = (low + high) >> 1;
            if (FirstTermOf(middle).SequenceCompareTo(term) <= 0)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low - 1;
    }
}
