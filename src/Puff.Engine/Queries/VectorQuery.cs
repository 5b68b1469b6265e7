using Puff.Engine.Schema;
using Puff.Engine.Segments;

namespace Puff.Engine.Queries;

/// <summary>
/// What a vector ranking compares documents with: distances to one attribute's vectors under the namespace's metric. Immutable. Its scorers hold native memory:
/// whoever runs the query disposes of it afterwards, which also keeps it alive until then.
/// </summary>
internal abstract class VectorQuery(AttributeDefinition attribute) : IDisposable
{
    /// <summary>Vectors scored between two looks at the cancellation token.</summary>
    protected const int ChunkRows = 256;

    public AttributeDefinition Attribute { get; } = attribute;

    /// <summary>Offers the exact distance of every matching document of the set that has a vector.</summary>
    public abstract void Scan(QueryRun run, SetView view, RankedHeap heap);

    /// <summary>The exact distance of one document; false when it has no vector.</summary>
    public abstract bool TryDistance(DocumentSet set, int document, out float distance);

    public abstract void Dispose();
}
