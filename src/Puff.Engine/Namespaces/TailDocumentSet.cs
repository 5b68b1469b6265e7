using System.Runtime.InteropServices;
using Puff.Engine.Filters;
using Puff.Engine.Formats;
using Puff.Engine.Numerics;
using Puff.Engine.Schema;
using Puff.Engine.Segments;

namespace Puff.Engine.Namespaces;

/// <summary>An immutable view of the tail at one sequence, evaluated document by document.</summary>
internal sealed unsafe class TailDocumentSet(
    TailRow[] rows, int count, BitSet live, int liveCount, VectorBlock[][] blocks, NamespaceSchema schema, TailTexts texts, TailCodes codes) : DocumentSet
{
    private readonly AttributeDefinition[] dense = schema.DenseVectors.ToArray();
    private Dictionary<DocumentId, int>? byId;

    public NamespaceSchema Schema => schema;

    public override int Count => count;

    public override int LiveCount => liveCount;

    public override BitSet Live => live;

    public override bool IsTail => true;

    public override IColumnSource? Columns => null;

    public override DocumentId GetId(int document) => rows[document].Id;

    public ReadOnlySpan<byte> GetRow(int document) => rows[document].Row;

    public byte* GetVector(int document, AttributeDefinition attribute) => rows[document].Vector(SlotOf(attribute));

    public override int Find(in DocumentId id)
    {
        var index = byId;
        if (index is null)
        {
            index = new Dictionary<DocumentId, int>(liveCount);
            for (int document = live.NextSet(0); document >= 0; document = live.NextSet(document + 1))
            {
                index[rows[document].Id] = document;
            }

            byId = index;
        }

        return index.GetValueOrDefault(id, -1);
    }

    public override Value GetValue(int document, AttributeDefinition attribute)
    {
        if (!attribute.Type.IsDenseVector)
        {
            return RowFormat.Read(rows[document].Row, attribute);
        }

        byte* vector = GetVector(document, attribute);
        return vector == null ? Value.Null : DecodeVector(vector, attribute.Type);
    }

    public override VectorRows? GetVectors(AttributeDefinition attribute)
    {
        int slot = SlotOf(attribute);
        return blocks[slot].Length == 0 ? null : new VectorRows(attribute.Type.VectorBytes, blocks[slot]);
    }

    public override IReadOnlyList<CodedRange> GetCodedRanges(AttributeDefinition attribute) => codes.Of(this, attribute);

    protected override TextSource FindText(AttributeDefinition attribute) => texts.Get(attribute, this);

    /// <summary>A dense vector at column width as an array.</summary>
    private static Value DecodeVector(byte* vector, AttributeType type)
    {
        var bytes = new ReadOnlySpan<byte>(vector, type.VectorBytes);
        return type.Kind switch
        {
            TypeKind.VectorF32 => Value.Vector(MemoryMarshal.Cast<byte, float>(bytes).ToArray()),
            TypeKind.VectorF16 => Value.Vector(MemoryMarshal.Cast<byte, Half>(bytes).ToArray()),
            _ => Value.Vector(MemoryMarshal.Cast<byte, sbyte>(bytes).ToArray()),
        };
    }

    private int SlotOf(AttributeDefinition attribute)
    {
        for (int slot = 0; slot < dense.Length; slot++)
        {
            if (dense[slot].Id == attribute.Id)
            {
                return slot;
            }
        }

        throw new InvalidOperationException($"\"{attribute.Name}\" is no dense vector of this namespace");
    }
}
