using Puff.Engine.Encoding;

namespace Puff.Engine.Formats;

/// <summary>Reads the dictionary of a <see cref="TextIndex"/> term by term, from the beginning of a block on.</summary>
internal sealed class TermReader
{
    private readonly TextIndex index;
    private readonly bool toEnd;
    private int block;
    private MemoryRegion content;
    private long at;
    private byte[] term = new byte[64];
    private int length;
    private ulong list;
    private MemoryRegion inlineDocuments;
    private MemoryRegion inlinePositions;

    /// <param name="index">The index.</param>
    /// <param name="block">The first block to read.</param>
    /// <param name="toEnd">Goes on with the blocks behind.</param>
    public TermReader(TextIndex index, int block, bool toEnd = false)
    {
        this.index = index;
        this.toEnd = toEnd;
        this.block = block;
        content = block < index.BlockCount ? index.BlockAt(block) : default;
    }

    /// <summary>Valid until the next call of <see cref="Next"/>.</summary>
    public ReadOnlySpan<byte> Term => term.AsSpan(0, length);

    /// <summary>Documents with the term.</summary>
    public int Documents { get; private set; }

    public bool Next()
    {
        if (at == content.Length)
        {
            if (!toEnd || block >= index.BlockCount - 1)
            {
                return false;
            }

            content = index.BlockAt(++block);
            at = 0;
            length = 0;
        }

        var reader = new ByteReader(content.Span(at, (int)Math.Min(content.Length - at, int.MaxValue)));
        ReadTerm(ref reader);
        Documents = reader.Int32Varint();
        if (Documents == 0 || Documents > index.Documents)
        {
            throw new CorruptDataException($"a term cannot be in {Documents} of {index.Documents} documents");
        }

        if (Documents > TextEncoder.InlinePostings)
        {
            list = reader.Varint();
        }
        else
        {
            inlineDocuments = Region(ref reader);
            inlinePositions = Region(ref reader);
        }

        at += reader.Position;
        return true;
    }

    /// <summary>The postings of the term.</summary>
    public PostingList Postings() => Documents > TextEncoder.InlinePostings
        ? index.ListAt(list, Documents)
        : InlinePostings.Decode(index, Documents, inlineDocuments.AsSpan(), inlinePositions);

    private MemoryRegion Region(ref ByteReader reader)
    {
        int count = reader.Count();
        var region = content.Slice(at + reader.Position, count);
        reader.Bytes(count);
        return region;
    }

    private void ReadTerm(ref ByteReader reader)
    {
        int shared = reader.Int32Varint();
        var rest = reader.Block();
        if (shared > length)
        {
            throw new CorruptDataException($"a term cannot share {shared} bytes with one of {length}");
        }

        length = shared + rest.Length;
        if (term.Length < length)
        {
            Array.Resize(ref term, length * 2);
        }

        rest.CopyTo(term.AsSpan(shared));
    }
}
