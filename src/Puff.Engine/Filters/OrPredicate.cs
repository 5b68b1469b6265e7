using Puff.Engine.Numerics;

namespace Puff.Engine.Filters;

/// <summary>Some operand matches. There is at least one.</summary>
internal sealed class OrPredicate(Predicate[] operands) : CompositePredicate(operands)
{
    private readonly Predicate[] operands = operands;

    public override bool Matches(IAttributeReader document, IAttributeReader? incoming)
    {
        foreach (var operand in operands)
        {
            if (operand.Matches(document, incoming))
            {
                return true;
            }
        }

        return false;
    }

    public override void Evaluate(IColumnSource columns, BitSet result, CancellationToken cancellation)
    {
        operands[0].Evaluate(columns, result, cancellation);
        BitSet? scratch = null;
        for (int i = 1; i < operands.Length; i++)
        {
            if (!operands[i].TryAddFew(columns, result, cancellation))
            {
                scratch ??= new BitSet(result.Count);
                operands[i].Evaluate(columns, scratch, cancellation);
                result.Or(scratch);
            }
        }
    }
}
