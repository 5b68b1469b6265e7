using System.Numerics;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Puff.Engine.Encoding;

namespace Puff.Engine.Formats;

/// <summary>A long posting list, read in place.</summary>
internal sealed unsafe class StoredPostings : PostingList
{
    /// <summary>Widths up to this cannot overflow 32 bits within a block, so a right last document proves all before it.</summary>
    private const int SafeBits = 24;

    private const int CacheLine = 64;

    private readonly TextIndex index;
    private readonly TextBlock* blocks;
    private readonly MemoryRegion content;
    private readonly long positions;

    /// <param name="index">Where it lies.</param>
    /// <param name="header">Checked against the lengths of the part.</param>
    /// <param name="list">The table, the blocks and the ranges.</param>
    /// <param name="positions">Where the positions begin in the data.</param>
    public StoredPostings(TextIndex index, in TextListHeader header, MemoryRegion list, long positions)
        : base((int)header.Postings, header.Impacts)
    {
        this.index = index;
        this.positions = positions;
        blocks = (TextBlock*)list.Pointer;
        content = list.Slice((long)header.Blocks * TextBlock.Bytes, (long)header.BlockBytes);
        PositionBytes = (long)header.PositionBytes;
        Occurrences = (long)header.Occurrences;
        if (header.HasRanges)
        {
            var ranges = list.Slice((long)header.Blocks * TextBlock.Bytes + (long)header.BlockBytes, TextRanges.Bytes(index.Documents));
            Ranges = TextRanges.At(ranges.Pointer, index.Documents);
        }
    }

    public long PositionBytes { get; }

    public override TextRanges? Ranges { get; }

    /// <summary>The sum of all frequencies.</summary>
    public long Occurrences { get; }

    public override int LastDocumentOf(int block) => (int)blocks[block].LastDocument;

    public override int StartOf(int document) => Ranges is { } ranges && (uint)document < (uint)index.Documents
        ? (int)Math.Min(ranges.StartOf(document), (uint)BlockCount)
        : 0;

    public override ulong ImpactsOf(int block) => blocks[block].Impacts;

    public override bool HasBits(int block) => blocks[block].DocumentBits == TextBlock.BitSet;

    public override void FindFrequencies(int block, int* documents, int count, int* frequencies)
    {
        ref readonly var entry = ref blocks[block];
        uint first = PreviousOf(block) + 1;
        int wordCount = TextBlock.WordsOf(first - 1, entry.LastDocument);
        int bits = entry.FrequencyBits;
        if (count == 0)
        {
            return;
        }

        if ((uint)documents[0] < first || (uint)documents[count - 1] > entry.LastDocument || bits > TextBlock.MaxFrequencyBits)
        {
            throw new CorruptDataException($"documents {documents[0]}..{documents[count - 1]} lie outside their block, which ends with {entry.LastDocument}");
        }

        ulong* words = (ulong*)content.Slice(entry.Offset, wordCount * (long)sizeof(ulong)).Pointer;
        byte* packed = content.Slice(entry.Offset + wordCount * (long)sizeof(ulong), PackedIntegers.Bytes(bits, entry.Count)).Pointer;
        int word = 0;
        int before = 0;
        for (int i = 0; i < count; i++)
        {
            int bit = (int)((uint)documents[i] - first);
            ulong current = words[bit >> 6];
            if ((current >> bit & 1) == 0)
            {
                frequencies[i] = 0;
                continue;
            }

            for (; word < bit >> 6; word++)
            {
                before += BitOperations.PopCount(words[word]);
            }

            int rank = before + BitOperations.PopCount(current & ((1UL << bit) - 1));
            frequencies[i] = 1 + (int)PackedIntegers.At(packed, bits, Math.Min(rank, entry.CountLessOne));
        }
    }

    public override void FindNeighbors(int block, int first, int count, int* frequencies)
    {
        ref readonly var entry = ref blocks[block];
        uint start = PreviousOf(block) + 1;
        int wordCount = TextBlock.WordsOf(start - 1, entry.LastDocument);
        int bits = entry.FrequencyBits;
        if ((uint)(count - 1) > 63 || (uint)first < start || (uint)first + (uint)count - 1 > entry.LastDocument || bits > TextBlock.MaxFrequencyBits)
        {
            throw new CorruptDataException($"document {first} lies outside its block, which ends with {entry.LastDocument}");
        }

        var region = content.Slice(entry.Offset, wordCount * (long)sizeof(ulong) + PackedIntegers.Bytes(bits, entry.Count));
        ulong* words = (ulong*)region.Pointer;
        int bit = (int)((uint)first - start);
        int word = bit >> 6;
        ulong wanted = words[word] >> bit;
        if ((bit & 63) + count > 64)
        {
            wanted |= words[word + 1] << -bit;
        }

        wanted &= ulong.MaxValue >> -count;
        if (wanted == 0)
        {
            return;
        }

        int rank = BitOperations.PopCount(words[word] & ((1UL << bit) - 1));
        for (int i = 0; i < word; i++)
        {
            rank += BitOperations.PopCount(words[i]);
        }

        byte* packed = (byte*)(words + wordCount);
        for (; wanted != 0; wanted &= wanted - 1, rank++)
        {
            frequencies[BitOperations.TrailingZeroCount(wanted)] = 1 + (int)PackedIntegers.At(packed, bits, Math.Min(rank, entry.CountLessOne));
        }
    }

