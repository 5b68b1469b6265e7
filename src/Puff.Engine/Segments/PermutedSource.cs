using Puff.Engine.Schema;

namespace Puff.Engine.Segments;

/// <summary>A source with its documents in another order.</summary>
/// <param name="source">The documents.</param>
/// <param name="order">The number in the source of each document.</param>
internal sealed unsafe class PermutedSource(ISegmentSource source, int[] order) : ISegmentSource
{
    public int Count => order.Length;

    public DocumentId GetId(int document) => source.GetId(order[document]);

    public ReadOnlySpan<byte> GetRow(int document) => source.GetRow(order[document]);

    public byte* GetVector(int document, AttributeDefinition attribute) => source.GetVector(order[document], attribute);
}
