namespace Puff.Engine.Schema;

/// <summary>The numbers are stored: they only grow.</summary>
public enum DistanceMetric : byte
{
    CosineDistance = 1,
    EuclideanSquared = 2,
}

/// <summary>Settings of a full-text index (turbopuffer-api 2.6); always complete.</summary>
public sealed record FullTextSettings
{
    public string Tokenizer { get; init; } = "word_v4";

    public string Language { get; init; } = "english";

    public bool Stemming { get; init; }

    public bool RemoveStopwords { get; init; }

    public bool CaseSensitive { get; init; }

    public bool AsciiFolding { get; init; }

    public int MaxTokenLength { get; init; } = 39;

    public double K1 { get; init; } = 1.2;

    public double B { get; init; } = 0.75;

    public double K3 { get; init; } = 8.0;

    /// <summary>Undocumented `index_prefixes`: accepted, a hint only.</summary>
    public bool IndexPrefixes { get; init; }
}

/// <summary>One declared attribute. <paramref name="Id"/> is its number in stored rows: assigned once, never reused in a namespace's life.</summary>
public sealed record AttributeDefinition(int Id, string Name, AttributeType Type)
{
    public bool Filterable { get; init; }

    public FullTextSettings? FullText { get; init; }

    public bool Regex { get; init; }

    public bool Glob { get; init; }

    public bool Fuzzy { get; init; }

    /// <summary>`ann`: always true for dense vectors.</summary>
    public bool Ann { get; init; }

    public bool LateInteraction { get; init; }

    public bool SparseKnn { get; init; }

    /// <summary>A filter may name it, so segments keep its values by column too.</summary>
    internal bool HasColumn => Type.CanFilter && (Filterable || Regex || Glob || Fuzzy);
}

/// <summary>
/// What a namespace knows about its documents: the id kind, the attributes, the distance metric. Immutable; a change makes a new one.
/// The document id is not an attribute here: it has <see cref="IdAttribute"/> as its definition and id number 0.
/// </summary>
public sealed class NamespaceSchema
{
    public const int MaxAttributes = 1_024;
    public const int MaxNameBytes = 128;
    public const int MaxDenseVectors = 2;

    private readonly Dictionary<string, AttributeDefinition> byName;
    private readonly AttributeDefinition?[] byId;

    public NamespaceSchema(IdKind? idKind, DistanceMetric? metric, IEnumerable<AttributeDefinition> attributes)
    {
        IdKind = idKind;
        Metric = metric;
        IdAttribute = new AttributeDefinition(0, "id", new AttributeType(idKind switch
        {
            Schema.IdKind.Uuid => TypeKind.Uuid,
            Schema.IdKind.String => TypeKind.String,
            _ => TypeKind.UInt,
        })) { Filterable = true };
        Attributes = attributes.OrderBy(a => a.Id).ToArray();
        byName = Attributes.ToDictionary(a => a.Name, StringComparer.Ordinal);
        byId = new AttributeDefinition?[Attributes.Count == 0 ? 1 : Attributes[^1].Id + 1];
        foreach (var attribute in Attributes)
        {
            byId[attribute.Id] = attribute;
        }
    }

    public static NamespaceSchema Empty { get; } = new(null, null, []);

    /// <summary>Null until the first document or a declared `id` settles it.</summary>
    public IdKind? IdKind { get; }

    /// <summary>Null in a namespace without dense vectors.</summary>
    public DistanceMetric? Metric { get; }

    /// <summary>In order of <see cref="AttributeDefinition.Id"/>, without the document id; ids begin at 1.</summary>
    public IReadOnlyList<AttributeDefinition> Attributes { get; }

    /// <summary>The definition under which `id` takes part in filters and orders: number 0, always filterable.</summary>
    public AttributeDefinition IdAttribute { get; }

    /// <summary>The attribute of that name ("id" gives <see cref="IdAttribute"/>), or null.</summary>
    public AttributeDefinition? Find(string name) => name == "id" ? IdAttribute : byName.GetValueOrDefault(name);

    /// <summary>The attribute with that number (0 gives <see cref="IdAttribute"/>), or null.</summary>
    public AttributeDefinition? Find(int id) => id == 0 ? IdAttribute : (uint)id < (uint)byId.Length ? byId[id] : null;

    public IEnumerable<AttributeDefinition> DenseVectors => Attributes.Where(a => a.Type.IsDenseVector);
}
