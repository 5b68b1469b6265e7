using Puff.Engine.Encoding;
using Puff.Engine.Numerics;
using Puff.Engine.Schema;

namespace Puff.Engine.Formats;

/// <summary>
/// One attribute's values for the documents 0 .. Count-1 of a segment, addressable by document number. A view of the segment's mapped memory
/// (or of a buffer built from rows when the segment was written before the attribute became filterable); valid while the segment is leased.
/// </summary>
internal abstract class Column(TypeKind kind, int count, BitSet present)
{
    public TypeKind Kind { get; } = kind;

    public int Count { get; } = count;

    /// <summary>Documents that have a (non-null) value. Shared: do not change.</summary>
    public BitSet Present { get; } = present;
}

/// <summary>Int, UInt, Float, Bool (0/1) and DateTime: 64 bits each, as two's complement, unsigned, IEEE bits. Absent documents hold 0.</summary>
internal sealed unsafe class ScalarColumn(TypeKind kind, int count, BitSet present, MemoryRegion values) : Column(kind, count, present)
{
    private readonly long* values = (long*)values.Slice(0, count * 8L).Pointer;

    private ColumnZones? zones;

    public ReadOnlySpan<long> Values => new(values, Count);

    /// <summary>The first caller pays a pass over the column.</summary>
    public ColumnZones Zones => Volatile.Read(ref zones) ?? Interlocked.CompareExchange(ref zones, new ColumnZones(this), null) ?? zones;
}

/// <summary>
/// String, Uuid: bytes of each document, one after the other. <paramref name="offsets"/> holds Count + 1 u32 positions into <paramref name="bytes"/>.
/// </summary>
internal sealed unsafe class BytesColumn(TypeKind kind, int count, BitSet present, MemoryRegion offsets, MemoryRegion bytes) : Column(kind, count, present)
{
    private readonly uint* offsets = (uint*)offsets.Slice(0, (count + 1) * 4L).Pointer;
    private readonly MemoryRegion bytes = bytes;

    /// <summary>The value of a document, empty when it has none.</summary>
    public ReadOnlySpan<byte> Get(int document) => bytes.Span(offsets[document], checked((int)(offsets[document + 1] - offsets[document])));
}

/// <summary>
/// Arrays: document d owns the elements <paramref name="starts"/>[d] .. [d + 1] of <paramref name="elements"/>, which is a scalar or bytes column
/// with one row an element. Present tells a null from an empty array.
/// </summary>
internal sealed unsafe class ArrayColumn(TypeKind kind, int count, BitSet present, MemoryRegion starts, Column elements) : Column(kind, count, present)
{
    private readonly uint* starts = (uint*)starts.Slice(0, (count + 1) * 4L).Pointer;

    public Column Elements { get; } = elements;

    public (int Start, int End) GetRange(int document) => ((int)starts[document], (int)starts[document + 1]);
}