    /// <summary>Lets the processor fetch what <see cref="LastDocumentOf"/> of a block and the next ones reads.</summary>
    public void FetchEntry(int block)
    {
        if (Sse.IsSupported)
        {
            Sse.Prefetch0(blocks + block);
            Sse.Prefetch0((byte*)(blocks + block) + CacheLine);
        }
    }

    /// <summary>The same for what <see cref="ReadDocuments"/> reads.</summary>
    public void FetchBlock(int block)
    {
        if (Sse.IsSupported)
        {
            byte* first = content.Pointer + blocks[block].Offset;
            Sse.Prefetch0(first);
            Sse.Prefetch0(first + CacheLine);
            Sse.Prefetch0(first + 2 * CacheLine);
        }
    }

    public override int FrequencyAt(int block, int posting)
    {
        ref readonly var entry = ref blocks[block];
        var packed = content.Slice(FrequenciesOf(block), PackedIntegers.Bytes(entry.FrequencyBits, entry.Count));
        return 1 + (int)PackedIntegers.At(packed.Pointer, entry.FrequencyBits, posting);
    }

    public override int ReadDocuments(int block, int* documents)
    {
        ref readonly var entry = ref blocks[block];
        int count = block < BlockCount - 1 ? BlockLength : Documents - (BlockCount - 1) * BlockLength;
        uint previous = PreviousOf(block);
        if (entry.Count != count || entry.FrequencyBits > TextBlock.MaxFrequencyBits || entry.LastDocument >= (uint)index.Documents
            || (block > 0 && entry.LastDocument <= previous))
        {
            throw new CorruptDataException($"a block of {entry.Count} postings up to document {entry.LastDocument} does not fit its list");
        }

        if (entry.DocumentBits == TextBlock.BitSet)
        {
            int words = TextBlock.WordsOf(previous, entry.LastDocument);
            ReadBitSet((ulong*)content.Slice(entry.Offset, words * (long)sizeof(ulong)).Pointer, words, (int)(previous + 1), count, documents);
        }
        else
        {
            ReadPacked(entry, previous, count, documents);
        }

        CheckDocuments(documents, count, entry);
        if (count < BlockLength)
        {
            new Span<int>(documents + count, BlockLength - count).Fill(int.MaxValue);
        }

        return count;
    }

    public override void ReadFrequencies(int block, int* frequencies)
    {
        ref readonly var entry = ref blocks[block];
        if (entry.FrequencyBits == 0)
        {
            new Span<int>(frequencies, BlockLength).Fill(1);
            return;
        }

        var packed = content.Slice(FrequenciesOf(block), PackedIntegers.Bytes(entry.FrequencyBits, entry.Count));
        PackedIntegers.Unpack(packed.Pointer, entry.FrequencyBits, entry.Count, (uint*)frequencies);
        for (int i = 0; i < BlockLength; i += Vector256<int>.Count)
        {
            (Vector256.Load(frequencies + i) + Vector256<int>.One).Store(frequencies + i);
        }
    }

    public override void ReadPositions(int block, ReadOnlySpan<int> frequencies, List<int> result)
    {
        result.Clear();
        long start = blocks[block].PositionOffset;
        long end = block < BlockCount - 1 ? blocks[block + 1].PositionOffset : PositionBytes;
        if (end < start || end > PositionBytes || end - start > int.MaxValue)
        {
            throw new CorruptDataException($"positions {start}..{end} lie outside those of the list");
        }

        var reader = new ByteReader(index.DataAt(positions + start, end - start).AsSpan());
        foreach (int frequency in frequencies)
        {
            TextPositions.Read(ref reader, frequency, result);
        }

        reader.ExpectEnd();
    }

    private long FrequenciesOf(int block)
    {
        ref readonly var entry = ref blocks[block];
        return entry.Offset + (entry.DocumentBits == TextBlock.BitSet
            ? TextBlock.WordsOf(PreviousOf(block), entry.LastDocument) * (long)sizeof(ulong)
            : PackedIntegers.Bytes(entry.DocumentBits, entry.Count));
    }

    private uint PreviousOf(int block) => block == 0 ? uint.MaxValue : blocks[block - 1].LastDocument;

    private void ReadPacked(in TextBlock entry, uint previous, int count, int* documents)
    {
        if (entry.DocumentBits > 32)
        {
            throw new CorruptDataException($"a width of {entry.DocumentBits} bits is none");
        }

        if (entry.DocumentBits == 0)
        {
            for (int i = 0; i < count; i++)
            {
                documents[i] = (int)(previous + 1 + (uint)i);
            }

            return;
        }

        var packed = content.Slice(entry.Offset, PackedIntegers.Bytes(entry.DocumentBits, count));
        PackedIntegers.UnpackAscending(packed.Pointer, entry.DocumentBits, count, previous, (uint*)documents);
    }

