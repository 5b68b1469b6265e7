using System.Runtime.InteropServices;
using Puff.Engine.Encoding;
using Puff.Engine.Schema;

namespace Puff.Engine.Formats;

/// <summary>
/// Writes the inverted index of one sparse vector attribute into the part `sparse`: for every dimension the documents that have it and their weights. The
/// owner passes over all documents once to count (<see cref="Count"/>), then once for every range of dimensions whose postings fit into memory:
/// <see cref="BeginPass"/>, <see cref="Add"/> for every document, <see cref="EncodeMore"/> until it returns false. <see cref="Finish"/> adds the tables.
/// </summary>
internal sealed unsafe class SparseEncoder : IDisposable
{
    /// <summary>Postings gathered in one pass, 6 bytes each, unless a single dimension has more.</summary>
    public const int PassPostings = 16 << 20;

    private const int Unranked = -1;

    private readonly PartEncoder part;
    private readonly AttributeDefinition attribute;
    private readonly int passPostings;
    private readonly SparseDimensions dimensions = new();
    private readonly ByteWriter blocks = new();
    private readonly ByteWriter lists = new();
    private uint* documents;
    private ushort* weights;
    private int[] starts = [];
    private int[] ends = [];
    private int firstRank = Unranked;
    private int endRank;
    private int nextRank;
    private long sectionStart;
    private long postings;
    private uint blockCount;

    public SparseEncoder(PartEncoder part, AttributeDefinition attribute, int passPostings = PassPostings)
    {
        this.part = part;
        this.attribute = attribute;
        this.passPostings = passPostings;
    }

    ~SparseEncoder() => FreePass();

    public void Dispose()
    {
        dimensions.Dispose();
        blocks.Dispose();
        lists.Dispose();
        FreePass();
        GC.SuppressFinalize(this);
    }

    /// <summary>The first pass: one document's value, encoded.</summary>
    public void Count(ReadOnlySpan<byte> payload)
    {
        var reader = new ByteReader(payload);
        for (int left = reader.Count(3); left > 0; left--)
        {
            dimensions.Add(reader.Block());
            reader.Bytes(2);
        }

        reader.ExpectEnd();
    }

    /// <summary>Begins the next pass; false when every dimension has been written.</summary>
    public bool BeginPass()
    {
        if (firstRank == Unranked)
        {
            dimensions.Rank();
            part.BeginSection();
            sectionStart = part.Position;
        }

        firstRank = endRank;
        nextRank = endRank;
        long total = 0;
        while (endRank < dimensions.Count && (endRank == firstRank || total + dimensions.PostingsAt(endRank) <= passPostings))
        {
            total += dimensions.PostingsAt(endRank++);
        }

        FreePass();
        starts = new int[endRank - firstRank + 1];
        for (int i = 1; i < starts.Length; i++)
        {
            starts[i] = starts[i - 1] + dimensions.PostingsAt(firstRank + i - 1);
        }

        ends = starts[..^1];
        documents = (uint*)NativeMemory.Alloc((nuint)total, sizeof(uint));
        weights = (ushort*)NativeMemory.Alloc((nuint)total, sizeof(ushort));
        return firstRank < endRank;
    }

    /// <summary>One document's value, the same as in the first pass; documents come in ascending order.</summary>
    public void Add(int document, ReadOnlySpan<byte> payload)
    {
        var reader = new ByteReader(payload);
        for (int left = reader.Count(3); left > 0; left--)
        {
            int rank = dimensions.RankOf(reader.Block()) - firstRank;
            ushort weight = reader.UInt16();
            if ((uint)rank >= (uint)ends.Length)
            {
                continue;
            }

            int at = ends[rank];
            if (at == starts[rank + 1] || (at > starts[rank] && documents[at - 1] >= (uint)document))
            {
                throw new CorruptDataException($"document {document} repeats a dimension of attribute {attribute.Id}, or changed while it was indexed");
            }

            documents[at] = (uint)document;
            weights[at] = weight;
            ends[rank]++;
        }
    }

