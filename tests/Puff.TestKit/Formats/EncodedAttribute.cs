using Puff.Engine.Formats;
using Puff.Engine.Schema;

namespace Puff.TestKit.Formats;

/// <summary>A part `attributes` with the index of one column, in memory.</summary>
internal sealed class EncodedAttribute : IDisposable
{
    private readonly PartEncoder part = new(PartKind.Attributes);

    public EncodedAttribute(AttributeDefinition attribute, Column column)
    {
        using (var encoder = new AttributeIndexEncoder(part, attribute, column.Count))
        {
            encoder.Add(column);
            encoder.Finish();
        }

        part.Finish(column.Count);
        Part = new PartReader(part.Buffer.Written, PartKind.Attributes);
        Index = AttributeIndex.Open(Part, attribute, column);
    }

    public PartReader Part { get; }

    /// <summary>Null when no document has an element.</summary>
    public AttributeIndex? Index { get; }

    public byte[] Bytes => part.Buffer.Written.AsSpan().ToArray();

    public void Dispose() => part.Dispose();
}
