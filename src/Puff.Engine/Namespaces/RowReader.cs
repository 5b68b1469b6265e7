using Puff.Engine.Filters;
using Puff.Engine.Formats;
using Puff.Engine.Schema;

namespace Puff.Engine.Namespaces;

/// <summary>A stored row as the current document of a condition.</summary>
internal sealed class RowReader(DocumentId id, byte[] row) : IAttributeReader
{
    public Value Get(AttributeDefinition attribute) => attribute.Id == 0 ? id.ToValue() : RowFormat.Read(row, attribute);
}

/// <summary>An incoming row as the `$ref_new` side of a condition; what it does not mention is null.</summary>
internal sealed class IncomingRow(DocumentId id, IReadOnlyList<KeyValuePair<AttributeDefinition, Value>> attributes) : IAttributeReader
{
    public Value Get(AttributeDefinition attribute)
    {
        if (attribute.Id == 0)
        {
            return id.ToValue();
        }

        foreach (var (definition, value) in attributes)
        {
            if (definition.Id == attribute.Id)
            {
                return value;
            }
        }

        return Value.Null;
    }
}
