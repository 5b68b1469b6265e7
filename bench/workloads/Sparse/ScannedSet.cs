using Puff.Engine.Filters;
using Puff.Engine.Numerics;
using Puff.Engine.Schema;
using Puff.Engine.Segments;

namespace Puff.Workloads.Sparse;

/// <summary>A set without its inverted indexes, so that the engine scans it.</summary>
internal sealed class ScannedSet(DocumentSet set) : DocumentSet
{
    public override int Count => set.Count;

    public override BitSet Live => set.Live;

    public override bool IsTail => set.IsTail;

    public override IColumnSource? Columns => set.Columns;

    public override DocumentId GetId(int document) => set.GetId(document);

    public override int Find(in DocumentId id) => set.Find(id);

    public override Value GetValue(int document, AttributeDefinition attribute) => set.GetValue(document, attribute);

    public override VectorRows? GetVectors(AttributeDefinition attribute) => set.GetVectors(attribute);
}
