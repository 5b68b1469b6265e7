using Puff.Engine.Numerics;
using Puff.Engine.Schema;

namespace Puff.Engine.Filters;

/// <summary>A scalar attribute's value passes a test; documents without a value never match.</summary>
internal sealed class ValuePredicate(AttributeDefinition attribute, ValueMatcher matcher) : IndexedPredicate(attribute, matcher)
{
    /// <summary>Documents looked at one by one before a pass over the column, or over an index of text, is worth it.</summary>
    private const int MaxOneByOne = 512;

    public override bool Matches(IAttributeReader document, IAttributeReader? incoming)
    {
        var value = document.Get(Attribute);
        return !value.IsNull && Matcher.Matches(value);
    }

    public override void Refine(IColumnSource columns, BitSet result, CancellationToken cancellation)
    {
        int left = CostOf(columns) switch
        {
            FilterCost.Indexed => 0,
            FilterCost.IndexedPattern => MaxOneByOne,
            _ => result.Count / 64,
        };
        if (left == 0 || result.PopCount() > left)
        {
            base.Refine(columns, result, cancellation);
            return;
        }

        var column = columns.GetColumn(Attribute);
        for (int document = result.NextSet(0); document >= 0; document = result.NextSet(document + 1))
        {
            result[document] = column is not null && column.Present[document] && Matcher.Matches(column, document);
        }
    }

    public override void Evaluate(IColumnSource columns, BitSet result, CancellationToken cancellation)
    {
        if (Find(columns, out var index, cancellation) is { } runs)
        {
            runs.Collect(index!, result);
            return;
        }

        if (columns.GetColumn(Attribute) is { } column)
        {
            Matcher.Evaluate(column, result.Words, cancellation);
            result.And(column.Present);
        }
        else
        {
            result.ClearAll();
        }
    }
}
