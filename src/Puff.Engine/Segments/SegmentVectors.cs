using Puff.Engine.Numerics;
using Puff.Engine.Schema;
using Puff.Engine.Vectors;

namespace Puff.Engine.Segments;

/// <summary>
/// The vectors of one attribute among a new segment's documents, as training, assignment and coding read them: numbered without gaps, in the order of the
/// source.
/// </summary>
internal sealed unsafe class SegmentVectors : IVectorSource
{
    private readonly ISegmentSource source;
    private readonly int[] documents;
    private readonly ElementType type;
    private readonly bool isUnit;

    /// <param name="source">The documents; stays valid as long as this is used.</param>
    /// <param name="attribute">A dense vector attribute.</param>
    /// <param name="metric">Of the namespace.</param>
    public SegmentVectors(ISegmentSource source, AttributeDefinition attribute, DistanceMetric metric)
    {
        this.source = source;
        Attribute = attribute;
        Metric = metric;
        isUnit = metric == DistanceMetric.CosineDistance;
        type = ElementOf(attribute);
        documents = DocumentsWithVector(source, attribute);
    }

    public AttributeDefinition Attribute { get; }

    public DistanceMetric Metric { get; }

    public int Count => documents.Length;

    public int Dimensions => Attribute.Type.Dimensions;

    /// <summary>Number in the source of the document that vector <paramref name="index"/> belongs to; ascending.</summary>
    public int DocumentOf(int index) => documents[index];

    public void Read(int index, float* destination) =>
        IndexedVector.Read(source.GetVector(documents[index], Attribute), type, isUnit, new Span<float>(destination, Dimensions));

    public static ElementType ElementOf(AttributeDefinition attribute) => attribute.Type.Kind switch
    {
        TypeKind.VectorF32 => ElementType.F32,
        TypeKind.VectorF16 => ElementType.F16,
        _ => ElementType.I8,
    };

    /// <summary>Every dense vector attribute of which there are enough vectors for codes to be worth their while.</summary>
    public static List<SegmentVectors> OfAll(ISegmentSource source, NamespaceSchema schema, VectorIndexSettings settings)
    {
        var all = schema.Metric is { } metric ? schema.DenseVectors.Select(a => new SegmentVectors(source, a, metric)).ToList() : [];
        all.RemoveAll(v => v.Count < Math.Max(1, settings.CodesFrom));
        return all;
    }

    private static int[] DocumentsWithVector(ISegmentSource source, AttributeDefinition attribute)
    {
        var found = new int[source.Count];
        int count = 0;
        for (int document = 0; document < source.Count; document++)
        {
            if (source.GetVector(document, attribute) != null)
            {
                found[count++] = document;
            }
        }

        return count == found.Length ? found : found[..count];
    }
}
