using Puff.Engine.Numerics;
using Puff.Engine.Schema;

namespace Puff.Engine.Filters;

/// <summary>A scalar attribute's value passes a test; documents without a value never match.</summary>
internal sealed class ValuePredicate(AttributeDefinition attribute, ValueMatcher matcher) : Predicate
{
    public override bool Matches(IAttributeReader document, IAttributeReader? incoming)
    {
        var value = document.Get(attribute);
        return !value.IsNull && matcher.Matches(value);
    }

    public override void Evaluate(IColumnSource columns, BitSet result)
    {
        if (columns.GetColumn(attribute) is { } column)
        {
            matcher.Evaluate(column, result.Words);
            result.And(column.Present);
        }
        else
        {
            result.ClearAll();
        }
    }
}
