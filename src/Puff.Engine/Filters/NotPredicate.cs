using Puff.Engine.Numerics;

namespace Puff.Engine.Filters;

/// <summary>The exact complement over all documents, those without a value included.</summary>
internal sealed class NotPredicate(Predicate operand) : Predicate
{
    public override bool Matches(IAttributeReader document, IAttributeReader? incoming) => !operand.Matches(document, incoming);

    public override FilterCost CostOf(IColumnSource columns) => operand.CostOf(columns);

    public override void Explain(IColumnSource columns, FilterPlan plan) => operand.Explain(columns, plan);

    public override void Refine(IColumnSource columns, BitSet result)
    {
        var matches = result.Clone();
        operand.Refine(columns, matches);
        result.AndNot(matches);
    }

    public override void Evaluate(IColumnSource columns, BitSet result)
    {
        operand.Evaluate(columns, result);
        result.Not();
    }
}
