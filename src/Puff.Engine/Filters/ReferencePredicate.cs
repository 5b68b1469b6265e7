using Puff.Engine.Numerics;
using Puff.Engine.Schema;

namespace Puff.Engine.Filters;

/// <summary>
/// A comparison with the value the incoming row has for an attribute (`$ref_new`). Each row brings another operand, so the comparison is bound anew for each;
/// a condition meets one stored document a row, which leaves nothing to share.
/// </summary>
internal sealed class ReferencePredicate(AttributeDefinition attribute, AttributeFilter filter, AttributeDefinition reference) : Predicate
{
    public override bool Matches(IAttributeReader document, IAttributeReader? incoming)
    {
        var operand = incoming?.Get(reference) ?? Value.Null;
        if (operand.IsNull && NullMatches() is { } always)
        {
            return always;
        }

        return AttributeBinder.Bind(attribute, filter, operand).Matches(document, null);
    }

    public override FilterCost CostOf(IColumnSource columns) => throw NotForSets();

    public override void Explain(IColumnSource columns, FilterPlan plan, CancellationToken cancellation) => throw NotForSets();

    public override void Evaluate(IColumnSource columns, BitSet result, CancellationToken cancellation) =>
        throw NotForSets();

    private static InvalidOperationException NotForSets() => new("a filter that refers to incoming rows is evaluated row by row");

    /// <summary>
    /// Where a literal null is an error, a null from the row is no element and no list: nothing matches but the complements. Null: as the literal.
    /// </summary>
    private bool? NullMatches() => filter.Operator switch
    {
        FilterOperator.Eq or FilterOperator.NotEq or FilterOperator.Lt or FilterOperator.Lte or FilterOperator.Gt or FilterOperator.Gte => null,
        FilterOperator.NotIn or FilterOperator.NotContains or FilterOperator.NotContainsAny => true,
        _ => false,
    };
}
