using System.Runtime.InteropServices;
using Puff.Engine;
using Puff.Engine.Filters;
using Puff.Engine.Formats;
using Puff.Engine.Numerics;
using Puff.Engine.Queries;
using Puff.Engine.Schema;
using Puff.Engine.Segments;
using Puff.TestKit.Formats;

namespace Puff.TestKit;

/// <summary>A document as tests write it: an id and named values; what is not named is null.</summary>
internal sealed record FakeDocument(DocumentId Id, IReadOnlyDictionary<string, Value> Values)
{
    public Value Get(string attribute) => Values.GetValueOrDefault(attribute);
}

/// <summary>
/// Documents in memory as a document set: as a tail, without columns, or as a segment, with columns. Vectors lie in native memory in blocks of a few rows,
/// so that scans cross block boundaries.
/// </summary>
internal sealed unsafe class FakeDocumentSet : DocumentSet, IColumnSource, IDisposable
{
    private readonly FakeDocument[] documents;
    private readonly Dictionary<int, BuiltColumn> columns = [];
    private readonly Dictionary<int, VectorRows?> vectors = [];
    private readonly Dictionary<int, EncodedSparse> sparse = [];
    private readonly Dictionary<int, EncodedAttribute?> indexes = [];
    private readonly List<nint> allocations = [];

    public FakeDocumentSet(NamespaceSchema schema, IEnumerable<FakeDocument> documents, bool isTail, IEnumerable<int> dead, int blockRows)
    {
        this.documents = [.. documents];
        IsTail = isTail;
        Live = new BitSet(this.documents.Length, true);
        foreach (int document in dead)
        {
            Live[document] = false;
        }

        foreach (var attribute in schema.DenseVectors)
        {
            vectors[attribute.Id] = CopyVectors(attribute, blockRows);
        }

        if (!isTail)
        {
            var all = new BitSet(Count, true);
            foreach (var attribute in schema.Attributes.Where(a => a.Filterable).Append(schema.IdAttribute))
            {
                columns[attribute.Id] = BuiltColumn.Build(this, attribute, all);
            }

            foreach (var attribute in schema.Attributes.Where(a => a.SparseKnn))
            {
                sparse[attribute.Id] = new EncodedSparse(attribute, [.. this.documents.Select(d => d.Get(attribute.Name))]);
            }
        }
    }

    public override int Count => documents.Length;

    public override BitSet Live { get; }

    public override bool IsTail { get; }

    public override IColumnSource? Columns => IsTail ? null : this;

    public override DocumentId GetId(int document) => documents[document].Id;

    public override int Find(in DocumentId id)
    {
        for (int i = 0; i < documents.Length; i++)
        {
            if (Live[i] && documents[i].Id == id)
            {
                return i;
            }
        }

        return -1;
    }

    public override Value GetValue(int document, AttributeDefinition attribute) => documents[document].Get(attribute.Name);

    public override VectorRows? GetVectors(AttributeDefinition attribute) => vectors[attribute.Id];

    public override SparseSource? GetSparse(AttributeDefinition attribute) =>
        sparse.TryGetValue(attribute.Id, out var encoded)
            ? new SparseSource(encoded.Index, damage => PuffException.Corrupt($"fake set: {damage.Message}", damage))
            : null;

    public Column? GetColumn(AttributeDefinition attribute) => columns[attribute.Id].Column;

    AttributeIndex? IColumnSource.GetIndex(AttributeDefinition attribute)
    {
        if (!indexes.TryGetValue(attribute.Id, out var index))
        {
            var column = GetColumn(attribute);
            indexes[attribute.Id] = index = column is null or { Kind: TypeKind.UnknownArray } ? null : new EncodedAttribute(attribute, column);
        }

        return index?.Index;
    }

    public void Dispose()
    {
        foreach (nint pointer in allocations)
        {
            NativeMemory.Free((void*)pointer);
        }

        allocations.Clear();
        foreach (var encoded in sparse.Values)
        {
            encoded.Dispose();
        }

        foreach (var index in indexes.Values)
        {
            index?.Dispose();
        }
    }

    private VectorRows? CopyVectors(AttributeDefinition attribute, int blockRows)
    {
        var blocks = new List<VectorBlock>();
        for (int first = 0; first < Count;)
        {
            int end = first;
            while (end < Count && end - first < blockRows && !documents[end].Get(attribute.Name).IsNull)
            {
                end++;
            }

            if (end > first)
            {
                blocks.Add(CopyBlock(attribute, first, end));
            }

            first = Math.Max(end, first + 1);
        }

        return blocks.Count == 0 ? null : new VectorRows(attribute.Type.VectorBytes, blocks);
    }

    private VectorBlock CopyBlock(AttributeDefinition attribute, int first, int end)
    {
        int rowBytes = attribute.Type.VectorBytes;
        byte* block = (byte*)NativeMemory.Alloc((nuint)(rowBytes * (end - first)));
        allocations.Add((nint)block);
        for (int document = first; document < end; document++)
        {
            var value = documents[document].Get(attribute.Name);
            var bytes = attribute.Type.Kind switch
            {
                TypeKind.VectorF32 => MemoryMarshal.AsBytes(value.AsVectorF32.AsSpan()),
                TypeKind.VectorF16 => MemoryMarshal.AsBytes(value.AsVectorF16.AsSpan()),
                _ => MemoryMarshal.AsBytes(value.AsVectorI8.AsSpan()),
            };
            bytes.CopyTo(new Span<byte>(block + (long)rowBytes * (document - first), rowBytes));
        }

        return new VectorBlock(first, end - first, block);
    }
}
