using Puff.Engine.Filters;
using Puff.Engine.Schema;

namespace Puff.Engine.Queries;

/// <summary>A query that was checked against a schema: names are definitions, limits are in range, operands have their column's type.</summary>
internal sealed record BoundQuery : IDisposable
{
    public required NamespaceSchema Schema { get; init; }

    /// <summary>Null when every live document matches.</summary>
    public Predicate? Filter { get; init; }

    /// <summary>Exactly one of <see cref="Rank"/> and <see cref="Aggregate"/> is set.</summary>
    public BoundRank? Rank { get; init; }

    public BoundAggregate? Aggregate { get; init; }

    /// <summary>1..10,000: rows, or groups.</summary>
    public int Limit { get; init; }

    /// <summary>Offset + Limit is at most 10,000.</summary>
    public int Offset { get; init; }

    public BoundLimitPer? LimitPer { get; init; }

    /// <summary>Attributes that filter, order, groups or aggregates read of all documents, perhaps with more than once.</summary>
    public IReadOnlyList<AttributeDefinition> Scanned { get; init; } = [];

    /// <summary>Attributes the rows carry, in schema order; the id always comes along.</summary>
    public IReadOnlyList<AttributeDefinition> Selected { get; init; } = [];

    public IReadOnlyList<BoundComputed> Computed { get; init; } = [];

    public void Dispose()
    {
        (Rank as BoundVectorRank)?.Query.Dispose();
        foreach (var computed in Computed)
        {
            computed.Distance?.Dispose();
        }
    }
}

internal abstract record BoundRank;

/// <param name="Exact">kNN: never answered from an index.</param>
internal sealed record BoundVectorRank(AttributeDefinition Attribute, VectorQuery Query, bool Exact) : BoundRank
{
    /// <summary>Whether an index is searched to the end, by the codes of all matching documents.</summary>
    public bool IsThorough { get; init; }
}

/// <param name="Keys">The last key is the id, which makes the order total.</param>
internal sealed record BoundOrder(IReadOnlyList<BoundOrderKey> Keys) : BoundRank;

internal readonly record struct BoundOrderKey(AttributeDefinition Attribute, bool Descending);

internal sealed record BoundScore(ScoreNode Expression) : BoundRank;

internal sealed record BoundLimitPer(IReadOnlyList<AttributeDefinition> Attributes, int Limit);

internal sealed record BoundAggregate(IReadOnlyList<BoundAggregation> Functions, IReadOnlyList<BoundGroupKey> Keys);

/// <param name="Attribute">Null for a count.</param>
internal readonly record struct BoundAggregation(string Label, AggregateFunction Function, AttributeDefinition? Attribute);

internal readonly record struct BoundGroupKey(string Label, AttributeDefinition Attribute, bool ForEachUnique);

/// <summary>An expression whose value each returned row carries: exactly one of the three is set.</summary>
internal sealed record BoundComputed(string Name, VectorQuery? Distance, ScoreNode? Score, BoundHighlight? Highlight = null);
