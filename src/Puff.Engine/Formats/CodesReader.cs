using System.Buffers.Binary;
using Puff.Engine.Encoding;

namespace Puff.Engine.Formats;

/// <summary>
/// One attribute of the part `codes`. Opening reads the table of groups and the documents of unaligned codes; the codes of a group are verified when they are
/// first read. Any number of threads may read. Damage is a <see cref="CorruptDataException"/>.
/// </summary>
internal sealed class CodesReader
{
    private readonly PartReader part;
    private readonly PartEntry codes;
    private readonly CodesHeader header;
    private readonly CodeGroup[] groups;
    private readonly MemoryRegion documents;
    private readonly Func<CorruptDataException, Exception>? translate;

    private CodesReader(PartReader part, int attribute, PartEntry table, Func<CorruptDataException, Exception>? translate)
    {
        this.translate = translate;
        this.part = part;
        Attribute = attribute;
        codes = part.Find(PartSection.Codes, attribute);
        var content = part.Read(table).AsSpan();
        (header, int count) = ReadHeader(content);
        groups = ReadGroups(content[CodesFormat.HeaderBytes..], count);
        documents = header.IsAligned ? default : ReadDocuments();
    }

    public int Attribute { get; }

    /// <summary>0 in a flat segment.</summary>
    public ulong TreeId => header.TreeId;

    public ulong RotationSeed => header.RotationSeed;

    public int PaddedDimensions => header.PaddedDimensions;

    public bool IsAligned => header.IsAligned;

    public bool IsFlat => header.IsFlat;

    /// <summary>Whether pointers to groups must not be kept.</summary>
    public bool MayMove => part.MayMove;

    /// <inheritdoc cref="PartReader.IsDemandLoaded"/>
    public bool IsDemandLoaded => part.IsDemandLoaded;

    /// <summary>Vectors with codes. A document has at most one slot for a dense vector.</summary>
    public int Slots { get; private set; }

    /// <summary>In the order of their slots, without gaps. Whether their nodes exist in the tree is for whoever has the tree to check.</summary>
    public ReadOnlySpan<CodeGroup> Groups => groups;

    /// <summary>The attribute's codes; null when the segment has none.</summary>
    /// <param name="part">The part.</param>
    /// <param name="attribute">Its number.</param>
    /// <param name="translate">
    /// Makes of damage that is found later, when a search reads groups of several segments, an error that names the object.
    /// </param>
    public static CodesReader? Open(PartReader part, int attribute, Func<CorruptDataException, Exception>? translate = null) =>
        part.TryFind(PartSection.CodeGroups, attribute, out var table) ? new CodesReader(part, attribute, table, translate) : null;

    /// <summary>Blocks of 1-bit codes, then rows of 3-bit codes (<see cref="CodesFormat"/>), verified.</summary>
    public MemoryRegion ReadGroup(int group) => ReadGroup(group, 0, CodesFormat.BytesOf(groups[group].Count, header.PaddedDimensions));

    /// <summary>Some of a group's codes, verified.</summary>
    public MemoryRegion ReadGroup(int group, long offset, long length)
    {
        try
        {
            return part.Slice(codes, groups[group].Offset + offset, length);
        }
        catch (CorruptDataException damage) when (translate is not null)
        {
            throw translate(damage);
        }
    }

    /// <summary>Adds a group's codes to a batch.</summary>
    public void PlanGroup(int group, IReadBatch batch) =>
        part.Plan(codes, groups[group].Offset, CodesFormat.BytesOf(groups[group].Count, header.PaddedDimensions), batch);

    /// <summary>Adds some of a group's codes to a batch.</summary>
    /// <param name="group">The group.</param>
    /// <param name="offset">In its codes.</param>
    /// <param name="length">In bytes.</param>
    /// <param name="batch">Takes the range.</param>
    public void PlanGroup(int group, long offset, long length, IReadBatch batch) => part.Plan(codes, groups[group].Offset + offset, length, batch);

