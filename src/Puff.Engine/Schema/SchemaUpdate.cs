namespace Puff.Engine.Schema;

/// <summary>Declarations of a request's `schema` (turbopuffer-api 2.6, 2.9), as parsed and not yet checked against a namespace.</summary>
public sealed record SchemaUpdate(IReadOnlyList<AttributeUpdate> Attributes);

/// <summary>One declaration. What is null was not mentioned.</summary>
public sealed record AttributeUpdate(string Name)
{
    /// <summary>The type string as written; null when the object form had none.</summary>
    public string? Type { get; init; }

    /// <summary>The string shorthand, which resets search options.</summary>
    public bool IsShorthand { get; init; }

    public bool? Filterable { get; init; }

    public FullTextUpdate? FullText { get; init; }

    public bool? Regex { get; init; }

    public bool? Glob { get; init; }

    public bool? Fuzzy { get; init; }

    public bool? Ann { get; init; }

    public DistanceMetric? AnnMetric { get; init; }

    public bool? LateInteraction { get; init; }

    public bool? SparseKnn { get; init; }

    /// <summary>True when a non-null `embed` was given: refused, because no model provider is configured.</summary>
    public bool Embed { get; init; }
}

/// <summary>`full_text_search`: false (<see cref="Enabled"/> false), true, or an object whose unmentioned keys are null.</summary>
public sealed record FullTextUpdate(bool Enabled)
{
    public string? Tokenizer { get; init; }

    public string? Language { get; init; }

    public bool? Stemming { get; init; }

    public bool? RemoveStopwords { get; init; }

    public bool? CaseSensitive { get; init; }

    public bool? AsciiFolding { get; init; }

    public int? MaxTokenLength { get; init; }

    public double? K1 { get; init; }

    public double? B { get; init; }

    public double? K3 { get; init; }

    public bool? IndexPrefixes { get; init; }
}
