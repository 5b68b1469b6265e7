using System.Buffers.Binary;
using Puff.Engine.Encoding;
using Puff.Engine.Schema;

namespace Puff.Engine.Formats;

/// <summary>
/// Writes the part `ids`: the primary key. Ids by document number (u64 for integers, else bytes with a u32 offset table, exactly as columns have them),
/// ids in ascending order with their documents for binary search (strings: documents only), and a Bloom filter.
/// </summary>
internal sealed unsafe class IdsPartEncoder : IDisposable
{
    private readonly PartEncoder part;
    private readonly IdKind kind;
    private readonly int documents;
    private readonly ByteWriter keys;
    private readonly ByteWriter offsets = new();
    private readonly ByteWriter filter;
    private int count;

    public IdsPartEncoder(PartEncoder part, IdKind kind, int documents)
    {
        this.part = part;
        this.kind = kind;
        this.documents = documents;
        keys = new ByteWriter(documents * (kind == IdKind.UInt ? 8L : 16L));
        filter = new ByteWriter();
        filter.Reserve(IdFilter.SizeInBytes(documents)).Clear();
        offsets.UInt32(0);
        part.BeginSection();
    }

    public void Dispose()
    {
        keys.Dispose();
        offsets.Dispose();
        filter.Dispose();
    }

    public void Add(in DocumentId id)
    {
        if (id.Kind != kind)
        {
            throw PuffException.Internal($"a {id.Kind} id comes among {kind} ids of one segment");
        }

        switch (kind)
        {
            case IdKind.UInt:
                part.Buffer.UInt64(id.AsUInt);
                keys.UInt64(id.AsUInt);
                break;
            case IdKind.Uuid:
                id.CopyUuidTo(part.Buffer.Reserve(16));
                id.CopyUuidTo(keys.Reserve(16));
                break;
            default:
                part.Buffer.Bytes(id.AsUtf8);
                keys.Bytes(id.AsUtf8);
                break;
        }

        if (kind != IdKind.UInt)
        {
            AddOffset();
        }

        IdFilter.Add(new Span<byte>(filter.Written.Pointer, (int)filter.Length), IdFilter.Hash(id));
        count++;
    }

    public void Finish()
    {
        if (count != documents)
        {
            throw new InvalidOperationException($"{count} ids for {documents} documents");
        }

        var type = TypeOf(kind);
        part.EndSection(PartSection.Ids, 0, type, count);
        if (kind != IdKind.UInt)
        {
            part.Section(PartSection.IdOffsets, offsets.Written);
        }

        using var order = new ByteWriter(count * 4L);
        for (int document = 0; document < count; document++)
        {
            order.UInt32((uint)document);
        }

        Sort(new Span<int>(order.Written.Pointer, count));
        part.Section(PartSection.SortedDocuments, order.Written);
        part.Section(PartSection.IdFilter, filter.Written);
    }

    /// <summary>The type of an id as an attribute.</summary>
    public static TypeKind TypeOf(IdKind kind) => kind switch
    {
        IdKind.Uuid => TypeKind.Uuid,
        IdKind.String => TypeKind.String,
        _ => TypeKind.UInt,
    };

    private void AddOffset()
    {
        if (keys.Length > uint.MaxValue)
        {
            throw PuffException.Internal("the ids of one segment have more than 4 GiB; build smaller segments");
        }

        offsets.UInt32((uint)keys.Length);
    }

    private void Sort(Span<int> order)
    {
        switch (kind)
        {
            case IdKind.UInt:
                var numbers = new Span<ulong>(keys.Written.Pointer, count);
                numbers.Sort(order);
                CheckDistinct<ulong>(numbers);
                part.Section(PartSection.SortedIds, keys.Written);
                break;
            case IdKind.Uuid:
                SortUuids(order);
                break;
            default:
                var comparer = new TextComparer(keys.Written.Pointer, (uint*)offsets.Written.Pointer);
                order.Sort(comparer);
                for (int i = 1; i < order.Length; i++)
                {
                    CheckDistinct(comparer.Compare(order[i - 1], order[i]) != 0);
                }

                break;
        }
    }

    private void SortUuids(Span<int> order)
    {
        var uuids = new Span<UInt128>(keys.Written.Pointer, count);
        foreach (ref var uuid in uuids)
        {
            uuid = BinaryPrimitives.ReverseEndianness(uuid);
        }

        uuids.Sort(order);
        CheckDistinct<UInt128>(uuids);
        foreach (ref var uuid in uuids)
        {
            uuid = BinaryPrimitives.ReverseEndianness(uuid);
        }

        part.Section(PartSection.SortedIds, keys.Written);
    }

    private static void CheckDistinct<T>(ReadOnlySpan<T> sorted)
        where T : IEquatable<T>
    {
        for (int i = 1; i < sorted.Length; i++)
        {
            CheckDistinct(!sorted[i].Equals(sorted[i - 1]));
        }
    }

    private static void CheckDistinct(bool distinct)
    {
        if (!distinct)
        {
            throw PuffException.Internal("two documents of one segment have the same id");
        }
    }

    private readonly struct TextComparer(byte* bytes, uint* offsets) : IComparer<int>
    {
        public int Compare(int left, int right) => Get(left).SequenceCompareTo(Get(right));

        private ReadOnlySpan<byte> Get(int document) => new(bytes + offsets[document], (int)(offsets[document + 1] - offsets[document]));
    }
}
