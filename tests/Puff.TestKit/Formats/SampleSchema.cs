using Puff.Engine.Formats;
using Puff.Engine.Schema;
using Puff.TestKit.Segments;

namespace Puff.TestKit.Formats;

/// <summary>A schema that uses everything a stored schema can say.</summary>
internal static class SampleSchema
{
    public static NamespaceSchema Of(IdKind kind) => new(kind, DistanceMetric.EuclideanSquared, EveryType.Schema(kind, vectors: 2).Attributes.Concat(
    [
        new AttributeDefinition(400, "text", new AttributeType(TypeKind.String))
        {
            Regex = true,
            Glob = true,
            Fuzzy = true,
            FullText = new FullTextSettings
            {
                Language = "german", Stemming = true, RemoveStopwords = true, CaseSensitive = true, AsciiFolding = true, IndexPrefixes = true,
                MaxTokenLength = 200, K1 = 0.9, B = 0.4, K3 = 7,
            },
        },
        new AttributeDefinition(401, "plain", new AttributeType(TypeKind.String)) { FullText = new FullTextSettings(), Filterable = true },
        new AttributeDefinition(402, "late", new AttributeType(TypeKind.MultiVectorF16, 4)) { LateInteraction = true },
        new AttributeDefinition(403, "weights", new AttributeType(TypeKind.SparseF16)) { SparseKnn = true },
    ]));

    /// <summary>Everything about a schema as text.</summary>
    public static string Text(NamespaceSchema schema) => $"{schema.IdKind} {schema.Metric}\n{string.Join('\n', schema.Attributes)}";

    /// <summary>Everything about settings as text.</summary>
    public static string Text(NamespaceOptions? options) => options?.ToString() ?? "";
}
