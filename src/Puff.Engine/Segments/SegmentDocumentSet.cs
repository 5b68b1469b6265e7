using Puff.Engine.Encoding;
using Puff.Engine.Filters;
using Puff.Engine.Numerics;
using Puff.Engine.Schema;
using Puff.Engine.Vectors;

namespace Puff.Engine.Segments;

/// <summary>A segment as one snapshot sees it. Holds no reference of its own: the snapshot does.</summary>
/// <param name="segment">The open segment.</param>
/// <param name="live">Documents neither deleted nor replaced in this snapshot.</param>
/// <param name="trees">The trees of the snapshot.</param>
internal sealed class SegmentDocumentSet(SegmentReader segment, BitSet live, IReadOnlyList<IndexTree> trees) : DocumentSet
{
    public SegmentReader Segment { get; } = segment;

    public override int Count => Segment.Count;

    public override BitSet Live { get; } = live.Count == segment.Count
        ? live
        : throw new ArgumentException($"{live.Count} bits for {segment.Count} documents", nameof(live));

    public override bool IsTail => false;

    public override IColumnSource? Columns => Segment;

    public override bool IsDemandLoaded => Segment.IsDemandLoaded;

    public override void PlanRow(int document, IReadOnlyList<AttributeDefinition> attributes, IReadBatch batch, bool isKnown) =>
        Segment.Planner?.PlanRow(document, attributes, batch, isKnown);

    public override void PlanAttribute(AttributeDefinition attribute, IReadBatch batch) => Segment.Planner?.PlanAttribute(attribute, batch);

    public override DocumentId GetId(int document) => Segment.GetId(document);

    public override int Find(in DocumentId id)
    {
        int document = Segment.Find(id);
        return document >= 0 && Live[document] ? document : -1;
    }

    public override Value GetValue(int document, AttributeDefinition attribute) => Segment.GetValue(document, attribute);

    public override VectorRows? GetVectors(AttributeDefinition attribute) => Segment.GetVectors(attribute);

    public override CodedVectors? GetIndex(AttributeDefinition attribute) => Segment.GetIndex(attribute, trees);

    public override LateInteractionCodes? GetTokenCodes(AttributeDefinition attribute) => Segment.GetTokenCodes(attribute);

    public override SparseSource? GetSparse(AttributeDefinition attribute) => Segment.GetSparse(attribute);

    protected override TextSource FindText(AttributeDefinition attribute) => Segment.GetText(attribute);

    public override IExactRows? GetExactRows(AttributeDefinition attribute) => Segment.GetExactRows(attribute);
}
