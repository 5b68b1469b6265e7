using Puff.Engine.Schema;

namespace Puff.Engine.Filters;

/// <summary>A filter as the caller wrote it (turbopuffer-api 4.4), not yet checked against a schema.</summary>
public abstract record Filter;

/// <summary>All operands match; without operands everything does.</summary>
public sealed record AndFilter(IReadOnlyList<Filter> Operands) : Filter;

/// <summary>Some operand matches; without operands nothing does.</summary>
public sealed record OrFilter(IReadOnlyList<Filter> Operands) : Filter;

/// <summary>The exact complement over all documents.</summary>
public sealed record NotFilter(Filter Operand) : Filter;

/// <param name="Attribute">An attribute's name or "id".</param>
/// <param name="Operator">What is compared how.</param>
/// <param name="Operand">A value, a list (as an array value), or a reference to the incoming row.</param>
public sealed record AttributeFilter(string Attribute, FilterOperator Operator, FilterOperand Operand) : Filter
{
    /// <summary>For <see cref="FilterOperator.Fuzzy"/> only.</summary>
    public FuzzyOptions? Fuzzy { get; init; }

    /// <summary>`last_as_prefix`, for the token operators only.</summary>
    public bool LastAsPrefix { get; init; }
}

public enum FilterOperator
{
    Eq,
    NotEq,
    In,
    NotIn,
    Contains,
    NotContains,
    ContainsAny,
    NotContainsAny,
    Lt,
    Lte,
    Gt,
    Gte,
    AnyLt,
    AnyLte,
    AnyGt,
    AnyGte,
    Glob,
    NotGlob,
    IGlob,
    NotIGlob,
    Regex,
    Fuzzy,
    ContainsAllTokens,
    ContainsAnyToken,
    ContainsTokenSequence,
}

/// <summary>Either a value or, in the conditions of a write, `{"$ref_new": attribute}`: the value the incoming row has for that attribute.</summary>
public readonly record struct FilterOperand(Value Value, string? RefNew = null)
{
    public static implicit operator FilterOperand(Value value) => new(value);
}

/// <summary>`max_edit_distance` entries and case sensitivity of the Fuzzy operator.</summary>
public sealed record FuzzyOptions(IReadOnlyList<FuzzyDistance> MaxEditDistance, bool CaseSensitive = true);

/// <param name="MinQueryChars">Applies to queries of at least this many characters.</param>
/// <param name="Distance">0, 1 or 2.</param>
public readonly record struct FuzzyDistance(int MinQueryChars, int Distance);
