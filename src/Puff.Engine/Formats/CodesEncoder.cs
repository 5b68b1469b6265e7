using Puff.Engine.Encoding;

namespace Puff.Engine.Formats;

/// <summary>
/// Writes one attribute into the part `codes`, group by group. The caller fills the bytes of a group in place; groups of a batch may be filled by several
/// threads, because the memory stays where it is until the next <see cref="AddGroup"/> or drain.
/// </summary>
internal sealed unsafe class CodesEncoder : IDisposable
{
    private readonly PartEncoder part;
    private readonly int attribute;
    private readonly CodesHeader header;
    private readonly ByteWriter groups = new();
    private readonly ByteWriter documents = new();
    private readonly long start;
    private int groupCount;
    private int slots;

    public CodesEncoder(PartEncoder part, int attribute, CodesHeader header)
    {
        this.part = part;
        this.attribute = attribute;
        this.header = header;
        part.BeginSection();
        start = part.Position;
    }

    /// <summary>Slots handed out so far.</summary>
    public int Slots => slots;

    public void Dispose()
    {
        groups.Dispose();
        documents.Dispose();
    }

    /// <summary>Makes room for the next group, all zeros. A node has at most one group.</summary>
    /// <returns>Where the group's bytes are in the part's buffer; see <see cref="Locate"/>.</returns>
    public long AddGroup(int node, int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(node);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        groups.UInt32((uint)node);
        groups.UInt32((uint)slots);
        groups.UInt32((uint)count);
        groups.UInt64((ulong)(part.Position - start));
        groupCount++;
        slots = checked(slots + count);
        long offset = part.Buffer.Length;
        part.Buffer.Reserve(checked((int)CodesFormat.PaddedBytesOf(count, header.PaddedDimensions))).Clear();
        return offset;
    }

    /// <summary>The bytes of a group, 1-bit blocks first, aligned to 64 bytes here and in the stored part.</summary>
    /// <param name="offset">What <see cref="AddGroup"/> returned.</param>
    public byte* Locate(long offset) => part.Buffer.Written.Pointer + offset;

    /// <summary>The document of the next slot; only for codes that are not aligned, once a slot.</summary>
    public void AddDocument(int document) => documents.UInt32((uint)document);

    /// <param name="centroid">Of a flat segment, one finite number a padded dimension; empty otherwise.</param>
    public void Finish(ReadOnlySpan<float> centroid)
    {
        if (centroid.Length != (header.IsFlat ? header.PaddedDimensions : 0) || documents.Length != (header.IsAligned ? 0 : slots * 4L))
        {
            throw PuffException.Internal(
                $"codes of attribute {attribute}: a centroid of {centroid.Length} dimensions, {documents.Length / 4} documents for {slots} slots");
        }

        part.EndSection(PartSection.Codes, attribute, count: slots);
        WriteGroups();
        if (!header.IsAligned)
        {
            part.Section(PartSection.CodeDocuments, documents.Written, attribute);
        }

        if (header.IsFlat)
        {
            part.BeginSection();
            foreach (float coordinate in centroid)
            {
                part.Buffer.UInt32(BitConverter.SingleToUInt32Bits(coordinate));
            }

            part.EndSection(PartSection.CodeCentroid, attribute);
        }
    }

    private void WriteGroups()
    {
        part.BeginSection();
        part.Buffer.UInt64(header.TreeId);
        part.Buffer.UInt64(header.RotationSeed);
        part.Buffer.UInt32((uint)header.PaddedDimensions);
        part.Buffer.UInt32((uint)groupCount);
        part.Buffer.UInt32((uint)slots);
        part.Buffer.UInt32(CodesFormat.OctalRows | (header.IsAligned ? 1u : 0) | (header.IsFlat ? 2u : 0));
        part.Buffer.Bytes(groups.Written.AsSpan());
        part.EndSection(PartSection.CodeGroups, attribute, count: groupCount);
    }
}
