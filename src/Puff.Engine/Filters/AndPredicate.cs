using Puff.Engine.Numerics;

namespace Puff.Engine.Filters;

/// <summary>All operands match. There is at least one.</summary>
internal sealed class AndPredicate(Predicate[] operands) : Predicate
{
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

    public override void Evaluate(IColumnSource columns, BitSet result)
    {
        operands[0].Evaluate(columns, result);
        BitSet? scratch = null;
        for (int i = 1; i < operands.Length && result.NextSet(0) >= 0; i++)
        {
            scratch ??= new BitSet(result.Count);
            operands[i].Evaluate(columns, scratch);
            result.And(scratch);
        }
    }
}
