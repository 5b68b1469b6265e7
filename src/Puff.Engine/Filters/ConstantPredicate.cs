using Puff.Engine.Numerics;

namespace Puff.Engine.Filters;

/// <summary>Matches every document or none, such as an empty And, an empty Or, or `Lt null`.</summary>
internal sealed class ConstantPredicate : Predicate
{
    public static readonly ConstantPredicate All = new(true);
    public static readonly ConstantPredicate None = new(false);

    private readonly bool value;

    private ConstantPredicate(bool value) => this.value = value;

    public override bool Matches(IAttributeReader document, IAttributeReader? incoming) => value;

    public override FilterCost CostOf(IColumnSource columns) => FilterCost.Indexed;

    public override void Explain(IColumnSource columns, FilterPlan plan, CancellationToken cancellation)
    {
    }

    public override void Evaluate(IColumnSource columns, BitSet result, CancellationToken cancellation)
    {
        if (value)
        {
            result.SetAll();
        }
        else
        {
            result.ClearAll();
        }
    }
}
