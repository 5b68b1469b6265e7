using Puff.Engine.Numerics;

namespace Puff.Engine.Filters;

/// <summary>All operands match. There is at least one.</summary>
internal sealed class AndPredicate(Predicate[] operands) : CompositePredicate(operands)
{
    private readonly Predicate[] operands = operands;

    public override bool Matches(IAttributeReader document, IAttributeReader? incoming)
    {
        foreach (var operand in operands)
        {
            if (!operand.Matches(document, incoming))
            {
                return false;
            }
        }

        return true;
    }

    public override void Evaluate(IColumnSource columns, BitSet result, CancellationToken cancellation)
    {
        var ordered = InOrderOfCost(columns);
        ordered[0].Evaluate(columns, result, cancellation);
        Refine(columns, result, ordered.AsSpan(1), cancellation);
    }

    public override void Refine(IColumnSource columns, BitSet result, CancellationToken cancellation) =>
        Refine(columns, result, InOrderOfCost(columns), cancellation);

    private static void Refine(IColumnSource columns, BitSet result, ReadOnlySpan<Predicate> ordered, CancellationToken cancellation)
    {
        foreach (var operand in ordered)
        {
            if (result.NextSet(0) < 0)
            {
                return;
            }

            operand.Refine(columns, result, cancellation);
        }
    }

    private Predicate[] InOrderOfCost(IColumnSource columns)
    {
        var ordered = (Predicate[])operands.Clone();
        Array.Sort(Array.ConvertAll(ordered, o => (int)o.CostOf(columns)), ordered);
        return ordered;
    }
}
