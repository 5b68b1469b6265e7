using System.Buffers;
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
    private readonly IByteSource? copies;

    /// <param name="part">The whole object, 64-byte aligned; stays valid as long as the reader is used.</param>
    /// <param name="kind">The kind expected, or null for any.</param>
    /// <param name="copies">The same bytes, for what is better copied than read in place; null when nothing is.</param>
    public PartReader(MemoryRegion part, PartKind? kind, IByteSource? copies = null)
    {
        if (!BitConverter.IsLittleEndian)
        {
            throw new PlatformNotSupportedException("segment parts are read in place, which needs a little-endian processor");
        }

        this.part = part;
        this.copies = copies;
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

    /// <summary>Whether <see cref="Copy"/> spares the process pages that reading in place would cost it.</summary>
    public bool PrefersCopies => copies is not null;

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
        CheckInside(entry, offset, length);
        Verify(entry.Offset + offset, length);
        return part.Slice(entry.Offset + offset, length);
    }

    /// <summary>Copies some bytes of a section, verified.</summary>
    public void Copy(in PartEntry entry, long offset, Span<byte> destination)
    {
        CheckInside(entry, offset, destination.Length);
        Verify(entry.Offset + offset, destination.Length, copies);
        if (copies is null)
        {
            part.Span(entry.Offset + offset, destination.Length).CopyTo(destination);
        }
        else
        {
            copies.Read(entry.Offset + offset, destination);
        }
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

    private static void CheckInside(in PartEntry entry, long offset, long length)
    {
        if (offset < 0 || length < 0 || offset > entry.Length - length)
        {
            throw new CorruptDataException($"bytes {offset}..{offset + length} lie outside section {entry.Section} of {entry.Length} bytes");
        }
    }

    private void Verify(long offset, long length, IByteSource? source = null)
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
                VerifyBlock(block, source);
            }
        }
    }

    private void VerifyBlock(int block, IByteSource? source)
    {
        uint computed = source is null ? ComputeChecksum(block) : ComputeChecksum(block, source);
        uint stored = footer.ChecksumOf(block);
        if (computed != stored)
        {
            long offset = (long)block << PartFormat.BlockShift;
            throw new CorruptDataException($"block at byte {offset}: checksum {computed:x8} does not match the stored {stored:x8}");
        }

        Interlocked.Or(ref verified[block >> 6], 1UL << block);
    }

    private uint ComputeChecksum(int block) => Crc32C.Compute(part.Span((long)block << PartFormat.BlockShift, LengthOf(block)));

    private uint ComputeChecksum(int block, IByteSource source)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(PartFormat.BlockBytes);
        try
        {
            var content = buffer.AsSpan(0, LengthOf(block));
            source.Read((long)block << PartFormat.BlockShift, content);
            return Crc32C.Compute(content);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private int LengthOf(int block) => (int)Math.Min(PartFormat.BlockBytes, footer.DataBytes - ((long)block << PartFormat.BlockShift));
}
