using Puff.Engine.Formats;
using Puff.Engine.Numerics;
using Puff.Engine.Schema;

namespace Puff.Engine.Filters;

/// <summary>Some element of an array attribute passes a test; documents without a value, or with an empty array, never match.</summary>
internal sealed class AnyElementPredicate(AttributeDefinition attribute, ValueMatcher matcher) : Predicate
{
    public override bool Matches(IAttributeReader document, IAttributeReader? incoming)
    {
        var value = document.Get(attribute);
        int count = value.IsNull ? 0 : value.ElementCount;
        for (int i = 0; i < count; i++)
        {
            if (matcher.Matches(value.ElementAt(i)))
            {
                return true;
            }
        }

        return false;
    }

    public override FilterCost CostOf(IColumnSource columns)
    {
        bool isIndexed = columns.GetIndex(attribute) is not null;
        return matcher.Cost switch
        {
            MatcherCost.Number => isIndexed ? FilterCost.Indexed : FilterCost.ScanNumbers,
            MatcherCost.Bytes => isIndexed ? FilterCost.Indexed : FilterCost.ScanBytes,
            _ => isIndexed ? FilterCost.IndexedPattern : FilterCost.ScanPattern,
        };
    }

    public override void Explain(IColumnSource columns, FilterPlan plan)
    {
        if (Find(columns, out var index) is { } runs)
        {
            plan.AddIndex(attribute, runs, index!.Values);
        }
        else
        {
            plan.AddScan(attribute);
        }
    }

    public override bool TryAddFew(IColumnSource columns, BitSet result) => Find(columns, out var index) is { } runs && runs.TryAddFew(index!, result);

    public override void Evaluate(IColumnSource columns, BitSet result)
    {
        result.ClearAll();
        var column = columns.GetColumn(attribute);
        if (column is not ArrayColumn array || array.Kind == TypeKind.UnknownArray || array.Elements.Count == 0)
        {
            return;
        }

        if (Find(columns, out var index) is { } runs)
        {
            runs.Collect(index!, result);
            return;
        }

        var elements = new BitSet(array.Elements.Count);
        matcher.Evaluate(array.Elements, elements.Words);
        elements.And(array.Elements.Present);

        // Documents own consecutive ranges, so the next match is never before the range at hand.
        int next = elements.NextSet(0);
        for (int document = 0; next >= 0 && document < array.Count; document++)
        {
            int end = array.GetRange(document).End;
            if (next < end)
            {
                result[document] = true;
                next = elements.NextSet(end);
            }
        }
    }

    /// <summary>The values that match, by the index; null when the column is to be scanned.</summary>
    private OrdinalRuns? Find(IColumnSource columns, out AttributeIndex? index)
    {
        index = columns.GetIndex(attribute);
        if (index is null)
        {
            return null;
        }

        var runs = new OrdinalRuns();
        return matcher.TryFind(index, runs) ? runs : null;
    }
}
