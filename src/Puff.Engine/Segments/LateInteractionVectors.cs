using Puff.Engine.Formats;
using Puff.Engine.Schema;
using Puff.Engine.Vectors;

namespace Puff.Engine.Segments;

/// <summary>A late-interaction attribute whose token vectors get codes in a new segment.</summary>
/// <param name="Attribute">A multi-vector attribute.</param>
/// <param name="IsUnit">Whether vectors are scaled to unit length, as under cosine distance.</param>
/// <param name="Count">Vectors of all documents.</param>
internal sealed record LateInteractionVectors(AttributeDefinition Attribute, bool IsUnit, int Count)
{
    /// <summary>
    /// How the vectors are clustered, so that a search need not look at all codes; null for a segment that will soon be merged, or a small one.
    /// </summary>
    public VectorIndexSettings? Clusters { get; init; }

    /// <summary>Every late-interaction attribute of which there are enough vectors for codes to be worth their while.</summary>
    public static List<LateInteractionVectors> OfAll(ISegmentSource source, NamespaceSchema schema, VectorIndexSettings settings)
    {
        var found = new List<LateInteractionVectors>();
        foreach (var attribute in schema.Attributes.Where(a => a.LateInteraction && a.Type.IsMultiVector))
        {
            long count = schema.Metric is null ? 0 : CountOf(source, attribute);
            if (count >= Math.Max(1, settings.CodesFrom) && count <= int.MaxValue)
            {
                found.Add(new LateInteractionVectors(attribute, schema.Metric == DistanceMetric.CosineDistance, (int)count));
            }
        }

        return found;
    }

    private static long CountOf(ISegmentSource source, AttributeDefinition attribute)
    {
        long count = 0;
        for (int document = 0; document < source.Count; document++)
        {
            var payload = MultiVectorPayload.Find(source.GetRow(document), attribute.Id);
            count += payload.IsEmpty ? 0 : new MultiVectorPayload(attribute.Type, payload).Count;
        }

        return count;
    }
}
