using System.Buffers.Binary;
using Puff.Engine.Encoding;

namespace Puff.Engine.Formats;

/// <summary>
/// Writes the part `rows`: all rows (<see cref="RowFormat"/>) one after the other, then a u64 offset table with one entry more than rows, then every 64th of
/// the offsets once more: whoever knows these few can fetch a row together with its offsets.
/// </summary>
internal sealed class RowsPartEncoder : IDisposable
{
    private readonly PartEncoder part;
    public const int SampledRows = 64;

    private readonly ByteWriter offsets = new();
    private readonly ByteWriter samples = new();
    private ulong bytes;
    private int rows;

    public RowsPartEncoder(PartEncoder part)
    {
        this.part = part;
        offsets.UInt64(0);
        samples.UInt64(0);
        part.BeginSection();
    }

    public void Dispose()
    {
        offsets.Dispose();
        samples.Dispose();
    }

    public void Add(ReadOnlySpan<byte> row)
    {
        part.Buffer.Bytes(row);
        bytes += (ulong)row.Length;
        offsets.UInt64(bytes);
        if (++rows % SampledRows == 0)
        {
            samples.UInt64(bytes);
        }
    }

    public void Finish()
    {
        part.EndSection(PartSection.Rows);
        part.Section(PartSection.RowOffsets, offsets.Written);
        part.Section(PartSection.RowSamples, samples.Written);
    }
}

/// <summary>Reads the part `rows`.</summary>
internal sealed class RowsPartReader
{
    private const long LargestGroupBytes = 256 << 10;

    private readonly PartReader part;
    private readonly PartEntry rows;
    private readonly PartEntry offsets;
    private readonly PartEntry samples;

    public RowsPartReader(PartReader part)
    {
        this.part = part;
        rows = part.Find(PartSection.Rows);
        offsets = part.Find(PartSection.RowOffsets, 0, (part.Documents + 1L) * 8);
        samples = part.Find(PartSection.RowSamples, 0, ((part.Documents / RowsPartEncoder.SampledRows) + 1L) * 8);
    }

    /// <summary>Adds a row and its offsets to a batch, the row with what is around it. Reads the samples.</summary>
    public void Plan(int document, IReadBatch batch)
    {
        part.Plan(offsets, document * 8L, 16, batch);
        int sample = document / RowsPartEncoder.SampledRows;
        long start = Signed(BinaryPrimitives.ReadUInt64LittleEndian(part.Read(samples, sample * 8L, 8)));
        bool isLast = (sample + 1) * 8L >= samples.Length;
        long end = isLast ? rows.Length : Signed(BinaryPrimitives.ReadUInt64LittleEndian(part.Read(samples, (sample + 1) * 8L, 8)));

        // Large rows are planned one by one, when their offsets are known.
        if (end - start <= LargestGroupBytes)
        {
            part.Plan(rows, start, end - start, batch);
        }
    }

    /// <summary>Adds a row to a batch. Reads its offsets.</summary>
    public void PlanExactly(int document, IReadBatch batch)
    {
        var (start, length) = PlaceOf(document);
        part.Plan(rows, start, length, batch);
    }

    public ReadOnlySpan<byte> GetRow(int document)
    {
        var (start, length) = PlaceOf(document);
        return part.Read(rows, start, length);
    }

    private static long Signed(ulong offset) => (long)Math.Min(offset, long.MaxValue / 2);

    private (long Start, int Length) PlaceOf(int document)
    {
        var pair = part.Read(offsets, document * 8L, 16);
        ulong start = BinaryPrimitives.ReadUInt64LittleEndian(pair);
        ulong end = BinaryPrimitives.ReadUInt64LittleEndian(pair[8..]);
        if (start > end || end > (ulong)rows.Length || end - start > int.MaxValue)
        {
            throw new CorruptDataException($"row {document} has the offsets {start}..{end} in {rows.Length} bytes");
        }

        return ((long)start, (int)(end - start));
    }
}
