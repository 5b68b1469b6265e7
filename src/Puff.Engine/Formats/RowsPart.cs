using System.Buffers.Binary;
using Puff.Engine.Encoding;

namespace Puff.Engine.Formats;

/// <summary>Writes the part `rows`: all rows (<see cref="RowFormat"/>) one after the other, then a u64 offset table with one entry more than rows.</summary>
internal sealed class RowsPartEncoder : IDisposable
{
    private readonly PartEncoder part;
    private readonly ByteWriter offsets = new();
    private ulong bytes;

    public RowsPartEncoder(PartEncoder part)
    {
        this.part = part;
        offsets.UInt64(0);
        part.BeginSection();
    }

    public void Dispose() => offsets.Dispose();

    public void Add(ReadOnlySpan<byte> row)
    {
        part.Buffer.Bytes(row);
        bytes += (ulong)row.Length;
        offsets.UInt64(bytes);
    }

    public void Finish()
    {
        part.EndSection(PartSection.Rows);
        part.Section(PartSection.RowOffsets, offsets.Written);
    }
}

/// <summary>Reads the part `rows`.</summary>
internal sealed class RowsPartReader
{
    private readonly PartReader part;
    private readonly PartEntry rows;
    private readonly PartEntry offsets;

    public RowsPartReader(PartReader part)
    {
        this.part = part;
        rows = part.Find(PartSection.Rows);
        offsets = part.Find(PartSection.RowOffsets, 0, (part.Documents + 1L) * 8);
    }

    public ReadOnlySpan<byte> GetRow(int document)
    {
        var pair = part.Read(offsets, document * 8L, 16);
        ulong start = BinaryPrimitives.ReadUInt64LittleEndian(pair);
        ulong end = BinaryPrimitives.ReadUInt64LittleEndian(pair[8..]);
        if (start > end || end > (ulong)rows.Length || end - start > int.MaxValue)
        {
            throw new CorruptDataException($"row {document} has the offsets {start}..{end} in {rows.Length} bytes");
        }

        return part.Read(rows, (long)start, (int)(end - start));
    }
}
