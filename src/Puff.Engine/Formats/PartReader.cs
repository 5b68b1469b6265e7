using Puff.Engine.Encoding;

namespace Puff.Engine.Formats;

/// <summary>
/// Checked access to a segment part in memory. Opening reads the footer only; a block's checksum is verified when something in it is first read,
/// so the cost follows what is used. Any number of threads may read at once: at worst two verify the same block.
/// Damage is a <see cref="CorruptDataException"/>.
/// </summary>
internal sealed class PartReader
{
    private readonly MemoryRegion part;
    private readonly PartFooter footer;
    private readonly Dictionary<(PartSection Section, int Attribute), PartEntry> directory = [];
    private readonly ulong[] verified;

    /// <param name="part">The whole object, 64-byte aligned; stays valid as long as the reader is used.</param>
    /// <param name="kind">The kind expected, or null for any.</param>
    public PartReader(MemoryRegion part, PartKind? kind)
    {
        if (!BitConverter.IsLittleEndian)
        {
            throw new PlatformNotSupportedException("segment parts are read in place, which needs a little-endian processor");
        }

        this.part = part;
        footer = PartFormat.ReadFooter(part, kind);
        verified = new ulong[(PartFormat.BlockCount(footer.DataBytes) + 63) / 64];
        foreach (var entry in footer.Entries)
        {
            if (!directory.TryAdd((entry.Section, entry.Attribute), entry))
            {
                throw new CorruptDataException($"section {entry.Section} of attribute {entry.Attribute} comes twice");
            }
        }
    }

    public int Documents => footer.Documents;

    public IReadOnlyList<PartEntry> Entries => footer.Entries;

    public bool TryFind(PartSection section, int attribute, out PartEntry entry) => directory.TryGetValue((section, attribute), out entry);

    /// <summary>The entry of a section that must be there.</summary>
    public PartEntry Find(PartSection section, int attribute = 0) =>
        TryFind(section, attribute, out var entry) ? entry : throw new CorruptDataException($"section {section} of attribute {attribute} is missing");

    /// <summary>The same, of a known length.</summary>
    public PartEntry Find(PartSection section, int attribute, long length)
    {
        var entry = Find(section, attribute);
        return entry.Length == length
            ? entry
            : throw new CorruptDataException($"section {section} of attribute {attribute} has {entry.Length} bytes instead of {length}");
    }

    /// <summary>A whole section, verified.</summary>
    public MemoryRegion Read(in PartEntry entry)
    {
        Verify(entry.Offset, entry.Length);
        return part.Slice(entry.Offset, entry.Length);
    }

    /// <summary>Some bytes of a section, verified.</summary>
    public ReadOnlySpan<byte> Read(in PartEntry entry, long offset, int length) => Slice(entry, offset, length).Span(0, length);

    /// <summary>Some bytes of a section, verified.</summary>
    public MemoryRegion Slice(in PartEntry entry, long offset, long length)
    {
        if (offset < 0 || length < 0 || offset > entry.Length - length)
        {
            throw new CorruptDataException($"bytes {offset}..{offset + length} lie outside section {entry.Section} of {entry.Length} bytes");
        }

        Verify(entry.Offset + offset, length);
        return part.Slice(entry.Offset + offset, length);
    }

    /// <summary>Verifies every block again, whatever was verified before; returns the byte offsets of damaged ones.</summary>
    public IReadOnlyList<long> FindDamagedBlocks()
    {
        var damaged = new List<long>();
        for (int block = 0; block < PartFormat.BlockCount(footer.DataBytes); block++)
        {
            if (ComputeChecksum(block) != footer.ChecksumOf(block))
            {
                damaged.Add((long)block << PartFormat.BlockShift);
            }
        }

        return damaged;
    }

    private void Verify(long offset, long length)
    {
        if (length == 0)
        {
            return;
        }

        int last = (int)((offset + length - 1) >> PartFormat.BlockShift);
        for (int block = (int)(offset >> PartFormat.BlockShift); block <= last; block++)
        {
            if ((Volatile.Read(ref verified[block >> 6]) >> block & 1) == 0)
            {
                VerifyBlock(block);
            }
        }
    }

    private void VerifyBlock(int block)
    {
        uint computed = ComputeChecksum(block);
        uint stored = footer.ChecksumOf(block);
        if (computed != stored)
        {
            long offset = (long)block << PartFormat.BlockShift;
            throw new CorruptDataException($"block at byte {offset}: checksum {computed:x8} does not match the stored {stored:x8}");
        }

        Interlocked.Or(ref verified[block >> 6], 1UL << block);
    }

    private uint ComputeChecksum(int block)
    {
        long offset = (long)block << PartFormat.BlockShift;
        return Crc32C.Compute(part.Span(offset, (int)Math.Min(PartFormat.BlockBytes, footer.DataBytes - offset)));
    }
}