    public int DocumentOf(int slot) => (uint)slot >= (uint)Slots
        ? throw new ArgumentOutOfRangeException(nameof(slot), slot, $"there are {Slots} slots")
        : header.IsAligned ? slot : (int)BinaryPrimitives.ReadUInt32LittleEndian(documents.Span(slot * 4L, 4));

    /// <summary>The centroid of a flat segment.</summary>
    public float[] ReadCentroid()
    {
        var centroid = new float[header.PaddedDimensions];
        var content = part.Read(part.Find(PartSection.CodeCentroid, Attribute, centroid.Length * 4L)).AsSpan();
        for (int i = 0; i < centroid.Length; i++)
        {
            centroid[i] = BinaryPrimitives.ReadSingleLittleEndian(content[(i * 4)..]);
            if (!float.IsFinite(centroid[i]))
            {
                throw new CorruptDataException($"coordinate {i} of the centroid of attribute {Attribute} is {centroid[i]}");
            }
        }

        return centroid;
    }

    private (CodesHeader Header, int Groups) ReadHeader(ReadOnlySpan<byte> content)
    {
        var reader = new ByteReader(content);
        ulong treeId = reader.UInt64();
        ulong seed = reader.UInt64();
        uint padded = reader.UInt32();
        uint count = reader.UInt32();
        uint slots = reader.UInt32();
        uint flags = reader.UInt32();
        if ((flags & CodesFormat.OctalRows) == 0)
        {
            throw new CorruptDataException($"codes of attribute {Attribute} have rows of another kind than this version reads");
        }

        bool isFlat = (flags & 2) != 0;
        if (padded == 0 || padded % CodesFormat.PaddingUnit != 0 || padded > CodesFormat.MaxPaddedDimensions || flags > 7 || isFlat != (treeId == 0)
            || (isFlat && count > 1 && (flags & 1) != 0) || slots > int.MaxValue || count > slots || count * (long)CodesFormat.GroupBytes != reader.Remaining)
        {
            throw new CorruptDataException(
                $"codes of attribute {Attribute}: {slots} slots in {count} groups with {padded} dimensions, tree {treeId:x16}, flags {flags:x}");
        }

        Slots = (int)slots;
        return (new CodesHeader(treeId, seed, (int)padded, (flags & 1) != 0), (int)count);
    }

    private CodeGroup[] ReadGroups(ReadOnlySpan<byte> table, int count)
    {
        var reader = new ByteReader(table);
        var result = new CodeGroup[count];
        var nodes = new HashSet<int>(count);
        long slots = 0;
        long end = 0;
        for (int i = 0; i < count; i++)
        {
            uint node = reader.UInt32();
            uint first = reader.UInt32();
            uint members = reader.UInt32();
            ulong offset = reader.UInt64();
            if (node > int.MaxValue || first != slots || members == 0 || members > Slots - slots || offset != (ulong)end || !nodes.Add((int)node)
                || (header.IsFlat && node != i))
            {
                throw new CorruptDataException($"group {i} of attribute {Attribute}: node {node}, {members} vectors from slot {first}, at {offset}");
            }

            result[i] = new CodeGroup((int)node, (int)first, (int)members, end);
            slots += members;
            end += CodesFormat.PaddedBytesOf((int)members, header.PaddedDimensions);
        }

        return slots == Slots && end == codes.Length && codes.Count == slots && (!header.IsAligned || slots <= part.Documents)
            ? result
            : throw new CorruptDataException($"groups of attribute {Attribute} have {slots} vectors in {end} bytes of {codes.Length}");
    }

    private MemoryRegion ReadDocuments()
    {
        var region = part.Read(part.Find(PartSection.CodeDocuments, Attribute, Slots * 4L));
        for (int slot = 0; slot < Slots; slot++)
        {
            uint document = BinaryPrimitives.ReadUInt32LittleEndian(region.Span(slot * 4L, 4));
            if (document >= (uint)part.Documents)
            {
                throw new CorruptDataException($"slot {slot} of attribute {Attribute} names document {document} of {part.Documents}");
            }
        }

        return region;
    }
}
