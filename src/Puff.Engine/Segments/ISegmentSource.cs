using Puff.Engine.Schema;

namespace Puff.Engine.Segments;

/// <summary>
/// The documents a new segment is made of, in the order of their new numbers: tail documents in a flush, live documents of older segments in a merge.
/// The builder passes over them several times, once a part. All spans and pointers stay valid during the build.
/// </summary>
internal unsafe interface ISegmentSource
{
    int Count { get; }

    DocumentId GetId(int document);

    /// <summary>All attributes but the dense vectors, as <c>RowFormat</c> encodes them.</summary>
    ReadOnlySpan<byte> GetRow(int document);

    /// <summary>The exact vector at the column's width, or null when the document has none for this attribute.</summary>
    byte* GetVector(int document, AttributeDefinition attribute);
}
