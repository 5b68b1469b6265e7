using System.Buffers;
using Puff.Engine.Encoding;

namespace Puff.Engine.Formats;

/// <summary>
/// Checked access to a segment part in memory. Opening reads the footer only; a block is fetched, when it is not there yet, and its checksum verified when
/// something in it is first read, so the cost follows what is used. Any number of threads may read at once: at worst two verify the same block.
/// Damage is a <see cref="CorruptDataException"/>.
/// </summary>
internal sealed class PartReader
{
    private readonly MemoryRegion part;
    private readonly PartFooter footer;
    private readonly Dictionary<(PartSection Section, int Attribute), PartEntry> directory = [];
    private readonly ulong[] verified;
    private readonly IByteSource? copies;
    private readonly IBlockSource? blocks;

    /// <param name="part">The whole object, 64-byte aligned; stays valid as long as the reader is used.</param>
    /// <param name="kind">The kind expected, or null for any.</param>
    /// <param name="copies">The same bytes, for what is better copied than read in place; null when nothing is.</param>
    /// <param name="blocks">Brings what is not in memory yet; null when everything is.</param>
    public PartReader(MemoryRegion part, PartKind? kind, IByteSource? copies = null, IBlockSource? blocks = null)
    {
        if (!BitConverter.IsLittleEndian)
        {
            throw new PlatformNotSupportedException("segment parts are read in place, which needs a little-endian processor");
        }

        this.part = part;
        this.copies = copies;
        this.blocks = blocks;
        footer = ReadFooter(kind);
        verified = blocks?.ReadyBlocks ?? new ulong[(PartFormat.BlockCount(footer.DataBytes) + 63) / 64];

        // The checksums stay where they are.
        blocks?.Hold(footer.DataBytes, part.Length - footer.DataBytes);
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

    /// <summary>Whether what is read may be taken away when the reader's ticket is back, so that pointers to it must not be kept.</summary>
    public bool MayMove => blocks?.ReadyBlocks is not null;

    /// <summary>Whether bytes are fetched when they are first read, so that reading more than is needed costs time.</summary>
    public bool IsDemandLoaded => blocks is not null;

    /// <summary>A whole section, verified. It stays as long as the part is open.</summary>
    public MemoryRegion Read(in PartEntry entry)
    {
        Verify(entry.Offset, entry.Length);
        if (MayMove && entry.Length > 0)
        {
            blocks!.Hold(entry.Offset, entry.Length);
        }

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

    /// <summary>Adds some bytes of a section to a batch, unless they were read before. What lies outside is left out.</summary>
    public void Plan(in PartEntry entry, long offset, long length, IReadBatch batch)
    {
        long start = Math.Clamp(offset, 0, entry.Length);
        long end = Math.Clamp(offset + length, start, entry.Length);
        if (blocks is not null && end > start)
        {
            batch.Add(blocks, entry.Offset + start, end - start);
        }
    }

    /// <summary>Adds a whole section.</summary>
    public void Plan(in PartEntry entry, IReadBatch batch) => Plan(entry, 0, entry.Length, batch);

    /// <summary>Verifies every block again, whatever was verified before; returns the byte offsets of damaged ones.</summary>
    public IReadOnlyList<long> FindDamagedBlocks()
    {
        var damaged = new List<long>();
        blocks?.Require(0, footer.DataBytes);
        for (int block = 0; block < PartFormat.BlockCount(footer.DataBytes); block++)
        {
            if (ComputeChecksum(block, null) != footer.ChecksumOf(block))
            {
                damaged.Add((long)block << PartFormat.BlockShift);
            }
        }

        return damaged;
    }

    private PartFooter ReadFooter(PartKind? kind)
    {
        try
        {
            return PartFormat.ReadFooter(part, kind, blocks);
        }
        catch (CorruptDataException) when (blocks is not null && ReloadFooter())
        {
            return PartFormat.ReadFooter(part, kind, blocks);
        }
    }

    private bool ReloadFooter()
    {
        long likely = PartFormat.LikelyFooterBytes(part.Length);
        return blocks!.Reload(part.Length - likely, likely);
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

        int first = (int)(offset >> PartFormat.BlockShift);
        int last = (int)((offset + length - 1) >> PartFormat.BlockShift);
        for (int word = first >> 6; word <= last >> 6; word++)
        {
            // The blocks of this word that are asked for, less those known to be good: one test for up to 64 blocks.
            ulong wanted = word == first >> 6 ? ulong.MaxValue << first : ulong.MaxValue;
            wanted &= word == last >> 6 ? ulong.MaxValue >> (63 - (last & 63)) : ulong.MaxValue;
            if ((wanted & ~Volatile.Read(ref verified[word])) != 0)
            {
                VerifyBlocks(Math.Max(first, word << 6), last, source);
                return;
            }
        }
    }

    private void VerifyBlocks(int first, int last, IByteSource? source)
    {
        if (blocks is not null)
        {
            long start = (long)first << PartFormat.BlockShift;
            blocks.Require(start, Math.Min(((long)last + 1) << PartFormat.BlockShift, footer.DataBytes) - start);
        }

        for (int block = first; block <= last; block++)
        {
            while ((Volatile.Read(ref verified[block >> 6]) >> block & 1) == 0 && !TryVerifyBlock(block, source))
            {
                // It was taken away between two looks at it.
                blocks!.Require((long)block << PartFormat.BlockShift, LengthOf(block));
            }
        }
    }

    /// <summary>False when the block is not here any more.</summary>
    private bool TryVerifyBlock(int block, IByteSource? source)
    {
        if (MayMove && blocks!.TryMarkReady(block, isGood: false))
        {
            return true;
        }

        uint computed = ComputeChecksum(block, source);
        uint stored = footer.ChecksumOf(block);
        if (computed != stored && blocks is not null && blocks.Reload((long)block << PartFormat.BlockShift, LengthOf(block)))
        {
            computed = ComputeChecksum(block, source);
        }

        if (computed != stored)
        {
            long offset = (long)block << PartFormat.BlockShift;
            throw new CorruptDataException($"block at byte {offset}: checksum {computed:x8} does not match the stored {stored:x8}");
        }

        if (block == 0 && blocks is not null)
        {
            PartFormat.CheckBeginning(part);
        }

        if (MayMove)
        {
            return blocks!.TryMarkReady(block, isGood: true);
        }

        Interlocked.Or(ref verified[block >> 6], 1UL << block);
        return true;
    }

    private uint ComputeChecksum(int block, IByteSource? source)
    {
        if (source is null)
        {
            return Crc32C.Compute(part.Span((long)block << PartFormat.BlockShift, LengthOf(block)));
        }

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
