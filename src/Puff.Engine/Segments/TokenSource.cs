using Puff.Engine.Formats;
using Puff.Engine.Vectors;

namespace Puff.Engine.Segments;

/// <summary>All token vectors of a late-interaction attribute by number, in the order of documents.</summary>
internal sealed unsafe class TokenSource : IVectorSource
{
    private readonly LateInteractionVectors vectors;
    private readonly ISegmentSource source;
    private readonly int[] firstOf;

    public TokenSource(LateInteractionVectors vectors, ISegmentSource source)
    {
        this.vectors = vectors;
        this.source = source;
        firstOf = new int[source.Count + 1];
        for (int document = 0; document < source.Count; document++)
        {
            var payload = MultiVectorPayload.Find(source.GetRow(document), vectors.Attribute.Id);
            firstOf[document + 1] = firstOf[document] + (payload.IsEmpty ? 0 : new MultiVectorPayload(vectors.Attribute.Type, payload).Count);
        }
    }

    public int Count => firstOf[^1];

    /// <summary>The document of a vector.</summary>
    public int DocumentOf(int vector)
    {
        int found = Array.BinarySearch(firstOf, vector);
        if (found < 0)
        {
            return ~found - 1;
        }

        // Documents without vectors begin where the next one does; the last of those that begin here has the vector.
        while (firstOf[found + 1] == vector)
        {
            found++;
        }

        return found;
    }

    public void Read(int index, float* destination)
    {
        int document = DocumentOf(index);
        var tokens = new MultiVectorPayload(vectors.Attribute.Type, MultiVectorPayload.Find(source.GetRow(document), vectors.Attribute.Id));
        var target = new Span<float>(destination, vectors.Attribute.Type.Dimensions);
        tokens.Read(index - firstOf[document], target);
        if (vectors.IsUnit)
        {
            IndexedVector.ScaleToUnit(target);
        }
    }
}
