using Puff.Engine.Encoding;
using Puff.Engine.Schema;

namespace Puff.Engine.Formats;

/// <summary>
/// Lays out one segment part. Bytes gather in <see cref="Buffer"/>; whoever drives it writes them away from time to time (<see cref="Seal"/>, write,
/// <see cref="Drained"/>), so that memory stays bounded whatever the part's length. Not driven, it builds the part in memory.
/// </summary>
internal sealed class PartEncoder : IDisposable
{
    /// <summary>Smaller writes than this cost more than they save memory.</summary>
    private const int DrainBytes = 1 << 20;

    private readonly PartKind kind;
    private readonly List<PartEntry> entries = [];
    private readonly List<uint> checksums = [];
    private long drained;
    private long sealedTo;
    private uint blockState = ~0u;
    private long sectionStart;
    private bool finished;

    public PartEncoder(PartKind kind)
    {
        this.kind = kind;
        Buffer = new ByteWriter(DrainBytes + DrainBytes / 4);
        PartFormat.WriteHeader(Buffer, kind);
    }

    /// <summary>Bytes of the part that were not written away yet.</summary>
    public ByteWriter Buffer { get; }

    /// <summary>Bytes of the part so far.</summary>
    public long Position => drained + Buffer.Length;

    /// <summary>True when there is enough in the buffer to be worth a write.</summary>
    public bool ShouldDrain => Buffer.Length >= DrainBytes;

    public void Dispose() => Buffer.Dispose();

    /// <summary>Zero bytes up to the alignment of sections; the next byte is the section's first.</summary>
    public void BeginSection()
    {
        Buffer.Reserve((int)(-Position & (PartFormat.Alignment - 1))).Clear();
        sectionStart = Position;
    }

    /// <summary>Enters what was appended since <see cref="BeginSection"/> into the directory.</summary>
    public void EndSection(PartSection section, int attribute = 0, TypeKind type = 0, long count = 0) =>
        entries.Add(new PartEntry(section, attribute, type, sectionStart, Position - sectionStart, count));

    /// <summary>A whole section at once.</summary>
    public void Section(PartSection section, MemoryRegion content, int attribute = 0, TypeKind type = 0, long count = 0)
    {
        BeginSection();
        for (long offset = 0; offset < content.Length;)
        {
            int length = (int)Math.Min(content.Length - offset, DrainBytes);
            Buffer.Bytes(content.Span(offset, length));
            offset += length;
        }

        EndSection(section, attribute, type, count);
    }

    /// <summary>Checksums the buffer's content, which must not change any more, and returns it for writing.</summary>
    public MemoryRegion Seal()
    {
        while (!finished && sealedTo < Position)
        {
            long blockEnd = ((sealedTo >> PartFormat.BlockShift) + 1) << PartFormat.BlockShift;
            int length = (int)(Math.Min(blockEnd, Position) - sealedTo);
            blockState = Crc32C.Append(blockState, Buffer.Written.Span(sealedTo - drained, length));
            sealedTo += length;
            if (sealedTo == blockEnd)
            {
                EndBlock();
            }
        }

        return Buffer.Written;
    }

    /// <summary>The sealed bytes were written away; the buffer is empty again.</summary>
    public void Drained()
    {
        drained += Buffer.Length;
        Buffer.Clear();
    }

    /// <summary>Appends the footer; afterwards the rest of the buffer is written and the part is complete.</summary>
    public void Finish(int documents)
    {
        Seal();
        if ((sealedTo & (PartFormat.BlockBytes - 1)) != 0)
        {
            EndBlock();
        }

        finished = true;
        PartFormat.WriteFooter(Buffer, kind, documents, Position, entries, checksums);
    }

    private void EndBlock()
    {
        checksums.Add(~blockState);
        blockState = ~0u;
    }
}
