using Puff.Engine.Schema;

namespace Puff.TestKit.Segments;

/// <summary>A document as a test knows it: the id, and values by attribute number (absent means null).</summary>
internal sealed record ModelDocument(DocumentId Id, IReadOnlyDictionary<int, Value> Values)
{
    public Value Get(AttributeDefinition attribute) =>
        attribute.Id == 0 ? Id.ToValue() : Values.TryGetValue(attribute.Id, out var value) ? value : Value.Null;
}
