using Puff.Engine.Filters;
using Puff.Engine.Schema;

namespace Puff.Engine.Queries;

public enum Consistency
{
    /// <summary>Every write acknowledged before the query began.</summary>
    Strong,

    /// <summary>What this node knows; no request to the store.</summary>
    Eventual,
}

/// <summary>One query (turbopuffer-api section 4) as parsed, not yet checked against a schema.</summary>
public sealed record QueryRequest
{
    public RankBy? RankBy { get; init; }

    /// <summary>`limit` / `limit.total` / `top_k`; null when absent.</summary>
    public long? Limit { get; init; }

    public LimitPer? LimitPer { get; init; }

    public long Offset { get; init; }

    public Filter? Filters { get; init; }

    public AttributeSelection Select { get; init; } = AttributeSelection.None;

    /// <summary>Null when the request aggregates nothing.</summary>
    public IReadOnlyList<Aggregation>? AggregateBy { get; init; }

    public IReadOnlyList<GroupKey>? GroupBy { get; init; }

    /// <summary>`compute_attributes`: name → expression.</summary>
    public IReadOnlyList<ComputedAttribute>? ComputeAttributes { get; init; }

    /// <summary>Accepted only when equal to the namespace's.</summary>
    public DistanceMetric? DistanceMetric { get; init; }
}

/// <summary>Several queries on one snapshot, optionally fused.</summary>
public sealed record MultiQueryRequest(IReadOnlyList<QueryRequest> Queries)
{
    public RankFusion? Fusion { get; init; }

    public long? Limit { get; init; }
}

/// <summary>Reciprocal rank fusion: Σ weight / (constant + rank), rank from 1.</summary>
public sealed record RankFusion(double RankConstant = 60, IReadOnlyList<double>? Weights = null);

public sealed record LimitPer(IReadOnlyList<string> Attributes, long Limit);

/// <summary>Which attributes the rows carry. Exactly one of the two lists may be set; All means every attribute.</summary>
public sealed record AttributeSelection(bool All, IReadOnlyList<string>? Include, IReadOnlyList<string>? Exclude)
{
    /// <summary>Only the id (and `$dist`).</summary>
    public static AttributeSelection None { get; } = new(false, null, null);
}

public abstract record RankBy;

/// <summary>[attr, "ANN" | "kNN", vector]: nearest first. <paramref name="Exact"/> is kNN, which requires filters.</summary>
public sealed record VectorRank(string Attribute, VectorOperand Vector, bool Exact) : RankBy;

/// <summary>One query vector, or several for late interaction. Data holds them one after the other.</summary>
/// <param name="IsMulti">Written as an array of vectors.</param>
public sealed record VectorOperand(float[] Data, int Dimensions, bool IsMulti);

/// <summary>["attr", "asc"|"desc"] or up to eight of them.</summary>
public sealed record OrderRank(IReadOnlyList<OrderKey> Keys) : RankBy;

public readonly record struct OrderKey(string Attribute, bool Descending);

/// <summary>A score, descending; rows that score nothing are left out (turbopuffer-api 4.2).</summary>
public sealed record ScoreRank(ScoreExpression Expression) : RankBy;

public abstract record ScoreExpression;

public sealed record SparseScore(string Attribute, SparseVector Query) : ScoreExpression;

/// <param name="Text">The query string; null when <paramref name="Tokens"/> was given.</param>
public sealed record Bm25Score(string Attribute, string? Text, IReadOnlyList<string>? Tokens, bool LastAsPrefix) : ScoreExpression
{
    /// <summary>
    /// Edits (Levenshtein) that a document's token may be away from the query's, 0 to 2: fewer for tokens of less than 6 characters, none for less than 3. The
    /// nearer, the higher the score. Not in the API.
    /// </summary>
    public int Fuzziness { get; init; }
}

public sealed record SumScore(IReadOnlyList<ScoreExpression> Terms) : ScoreExpression;

public sealed record MaxScore(IReadOnlyList<ScoreExpression> Terms) : ScoreExpression;

public sealed record ProductScore(double Weight, ScoreExpression Term) : ScoreExpression;

public sealed record ConstantScore(double Value) : ScoreExpression;

public sealed record FilterScore(Filter Filter) : ScoreExpression;

public sealed record AttributeScore(string Attribute) : ScoreExpression;

/// <param name="Midpoint">A number (ms for datetime distances), or a duration string as written.</param>
public sealed record SaturateScore(ScoreExpression Term, ScoreNumber Midpoint, double Exponent) : ScoreExpression;

public sealed record DecayScore(ScoreExpression Term, ScoreNumber Midpoint, double Exponent) : ScoreExpression;

/// <param name="Origin">A number, or a datetime string.</param>
public sealed record DistScore(string Attribute, Value Origin) : ScoreExpression;

/// <summary>A plain number or a duration such as "6h".</summary>
public readonly record struct ScoreNumber(double Number, string? Duration = null);

public enum AggregateFunction
{
    Count,
    Sum,

    /// <summary>The least value; null without values. Beyond the turbopuffer API, as are all that follow.</summary>
    Min,
    Max,

    /// <summary>The mean of the values as a double; null without values.</summary>
    Avg,

    /// <summary>How many different values there are, exactly; of arrays, different elements.</summary>
    CountDistinct,
}

/// <param name="Attribute">Null for Count over rows.</param>
public sealed record Aggregation(string Label, AggregateFunction Function, string? Attribute);

/// <param name="Label">Key in the group object: the attribute's name, or the label of ForEachUnique.</param>
/// <param name="ForEachUnique">One group per distinct element of an array attribute.</param>
public sealed record GroupKey(string Label, string Attribute, bool ForEachUnique);

public abstract record ComputedAttribute(string Name);

/// <summary>[attr, "VectorDist", vector]: the exact distance under the namespace's metric.</summary>
public sealed record ComputedVectorDistance(string Name, string Attribute, VectorOperand Vector) : ComputedAttribute(Name);

/// <summary>A score without corpus statistics.</summary>
public sealed record ComputedScore(string Name, ScoreExpression Expression) : ComputedAttribute(Name);

/// <summary>["Highlight", attr, options]: the parts of a text that match.</summary>
public sealed record ComputedHighlight(string Name, string Attribute) : ComputedAttribute(Name)
{
    public FragmentUnit FragmentBy { get; init; } = FragmentUnit.Sentence;

    /// <summary>1..1,024.</summary>
    public int FragmentLimit { get; init; } = 3;

    /// <summary>Null: fragments come without places.</summary>
    public OffsetUnit? Offsets { get; init; }

    /// <summary>A BM25 expression on the attribute or on "$fragment"; null: the BM25 expressions of `rank_by` on the attribute.</summary>
    public ScoreExpression? RankFragmentsBy { get; init; }
}

/// <summary>What a text is cut into for highlighting.</summary>
public enum FragmentUnit
{
    /// <summary>The whole text.</summary>
    None,
    Sentence,
    Paragraph,
    Word,
}

/// <summary>What places in a text are counted in.</summary>
public enum OffsetUnit
{
    Utf8,
    Utf16,
    CodePoints,
}
