using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Puff.Engine.Encoding;
using Puff.Engine.Numerics;

namespace Puff.Engine.Formats;

/// <summary>
/// One attribute of the part `sparse`: from dimensions to posting lists. Opening looks at the dictionary of dimensions only; tables and postings are verified
/// when they are first read. Any number of threads may read. Damage is a <see cref="CorruptDataException"/>.
/// </summary>
internal sealed unsafe class SparseIndex
{
    /// <summary>Widths up to this cannot overflow 32 bits within a block, so a right last document proves all before it.</summary>
    private const int SafeBits = 24;

    private readonly PartReader part;
    private readonly PartEntry postings;
    private readonly PartEntry blocks;
    private readonly PartEntry lists;
    private readonly MemoryRegion keyOffsets;
    private readonly MemoryRegion keys;

    private SparseIndex(PartReader part, int attribute, PartEntry lists)
    {
        this.part = part;
        this.lists = lists;
        postings = part.Find(PartSection.SparsePostings, attribute);
        blocks = part.Find(PartSection.SparseBlocks, attribute);
        if (lists.Count >= int.MaxValue || lists.Length != (lists.Count + 1) * SparseListEntry.Bytes
            || blocks.Count >= int.MaxValue || blocks.Length != blocks.Count * SparseBlock.Bytes)
        {
            throw new CorruptDataException($"the tables of attribute {attribute} do not have {lists.Count} lists and {blocks.Count} blocks");
        }

        keys = part.Read(part.Find(PartSection.SparseKeys, attribute));
        keyOffsets = part.Read(part.Find(PartSection.SparseKeyOffsets, attribute, (lists.Count + 1) * sizeof(uint)));
        ColumnsPartReader.CheckTable(keyOffsets, (int)lists.Count, keys.Length);
    }

    /// <summary>Documents of the segment, with or without a value.</summary>
    public int Documents => part.Documents;

    /// <summary>Different keys.</summary>
    public int Dimensions => (int)lists.Count;

    /// <summary>Entries of all documents.</summary>
    public long Postings => postings.Count;

    /// <summary>The index of an attribute; null when the part was written without it.</summary>
    public static SparseIndex? Open(PartReader part, int attribute) =>
        part.TryFind(PartSection.SparseLists, attribute, out var lists) ? new SparseIndex(part, attribute, lists) : null;

    /// <summary>The key of a dimension; dimensions are in ascending bytewise order of their keys.</summary>
    public ReadOnlySpan<byte> KeyAt(int dimension)
    {
        uint start = BinaryPrimitives.ReadUInt32LittleEndian(keyOffsets.Span(dimension * 4L, 4));
        uint end = BinaryPrimitives.ReadUInt32LittleEndian(keyOffsets.Span(dimension * 4L + 4, 4));
        return keys.Span(start, (int)(end - start));
    }

    /// <summary>The dimension with that key, or -1.</summary>
    public int Find(ReadOnlySpan<byte> key)
    {
        int low = 0;
        int high = Dimensions - 1;
        while (low <= high)
        {
            int middle = (low + high) >> 1;
            int order = KeyAt(middle).SequenceCompareTo(key);
            if (order == 0)
            {
                return middle;
            }

            if (order < 0)
            {
                low = middle + 1;
            }
            else
            {
                high = middle - 1;
            }
        }

        return -1;
    }

    /// <summary>Adds the table of blocks of a dimension to a batch. Reads the table of lists.</summary>
    public void PlanBlocks(int dimension, IReadBatch batch)
    {
        var entries = EntriesOf(dimension);
        part.Plan(blocks, (long)entries[0].FirstBlock * SparseBlock.Bytes, ((long)entries[1].FirstBlock - entries[0].FirstBlock) * SparseBlock.Bytes, batch);
    }

    /// <summary>Adds the postings of a dimension to a batch. Reads the tables of lists and blocks.</summary>
    public void PlanPostings(int dimension, IReadBatch batch)
    {
        var list = GetList(dimension);
        if (list.BlockCount > 0)
        {
            long start = (long)list.Blocks[0].Position << SparseBlock.PositionShift;
            ref readonly var last = ref list.Blocks[list.BlockCount - 1];
            long end = ((long)last.Position << SparseBlock.PositionShift) + PackedIntegers.Bytes(Math.Min((int)last.Bits, 32), last.Count)
                + (last.Count * sizeof(ushort));
            part.Plan(postings, start, end - start, batch);
        }
    }

