using Puff.Engine.Encoding;

namespace Puff.Engine.Filters;

/// <summary>A predicate of others: costs what the dearest of them costs, and is explained by them.</summary>
internal abstract class CompositePredicate(Predicate[] operands) : Predicate
{
    public override FilterCost CostOf(IColumnSource columns) => operands.Max(operand => operand.CostOf(columns));

    public override void Plan(IColumnSource columns, IReadBatch batch) => Array.ForEach(operands, o => o.Plan(columns, batch));

    public override void Explain(IColumnSource columns, FilterPlan plan, CancellationToken cancellation)
    {
        foreach (var operand in operands)
        {
            operand.Explain(columns, plan, cancellation);
        }
    }
}
