using Puff.Engine.Numerics;
using Puff.Engine.Schema;

namespace Puff.Engine.Filters;

/// <summary>The document has a value for the attribute; an empty array is one.</summary>
internal sealed class PresentPredicate(AttributeDefinition attribute) : Predicate
{
    public override bool Matches(IAttributeReader document, IAttributeReader? incoming) => !document.Get(attribute).IsNull;

    public override FilterCost CostOf(IColumnSource columns) => FilterCost.Indexed;

    public override void Explain(IColumnSource columns, FilterPlan plan, CancellationToken cancellation) => plan.AddScan(attribute);

    public override void Evaluate(IColumnSource columns, BitSet result, CancellationToken cancellation)
    {
        if (columns.GetColumn(attribute) is { } column)
        {
            result.CopyFrom(column.Present);
        }
        else
        {
            result.ClearAll();
        }
    }
}
