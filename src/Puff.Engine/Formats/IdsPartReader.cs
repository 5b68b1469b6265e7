using System.Buffers.Binary;
using Puff.Engine.Encoding;
using Puff.Engine.Numerics;
using Puff.Engine.Schema;

namespace Puff.Engine.Formats;

/// <summary>Reads the part `ids`: from document to id, from id to document, and the ids as a column.</summary>
internal sealed class IdsPartReader
{
    private readonly PartReader part;
    private readonly PartEntry ids;
    private readonly PartEntry offsets;
    private readonly PartEntry sortedIds;
    private readonly PartEntry sortedDocuments;
    private readonly PartEntry filter;

    public IdsPartReader(PartReader part)
    {
        this.part = part;
        ids = part.Find(PartSection.Ids);
        Kind = ids.Type switch
        {
            TypeKind.UInt => IdKind.UInt,
            TypeKind.Uuid => IdKind.Uuid,
            TypeKind.String => IdKind.String,
            _ => throw new CorruptDataException($"ids cannot be of type {ids.Type}"),
        };
        if (Kind != IdKind.String)
        {
            ids = part.Find(PartSection.Ids, 0, (long)part.Documents * Width);
            sortedIds = part.Find(PartSection.SortedIds, 0, ids.Length);
        }

        if (Kind != IdKind.UInt)
        {
            offsets = part.Find(PartSection.IdOffsets, 0, (part.Documents + 1L) * 4);
        }

        sortedDocuments = part.Find(PartSection.SortedDocuments, 0, part.Documents * 4L);
        filter = part.Find(PartSection.IdFilter, 0, IdFilter.SizeInBytes(part.Documents));
    }

    public IdKind Kind { get; }

    private int Width => Kind == IdKind.UInt ? 8 : 16;

    public DocumentId GetId(int document)
    {
        switch (Kind)
        {
            case IdKind.UInt:
                return DocumentId.FromUInt(BinaryPrimitives.ReadUInt64LittleEndian(part.Read(ids, document * 8L, 8)));
            case IdKind.Uuid:
                return DocumentId.FromUuid(part.Read(ids, document * 16L, 16));
            default:
                var text = GetText(document);
                return text.Length <= DocumentId.MaxStringBytes
                    ? DocumentId.FromUtf8(text.ToArray())
                    : throw new CorruptDataException($"the id of document {document} has {text.Length} bytes");
        }
    }

    /// <summary>Adds a document's id to a batch; of a text the place where it lies.</summary>
    public void Plan(int document, IReadBatch batch)
    {
        if (Kind == IdKind.String)
        {
            part.Plan(offsets, document * 4L, 8, batch);
        }
        else
        {
            part.Plan(ids, (long)document * Width, Width, batch);
        }
    }

    /// <summary>Adds a document's id to a batch. Reads where a text lies.</summary>
    public void PlanExactly(int document, IReadBatch batch)
    {
        if (Kind == IdKind.String)
        {
            var pair = part.Read(offsets, document * 4L, 8);
            uint start = BinaryPrimitives.ReadUInt32LittleEndian(pair);
            part.Plan(ids, start, BinaryPrimitives.ReadUInt32LittleEndian(pair[4..]) - (long)start, batch);
        }
    }

    /// <summary>The document with that id, or -1.</summary>
    public int Find(in DocumentId id)
    {
        if (id.Kind != Kind || part.Documents == 0)
        {
            return -1;
        }

        ulong hash = IdFilter.Hash(id);
        if (!IdFilter.MayContain(part.Read(filter, IdFilter.BlockOf(filter.Length, hash), IdFilter.BlockBytes), hash))
        {
            return -1;
        }

        int low = 0;
        int high = part.Documents - 1;
        while (low <= high)
        {
            int middle = (int)(((uint)low + (uint)high) >> 1);
            int order = CompareAt(middle, id);
            if (order == 0)
            {
                return DocumentAt(middle);
            }

            if (order < 0)
            {
                low = middle + 1;
            }
            else
            {
                high = middle - 1;
            }
        }

        return -1;
    }

    /// <summary>The ids as a column without nulls.</summary>
    public Column GetColumn()
    {
        var present = new BitSet(part.Documents, true);
        if (Kind == IdKind.UInt)
        {
            return new ScalarColumn(TypeKind.UInt, part.Documents, present, part.Read(ids));
        }

        var table = part.Read(offsets);
        ColumnsPartReader.CheckTable(table, part.Documents, ids.Length);
        return new BytesColumn(ids.Type, part.Documents, present, table, part.Read(ids));
    }

    /// <summary>The order of the ids as an index over their column, which is not empty.</summary>
    public AttributeIndex GetIndex(Column column) => AttributeIndex.OfIds(column, part.Read(sortedDocuments));

    private int CompareAt(int position, in DocumentId id)
    {
        switch (Kind)
        {
            case IdKind.UInt:
                return BinaryPrimitives.ReadUInt64LittleEndian(part.Read(sortedIds, position * 8L, 8)).CompareTo(id.AsUInt);
            case IdKind.Uuid:
                Span<byte> wanted = stackalloc byte[16];
                id.CopyUuidTo(wanted);
                return part.Read(sortedIds, position * 16L, 16).SequenceCompareTo(wanted);
            default:
                return GetText(DocumentAt(position)).SequenceCompareTo(id.AsUtf8);
        }
    }

    private int DocumentAt(int position)
    {
        uint document = BinaryPrimitives.ReadUInt32LittleEndian(part.Read(sortedDocuments, position * 4L, 4));
        return document < (uint)part.Documents
            ? (int)document
            : throw new CorruptDataException($"the primary key names document {document} of {part.Documents}");
    }

    private ReadOnlySpan<byte> GetText(int document)
    {
        var pair = part.Read(offsets, document * 4L, 8);
        uint start = BinaryPrimitives.ReadUInt32LittleEndian(pair);
        uint end = BinaryPrimitives.ReadUInt32LittleEndian(pair[4..]);
        return start <= end && end - start <= int.MaxValue
            ? part.Read(ids, start, (int)(end - start))
            : throw new CorruptDataException($"the id of document {document} has the offsets {start}..{end}");
    }
}