    private static void ReadBitSet(ulong* words, int count, int first, int expected, int* documents)
    {
        int found = 0;
        int i = 0;
        if (Avx512F.IsSupported)
        {
            i = ReadWords(words, count, first, documents, ref found);
            first += i * 64;
        }

        for (; i < count; i++, first += 64)
        {
            ulong word = words[i];
            if (found + BitOperations.PopCount(word) > expected)
            {
                throw new CorruptDataException($"a bit set has more than the {expected} documents of its block");
            }

            for (; word != 0; word &= word - 1)
            {
                documents[found++] = first + BitOperations.TrailingZeroCount(word);
            }
        }

        if (found != expected)
        {
            throw new CorruptDataException($"a bit set has {found} instead of {expected} documents");
        }
    }

    /// <summary>Sixteen bits at a time, as long as so many more documents have room.</summary>
    /// <returns>How many words were read.</returns>
    private static int ReadWords(ulong* words, int count, int first, int* documents, ref int found)
    {
        var bits = Vector512.Create(1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1 << 10, 1 << 11, 1 << 12, 1 << 13, 1 << 14, 1 << 15);
        var numbers = Vector512.Create(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15) + Vector512.Create(first);
        int read = 0;
        int at = found;
        for (; read < count && at <= BlockLength - 64; read++)
        {
            ulong word = words[read];
            for (int part = 0; part < 4; part++, word >>= 16)
            {
                var mask = Vector512.Equals(Vector512.Create((int)(ushort)word) & bits, bits);
                Avx512F.Compress(Vector512<int>.Zero, mask, numbers).Store(documents + at);
                at += BitOperations.PopCount((uint)(ushort)word);
                numbers += Vector512.Create(16);
            }
        }

        found = at;
        return read;
    }

    private static void CheckDocuments(int* documents, int count, in TextBlock entry)
    {
        bool ascends = (uint)documents[count - 1] == entry.LastDocument;
        for (int i = 1; entry.DocumentBits is > SafeBits and not TextBlock.BitSet && i < count; i++)
        {
            ascends &= (uint)documents[i - 1] < (uint)documents[i];
        }

        if (!ascends)
        {
            throw new CorruptDataException($"a block of postings ends with document {(uint)documents[count - 1]} instead of {entry.LastDocument}");
        }
    }
}

/// <summary>A short posting list, decoded when it was found.</summary>
internal sealed unsafe class InlinePostings : PostingList
{
    private readonly int[] numbers;
    private readonly int[] repeats;
    private readonly MemoryRegion positions;

    private InlinePostings(int[] numbers, int[] repeats, ulong impacts, MemoryRegion positions)
        : base(numbers.Length, impacts)
    {
        this.numbers = numbers;
        this.repeats = repeats;
        this.positions = positions;
    }

    public static InlinePostings Decode(TextIndex index, int count, ReadOnlySpan<byte> encoded, MemoryRegion positions)
    {
        var reader = new ByteReader(encoded);
        int[] documents = new int[count];
        int[] frequencies = new int[count];
        var frontier = default(TextImpactFrontier);
        ulong document = ulong.MaxValue;
        for (int i = 0; i < count; i++)
        {
            ulong gap = reader.Varint();
            int frequency = (gap & 1) == 0 ? 1 : reader.Int32Varint();
            document += (gap >> 1) + 1;
            if (document >= (ulong)index.Documents || frequency is 0 or > 1 << TextBlock.MaxFrequencyBits || (i > 0 && (int)document <= documents[i - 1]))
            {
                throw new CorruptDataException($"a short list names document {document} with frequency {frequency}");
            }

            documents[i] = (int)document;
            frequencies[i] = frequency;
            frontier.Add(TextImpact.Encode(frequency, Math.Max(index.LengthOf((int)document), 0)));
        }

        reader.ExpectEnd();
        return new InlinePostings(documents, frequencies, frontier.ToWord(), positions);
    }

    public override int LastDocumentOf(int block) => numbers[^1];

    public override ulong ImpactsOf(int block) => Impacts;

    public override int FrequencyAt(int block, int posting) => repeats[posting];

    public override int ReadDocuments(int block, int* documents)
    {
        numbers.CopyTo(new Span<int>(documents, BlockLength));
        new Span<int>(documents + numbers.Length, BlockLength - numbers.Length).Fill(int.MaxValue);
        return numbers.Length;
    }

    public override void ReadFrequencies(int block, int* frequencies)
    {
        repeats.CopyTo(new Span<int>(frequencies, BlockLength));
        new Span<int>(frequencies + numbers.Length, BlockLength - numbers.Length).Clear();
    }

    public override void ReadPositions(int block, ReadOnlySpan<int> frequencies, List<int> result)
    {
        result.Clear();
        var reader = new ByteReader(positions.AsSpan());
        foreach (int frequency in frequencies)
        {
            TextPositions.Read(ref reader, frequency, result);
        }

        reader.ExpectEnd();
    }
}