    /// <summary>The postings of a dimension, 0 to <see cref="Dimensions"/> - 1.</summary>
    public SparseList GetList(int dimension)
    {
        var entries = EntriesOf(dimension);
        var entry = entries[0];
        long count = (long)entries[1].FirstBlock - entry.FirstBlock;
        if (entry.Postings == 0 || entry.Postings > Documents || count != (entry.Postings + PackedIntegers.BlockLength - 1) / PackedIntegers.BlockLength)
        {
            throw new CorruptDataException($"dimension {dimension} announces {entry.Postings} postings in {count} blocks");
        }

        var table = part.Slice(blocks, (long)entry.FirstBlock * SparseBlock.Bytes, count * SparseBlock.Bytes);
        return new SparseList((int)entry.Postings, (int)count, (SparseBlock*)table.Pointer, Weight(entry.Maximum), Weight(entry.Minimum));
    }

    /// <summary>
    /// Unpacks one block. Documents come out strictly ascending, within the segment and behind those of the block before, whatever is stored; behind the last
    /// one the output is filled with int.MaxValue and weight 0.
    /// </summary>
    /// <param name="list">A list of this index.</param>
    /// <param name="block">0 to the list's number of blocks - 1.</param>
    /// <param name="documents">Room for 128.</param>
    /// <param name="weights">Room for 128.</param>
    /// <returns>The number of postings.</returns>
    public int Read(in SparseList list, int block, int* documents, float* weights)
    {
        ref readonly var entry = ref list.Blocks[block];
        int count = block < list.BlockCount - 1
            ? PackedIntegers.BlockLength
            : list.Postings - (list.BlockCount - 1) * PackedIntegers.BlockLength;
        uint previous = block == 0 ? uint.MaxValue : list.Blocks[block - 1].LastDocument;
        if (entry.Count != count || entry.Bits > 32 || entry.LastDocument >= (uint)Documents || (block > 0 && entry.LastDocument <= previous))
        {
            throw new CorruptDataException($"a block of {entry.Count} postings up to document {entry.LastDocument} does not fit its list");
        }

        int packed = count == 1 ? 0 : PackedIntegers.Bytes(entry.Bits, count);
        var content = part.Slice(postings, (long)entry.Position << SparseBlock.PositionShift, packed + count * sizeof(ushort));
        if (count == 1)
        {
            documents[0] = (int)entry.LastDocument;
        }
        else
        {
            PackedIntegers.UnpackAscending(content.Pointer, entry.Bits, count, previous, (uint*)documents);
            CheckDocuments(documents, count, entry);
        }

        ReadWeights(content.Pointer + packed, count, weights);
        if (count < PackedIntegers.BlockLength)
        {
            new Span<int>(documents + count, PackedIntegers.BlockLength - count).Fill(int.MaxValue);
        }

        return count;
    }

    /// <summary>A weight, exact.</summary>
    public static float Weight(ushort bits) => (float)BitConverter.UInt16BitsToHalf(bits);

    private static void CheckDocuments(int* documents, int count, in SparseBlock entry)
    {
        bool ascends = (uint)documents[count - 1] == entry.LastDocument;
        for (int i = 1; entry.Bits > SafeBits && i < count; i++)
        {
            ascends &= (uint)documents[i - 1] < (uint)documents[i];
        }

        if (!ascends)
        {
            throw new CorruptDataException($"a block of postings ends with document {(uint)documents[count - 1]} instead of {entry.LastDocument}");
        }
    }

    private ReadOnlySpan<SparseListEntry> EntriesOf(int dimension) =>
        MemoryMarshal.Cast<byte, SparseListEntry>(part.Read(lists, (long)dimension * SparseListEntry.Bytes, 2 * SparseListEntry.Bytes));

    private static void ReadWeights(byte* source, int count, float* weights)
    {
        int i = 0;
        for (; i <= count - Vector256<float>.Count; i += Vector256<float>.Count)
        {
            F16Element.Load256(source, i).Store(weights + i);
        }

        for (; i < count; i++)
        {
            weights[i] = F16Element.Load(source, i);
        }

        new Span<float>(weights + count, PackedIntegers.BlockLength - count).Clear();
    }
}

/// <summary>One posting list: its table of blocks, verified, and what bounds its weights.</summary>
internal readonly unsafe struct SparseList(int postings, int blockCount, SparseBlock* blocks, float maximum, float minimum)
{
    public int Postings { get; } = postings;

    public int BlockCount { get; } = blockCount;

    public SparseBlock* Blocks { get; } = blocks;

    public float Maximum { get; } = maximum;

    public float Minimum { get; } = minimum;
}
