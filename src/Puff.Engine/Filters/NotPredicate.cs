using Puff.Engine.Encoding;
using Puff.Engine.Numerics;

namespace Puff.Engine.Filters;

/// <summary>The exact complement over all documents, those without a value included.</summary>
internal sealed class NotPredicate(Predicate operand) : Predicate
{
    public override bool Matches(IAttributeReader document, IAttributeReader? incoming) => !operand.Matches(document, incoming);

    public override void Plan(IColumnSource columns, IReadBatch batch) => operand.Plan(columns, batch);

    public override FilterCost CostOf(IColumnSource columns) => operand.CostOf(columns);

    public override void Explain(IColumnSource columns, FilterPlan plan, CancellationToken cancellation) => operand.Explain(columns, plan, cancellation);

    public override void Refine(IColumnSource columns, BitSet result, CancellationToken cancellation)
    {
        var matches = result.Clone();
        operand.Refine(columns, matches, cancellation);
        result.AndNot(matches);
    }

    public override void Evaluate(IColumnSource columns, BitSet result, CancellationToken cancellation)
    {
        operand.Evaluate(columns, result, cancellation);
        result.Not();
    }
}