    /// <summary>Appends lists of this pass, at least one, until there is something worth draining; false when all are written.</summary>
    public bool EncodeMore()
    {
        while (nextRank < endRank)
        {
            int rank = nextRank++ - firstRank;
            WriteList(starts[rank], ends[rank] - starts[rank]);
            if (part.ShouldDrain)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Completes the attribute's sections.</summary>
    public void Finish()
    {
        part.EndSection(PartSection.SparsePostings, attribute.Id, attribute.Type.Kind, postings);
        part.Section(PartSection.SparseBlocks, blocks.Written, attribute.Id, count: blockCount);
        WriteEntry(new SparseListEntry(blockCount, 0, 0, 0));
        part.Section(PartSection.SparseLists, lists.Written, attribute.Id, count: dimensions.Count);
        using var offsets = new ByteWriter();
        uint offset = 0;
        offsets.UInt32(0);
        for (int rank = 0; rank < dimensions.Count; rank++)
        {
            offset = checked(offset + (uint)dimensions.KeyAt(rank).Length);
            offsets.UInt32(offset);
        }

        part.Section(PartSection.SparseKeyOffsets, offsets.Written, attribute.Id);
        part.BeginSection();
        for (int rank = 0; rank < dimensions.Count; rank++)
        {
            part.Buffer.Bytes(dimensions.KeyAt(rank));
        }

        part.EndSection(PartSection.SparseKeys, attribute.Id);
    }

    /// <summary>Numbers that sort like the weights whose bits they are made of; turns back when applied again.</summary>
    public static short Sortable(ushort weight) => (short)((short)weight ^ ((short)weight >> 15 & 0x7FFF));

    private void WriteList(int start, int count)
    {
        uint first = blockCount;
        uint previous = uint.MaxValue;
        short maximum = short.MinValue, minimum = short.MaxValue;
        for (int done = 0; done < count; done += PackedIntegers.BlockLength)
        {
            int length = Math.Min(count - done, PackedIntegers.BlockLength);
            var (high, low) = WriteBlock(start + done, length, previous);
            maximum = Math.Max(maximum, high);
            minimum = Math.Min(minimum, low);
            previous = documents[start + done + length - 1];
        }

        postings += count;
        WriteEntry(new SparseListEntry(first, (uint)count, (ushort)Sortable((ushort)maximum), (ushort)Sortable((ushort)minimum)));
    }

    private (short Maximum, short Minimum) WriteBlock(int start, int count, uint previous)
    {
        Span<uint> gaps = stackalloc uint[PackedIntegers.BlockLength];
        short maximum = short.MinValue, minimum = short.MaxValue;
        uint last = previous;
        for (int i = 0; i < count; i++)
        {
            gaps[i] = documents[start + i] - last - 1;
            last = documents[start + i];
            short weight = Sortable(weights[start + i]);
            maximum = Math.Max(maximum, weight);
            minimum = Math.Min(minimum, weight);
        }

        // The table knows the last document, so a single one needs no bits.
        int bits = count == 1 ? 0 : PackedIntegers.WidthOf(gaps[..count]);
        long position = part.Position - sectionStart >> SparseBlock.PositionShift;
        if (position > uint.MaxValue)
        {
            throw PuffException.Internal($"attribute \"{attribute.Name}\" has more than 16 GiB of postings in one segment; build smaller segments");
        }

        if (bits > 0)
        {
            PackedIntegers.Pack(gaps[..count], bits, part.Buffer.Reserve(PackedIntegers.Bytes(bits, count)));
        }

        part.Buffer.Bytes(new ReadOnlySpan<byte>(weights + start, count * sizeof(ushort)));
        part.Buffer.Reserve((int)(-part.Position & ((1 << SparseBlock.PositionShift) - 1))).Clear();
        var block = new SparseBlock(
            last, (ushort)Sortable((ushort)maximum), (ushort)Sortable((ushort)minimum), (byte)bits, (byte)(count - 1), 0, (uint)position);
        MemoryMarshal.Write(blocks.Reserve(SparseBlock.Bytes), block);
        blockCount++;
        return (maximum, minimum);
    }

    private void WriteEntry(in SparseListEntry entry) => MemoryMarshal.Write(lists.Reserve(SparseListEntry.Bytes), entry);

    private void FreePass()
    {
        NativeMemory.Free(documents);
        NativeMemory.Free(weights);
        documents = null;
        weights = null;
    }
}
